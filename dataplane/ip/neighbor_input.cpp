// Neighbour: neighbor_input.h. Nothing unsolicited ever makes an entry; only a request for one of our
// addresses, which announces traffic, does.
#include "ip/neighbor_input.h"

namespace millrace::ip {

void NeighborInput::receive_arp(const wire::Frame& frame, Instant now, PacketBatch& out) {
  const std::optional<wire::ArpPacket> arp = wire::parse_arp(frame.message);
  if (!arp) return counters_.drop(DropReason::ArpMalformed);
  if (arp->sender_mac == interface_.mac)
    return counters_.drop(DropReason::ArpUnwanted);  // our own, reflected
  if (on_tentative(*arp)) return counters_.drop(DropReason::ArpUnwanted);
  if (local_.contains(arp->sender)) return on_arp_conflict(*arp, now, out);
  if (arp->operation == wire::ArpPacket::kRequest && local_.contains(arp->target))
    return on_arp_request(frame, *arp, now, out);
  if (arp->operation != wire::ArpPacket::kRequest && arp->operation != wire::ArpPacket::kReply)
    return counters_.drop(DropReason::ArpUnwanted);

  // RFC 826: an entry that exists is brought up to date by whatever its owner says; it counts as confirmed
  // only if we had asked.
  const bool solicited =
      arp->operation == wire::ArpPacket::kReply && local_.contains(arp->target) && table_.asking(arp->sender);
  const Advertisement advertisement{.mac = arp->sender_mac, .solicited = solicited, .override_ = true};
  tell(arp->sender, arp->sender_mac, true);
  if (!table_.heard_advertisement(arp->sender, advertisement, now, out))
    drop_unwanted(DropReason::ArpUnwanted);
}

// RFC 5227 §2.1.1: a packet of its owner, or a probe of somebody who would use it like us.
bool NeighborInput::on_tentative(const wire::ArpPacket& arp) {
  const bool owned = duplicates_.is_tentative(arp.sender);
  const bool probed = arp.sender.is_unspecified() && duplicates_.is_tentative(arp.target);
  if (owned || probed) duplicates_.conflict(owned ? arp.sender : arp.target);
  return owned || probed;
}

void NeighborInput::on_arp_request(const wire::Frame& frame, const wire::ArpPacket& arp, Instant now,
                                   PacketBatch& out) {
  // A probe (RFC 5227 §2.1.1) comes from 0.0.0.0, which is on no link.
  if (!arp.sender.is_unspecified() && routes_.on_link(arp.sender)) {
    tell(arp.sender, arp.sender_mac, true);
    table_.heard_request(arp.sender, arp.sender_mac, now, out);
  }
  messages_.answer_arp(arp, frame.source_mac, out);
}

void NeighborInput::on_arp_conflict(const wire::ArpPacket& arp, Instant now, PacketBatch& out) {
  constexpr Micros kDefendInterval = 10s;  // RFC 5227 §1.1
  counters_.address_conflicts.add();
  counters_.drop(DropReason::ArpUnwanted);
  // RFC 5227 §2.4 (c): keep the address and say so, but not more often than that.
  if (now < defend_after_) return;
  defend_after_ = now + kDefendInterval;
  messages_.announce(arp.sender, out);
}

void NeighborInput::receive_nd(const wire::Frame& frame, Instant now, PacketBatch& out) {
  const std::optional<wire::NdMessage> message = wire::parse_nd(frame);
  // Routers' solicitations, and redirects: of them nothing is learnt.
  if (!message) return counters_.drop(DropReason::NdUnwanted);
  if (!local_.contains(frame.destination) && !local_.in_group(frame.destination))
    return counters_.drop(DropReason::IpNotOurs);
  if (on_tentative(frame, *message)) return counters_.drop(DropReason::NdUnwanted);
  if (message->solicitation)
    on_solicitation(frame, *message, now, out);
  else
    on_advertisement(frame, *message, now, out);
}

bool NeighborInput::on_tentative(const wire::Frame& frame, const wire::NdMessage& message) {
  if (!duplicates_.is_tentative(message.target)) return false;
  // RFC 4862 §5.4.3: who asks from an address of his own resolves, and goes unanswered; who asks from none
  // would use it like us, unless he is we. §5.4.4: who advertises it has it.
  // What bears our MAC address is ours, or of a kernel that has the interface with us: a written deviation.
  const bool own = frame.source_mac == interface_.mac || duplicates_.is_own_probe(message);
  if (own) return true;
  const bool probe = frame.source.is_unspecified();
  if (!message.solicitation || probe) duplicates_.conflict(message.target);
  return true;
}

void NeighborInput::on_solicitation(const wire::Frame& frame, const wire::NdMessage& message, Instant now,
                                    PacketBatch& out) {
  if (!local_.contains(message.target)) return counters_.drop(DropReason::NdUnwanted);
  if (local_.contains(frame.source)) return counters_.drop(DropReason::IpSourceInvalid);
  if (message.mac && routes_.on_link(frame.source)) {
    tell(frame.source, message.mac, true);
    table_.heard_request(frame.source, *message.mac, now, out);
  }
  messages_.answer_solicitation(frame, message.target, out);
}

void NeighborInput::on_advertisement(const wire::Frame& frame, const wire::NdMessage& message, Instant now,
                                     PacketBatch& out) {
  if (local_.contains(message.target)) {
    if (frame.source_mac != interface_.mac) counters_.address_conflicts.add();
    return counters_.drop(DropReason::NdUnwanted);
  }
  const Advertisement advertisement{
      .mac = message.mac, .solicited = message.solicited, .override_ = message.override_};
  tell(message.target, message.mac, message.override_);
  if (!table_.heard_advertisement(message.target, advertisement, now, out))
    drop_unwanted(DropReason::NdUnwanted);
}

void NeighborInput::tell(const IpAddress& address, const std::optional<MacAddress>& mac, bool override_flag) {
  if (mac) news_.tell({.override_ = override_flag, .address = address, .mac = *mac});
}

void NeighborInput::drop_unwanted(DropReason reason) {
  if (!news_.sharing()) counters_.drop(reason);
}

}  // namespace millrace::ip

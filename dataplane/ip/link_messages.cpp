// Neighbour: link_messages.h.
#include "ip/link_messages.h"

#include "ip/source_address.h"

namespace millrace::ip {

bool emit(Packet&& packet, PacketBatch& out, Counters& counters) {
  if (out.push(std::move(packet))) return true;
  packet.reset();
  counters.drop(DropReason::TxQueueFull);
  return false;
}

void LinkMessages::solicit(const IpAddress& target, const MacAddress* mac, PacketBatch& out) {
  if (target.is_v4())
    solicit_arp(target, mac, out);
  else
    solicit_nd(target, mac, out);
}

void LinkMessages::solicit_arp(const IpAddress& target, const MacAddress* mac, PacketBatch& out) {
  const auto source = select_source(local_, target, target);
  if (!source) return;
  // RFC 1122 §2.3.2.1 (2): a unicast request tests an entry that is in use.
  send_arp(mac != nullptr ? *mac : kBroadcastMac,
           {.operation = wire::ArpPacket::kRequest,
            .sender_mac = interface_.mac,
            .sender = *source,
            .target_mac = mac != nullptr ? *mac : MacAddress(),
            .target = target},
           out);
}

void LinkMessages::solicit_nd(const IpAddress& target, const MacAddress* mac, PacketBatch& out) {
  const auto source = select_source(local_, target, target);
  if (!source) return;
  const IpAddress destination = mac != nullptr ? target : wire::solicited_node_group(target);
  send_nd(mac != nullptr ? *mac : wire::group_mac(destination), *source, destination,
          {.solicitation = true, .target = target, .mac = interface_.mac}, out);
}

void LinkMessages::answer_arp(const wire::ArpPacket& request, const MacAddress& to, PacketBatch& out) {
  send_arp(to,
           {.operation = wire::ArpPacket::kReply,
            .sender_mac = interface_.mac,
            .sender = request.target,
            .target_mac = request.sender_mac,
            .target = request.sender},
           out);
}

void LinkMessages::answer_solicitation(const wire::Frame& frame, const IpAddress& target, PacketBatch& out) {
  // RFC 4861 §7.2.4: to the source, solicited; a source that is unspecified cannot be answered but on all
  // nodes.
  const bool probe = frame.source == IpAddress();
  const IpAddress destination = probe ? wire::all_nodes_group() : frame.source;
  send_nd(probe ? wire::group_mac(destination) : frame.source_mac, target, destination,
          {.solicited = !probe, .override_ = true, .target = target, .mac = interface_.mac}, out);
}

bool LinkMessages::announce(const IpAddress& address, PacketBatch& out) {
  if (address.is_v4())
    return send_arp(kBroadcastMac,
                    {.operation = wire::ArpPacket::kRequest,
                     .sender_mac = interface_.mac,
                     .sender = address,
                     .target_mac = MacAddress(),
                     .target = address},
                    out);
  const IpAddress group = wire::all_nodes_group();
  return send_nd(wire::group_mac(group), address, group,
                 {.override_ = true, .target = address, .mac = interface_.mac}, out);
}

bool LinkMessages::probe(const IpAddress& address, const wire::NdNonce& nonce, PacketBatch& out) {
  if (address.is_v4())
    return send_arp(kBroadcastMac,
                    {.operation = wire::ArpPacket::kRequest,
                     .sender_mac = interface_.mac,
                     .sender = IpAddress::v4(0, 0, 0, 0),
                     .target_mac = MacAddress(),
                     .target = address},
                    out);
  // RFC 4862 §5.4.2: from the unspecified address, without a link-layer address.
  const IpAddress group = wire::solicited_node_group(address);
  return send_nd(wire::group_mac(group), IpAddress(), group,
                 {.solicitation = true, .target = address, .mac = {}, .nonce = nonce}, out);
}

bool LinkMessages::send_arp(const MacAddress& to, const wire::ArpPacket& arp, PacketBatch& out) {
  Packet packet = pool_.allocate();
  if (!packet || !wire::build_arp(packet, {.destination = to, .source = interface_.mac}, arp)) {
    counters_.drop(DropReason::PacketPoolEmpty);
    return false;
  }
  if (!emit(std::move(packet), out, counters_)) return false;
  if (arp.operation == wire::ArpPacket::kRequest)
    counters_.arp_requests_sent.add();
  else
    counters_.arp_replies_sent.add();
  return true;
}

bool LinkMessages::send_nd(const MacAddress& to, const IpAddress& source, const IpAddress& destination,
                           const wire::NdMessage& message, PacketBatch& out) {
  Packet packet = pool_.allocate();
  const wire::LinkHeader link{.destination = to, .source = interface_.mac};
  if (!packet || !wire::build_nd(packet, link, source, destination, message)) {
    counters_.drop(DropReason::PacketPoolEmpty);
    return false;
  }
  if (!emit(std::move(packet), out, counters_)) return false;
  if (message.solicitation)
    counters_.nd_solicits_sent.add();
  else
    counters_.nd_adverts_sent.add();
  return true;
}

}  // namespace millrace::ip

// ARP and neighbour discovery as they come in. Neighbours: wire/arp_nd.h has checked their form; neighbor.h
// keeps what they say, link_messages.h writes the answers.
#pragma once

#include <optional>

#include "base/counters.h"
#include "base/time.h"
#include "ip/duplicate_address.h"
#include "ip/link_messages.h"
#include "ip/link_news.h"
#include "ip/local_addresses.h"
#include "ip/neighbor.h"
#include "ip/routes.h"

namespace millrace::ip {

class NeighborInput {
 public:
  NeighborInput(const InterfaceParams& interface, const LocalAddresses& local, const Routes& routes,
                NeighborTable& table, DuplicateAddresses& duplicates, LinkMessages& messages,
                NewsBoard& news, Counters& counters)
      : interface_(interface),
        local_(local),
        routes_(routes),
        table_(table),
        duplicates_(duplicates),
        messages_(messages),
        news_(news),
        counters_(counters) {}

  void receive_arp(const wire::Frame& frame, Instant now, PacketBatch& out);
  // A valid ND message (types 133 to 137).
  void receive_nd(const wire::Frame& frame, Instant now, PacketBatch& out);

 private:
  void tell(const IpAddress& address, const std::optional<MacAddress>& mac, bool override_flag);
  // Nobody here had asked; somebody of ours may have.
  void drop_unwanted(DropReason reason);
  void on_arp_request(const wire::Frame& frame, const wire::ArpPacket& arp, Instant now, PacketBatch& out);
  void on_arp_conflict(const wire::ArpPacket& arp, Instant now, PacketBatch& out);
  // Whether the message concerns an address of ours that is not used yet; then it is dealt with.
  bool on_tentative(const wire::ArpPacket& arp);
  bool on_tentative(const wire::Frame& frame, const wire::NdMessage& message);
  void on_solicitation(const wire::Frame& frame, const wire::NdMessage& message, Instant now,
                       PacketBatch& out);
  void on_advertisement(const wire::Frame& frame, const wire::NdMessage& message, Instant now,
                        PacketBatch& out);

  const InterfaceParams& interface_;
  const LocalAddresses& local_;
  const Routes& routes_;
  NeighborTable& table_;
  DuplicateAddresses& duplicates_;
  LinkMessages& messages_;
  NewsBoard& news_;
  Counters& counters_;
  Instant defend_after_ = Instant::min();
};

}  // namespace millrace::ip

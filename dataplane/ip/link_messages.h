// The ARP and ND frames that we send. Neighbours: wire/arp_nd.h writes them; neighbor.h asks for
// solicitations, neighbor_input.h for answers, host.h for announcements.
#pragma once

#include "base/counters.h"
#include "base/packet.h"
#include "ip/local_addresses.h"
#include "wire/arp_nd.h"

namespace millrace::ip {

// Hands a packet to the link. False: no room, dropped and counted.
bool emit(Packet&& packet, PacketBatch& out, Counters& counters);

class LinkMessages {
 public:
  LinkMessages(const InterfaceParams& interface, const LocalAddresses& local, PacketPool& pool,
               Counters& counters)
      : interface_(interface), local_(local), pool_(pool), counters_(counters) {}

  // Asks who has `target`: everyone, or the one at `mac` whether it is still there (RFC 4861 §7.2.2, §7.3.3).
  void solicit(const IpAddress& target, const MacAddress* mac, PacketBatch& out);

  // Answers an ARP request for one of our addresses, to the station that the frame came from.
  void answer_arp(const wire::ArpPacket& request, const MacAddress& to, PacketBatch& out);
  // Answers a solicitation for one of our addresses; a probe from :: gets its answer on all nodes.
  void answer_solicitation(const wire::Frame& frame, const IpAddress& target, PacketBatch& out);

  // Tells the link where `address` is (RFC 5227 §2.3, RFC 4861 §7.2.6). False: no room, dropped and counted.
  bool announce(const IpAddress& address, PacketBatch& out);
  // Asks whether anybody has `address`, which we would use (RFC 5227 §2.1.1, RFC 4862 §5.4.2). False: likewise.
  bool probe(const IpAddress& address, const wire::NdNonce& nonce, PacketBatch& out);

 private:
  void solicit_arp(const IpAddress& target, const MacAddress* mac, PacketBatch& out);
  void solicit_nd(const IpAddress& target, const MacAddress* mac, PacketBatch& out);
  bool send_arp(const MacAddress& to, const wire::ArpPacket& arp, PacketBatch& out);
  bool send_nd(const MacAddress& to, const IpAddress& source, const IpAddress& destination,
               const wire::NdMessage& message, PacketBatch& out);

  const InterfaceParams& interface_;
  const LocalAddresses& local_;
  PacketPool& pool_;
  Counters& counters_;
};

}  // namespace millrace::ip

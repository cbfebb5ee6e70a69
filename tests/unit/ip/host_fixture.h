// One host on a link of its own: we are 10.0.0.2/24 and 2001:db8::2/64 at 02:..:02, the peer is .1 and ::1 at
// 02:..:01, the gateways 10.0.0.254 and fe80::fe. Time is set by the test, frames are read back with the
// parser.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "../wire/frames.h"
#include "ip/host.h"
#include "wire/arp_nd.h"
#include "wire/build.h"
#include "wire/icmp.h"

namespace millrace::ip::test {

using wire::test::kOur4;
using wire::test::kOur6;
using wire::test::kOurMac;
using wire::test::kPeer4;
using wire::test::kPeer6;
using wire::test::kPeerMac;
using wire::test::Octets;

inline IpAddress address(const char* text) { return *IpAddress::parse(text); }
inline MacAddress mac(uint8_t last) { return MacAddress({2, 0, 0, 0, 0, last}); }

class HostTest : public testing::Test {
 protected:
  HostTest() {
    interface.mac = kOurMac;
    interface.addresses = {{kOur4, 24}, {kOur6, 64}};
    interface.routes = {{*Prefix::parse("0.0.0.0/0"), address("10.0.0.254")},
                        {*Prefix::parse("::/0"), address("fe80::fe")}};
    neighbor.multicast_reports = neighbor.router_discovery = false;
    restart();
  }
  void TearDown() override {
    out.clear();
    host.reset();
    EXPECT_EQ(pool.outstanding(), 0U) << "a packet leaked";
  }
  void restart() {
    host.reset();
    host = std::make_unique<Host>(interface, neighbor, icmp, pool, entropy, counters);
  }

  std::optional<TransportError> receive(const Octets& octets) {
    wire::test::Parsed parsed(octets);
    EXPECT_NE(parsed->kind, wire::FrameKind::Dropped) << name_of(parsed->reason);
    if (parsed->kind == wire::FrameKind::Dropped) return std::nullopt;
    return host->receive(parsed.frame, now, out);
  }
  void expire_at(Instant when) {
    now = when;
    host->expire(now, out);
  }

  // The frames sent since the last call, and whether they are as long as they say.
  std::vector<Octets> sent() {
    std::vector<Octets> frames;
    for (Packet& packet : out.packets()) frames.emplace_back(packet.data(), packet.data() + packet.length());
    out.clear();
    return frames;
  }
  uint64_t dropped(DropReason reason) const { return counters.dropped(reason); }

  // `mark` tells packets apart.
  bool send_to(const IpAddress& destination, uint8_t mark = 0) {
    Packet packet = pool.allocate();
    packet.set_length(60);
    std::fill_n(packet.data(), 60, uint8_t{0});
    packet.data()[12] = 0xaa;  // told apart from ARP and ND
    packet.data()[14] = mark;
    return host->send(std::move(packet), destination, now, out);
  }

  static Octets octets_of(const Packet& packet) { return {packet.data(), packet.data() + packet.length()}; }
  static Octets arp(uint16_t operation, const MacAddress& sender_mac, const IpAddress& sender,
                    const MacAddress& target_mac, const IpAddress& target) {
    HeapPool own(1, 64);
    Packet packet = own.allocate();
    const MacAddress to = operation == wire::ArpPacket::kRequest ? kBroadcastMac : kOurMac;
    EXPECT_TRUE(wire::build_arp(packet, {.destination = to, .source = sender_mac},
                                {operation, sender_mac, sender, target_mac, target}));
    return octets_of(packet);
  }
  static Octets nd(const IpAddress& source, const IpAddress& destination, const MacAddress& from,
                   const wire::NdMessage& message) {
    HeapPool own(1, 128);
    Packet packet = own.allocate();
    const MacAddress to = destination.is_multicast() ? wire::group_mac(destination) : kOurMac;
    EXPECT_TRUE(wire::build_nd(packet, {.destination = to, .source = from}, source, destination, message));
    return octets_of(packet);
  }
  static Octets icmp_frame(const IpAddress& source, const IpAddress& destination,
                           const wire::IcmpMessage& message) {
    HeapPool own(1, 2048);
    Packet packet = own.allocate();
    EXPECT_TRUE(wire::build_icmp(packet, {.destination = kOurMac, .source = kPeerMac},
                                 {.source = source, .destination = destination}, message));
    return octets_of(packet);
  }

  // The state of `whom` as `millracectl neighbors` has it; "none" without an entry.
  std::string state(const IpAddress& whom) const {
    for (const NeighborRow& row : host->neighbors())
      if (row.address == whom) return row.state;
    return "none";
  }

  InterfaceParams interface;
  NeighborParams neighbor;
  IcmpParams icmp;
  Counters counters;
  HeapPool pool{256, 2048};
  SeededEntropy entropy{1};
  PacketBatch out{256};
  std::unique_ptr<Host> host;
  Instant now{100s};
};

// The same story for ARP and for ND.
class BothFamilies : public HostTest, public testing::WithParamInterface<Family> {
 protected:
  bool v4() const { return GetParam() == Family::V4; }
  IpAddress ours() const { return v4() ? kOur4 : kOur6; }
  IpAddress peer() const { return v4() ? kPeer4 : kPeer6; }
  IpAddress stranger(uint8_t n) const {
    return v4() ? IpAddress::v4(10, 0, 0, n) : address(("2001:db8::" + std::to_string(n)).c_str());
  }

  // The peer answers our question (solicited) or speaks up unasked.
  Octets answer(const MacAddress& who, bool solicited = true, bool override_ = true) {
    if (v4()) return arp(wire::ArpPacket::kReply, who, peer(), kOurMac, solicited ? ours() : peer());
    return nd(peer(), solicited ? ours() : wire::all_nodes_group(), who,
              {.solicited = solicited, .override_ = override_, .target = peer(), .mac = who});
  }
  // Somebody asks for our address.
  Octets question(const IpAddress& from, const MacAddress& who) {
    if (v4()) return arp(wire::ArpPacket::kRequest, who, from, {}, ours());
    return nd(from, wire::solicited_node_group(ours()), who,
              {.solicitation = true, .target = ours(), .mac = who});
  }
  bool is_question(const Octets& frame, const MacAddress& to) const {
    if (!std::equal(to.octets().begin(), to.octets().end(), frame.begin())) return false;
    return v4() ? frame[12] == 8 && frame[13] == 6 && frame[21] == 1 : frame[12] == 0x86 && frame[54] == 135;
  }
  MacAddress everyone() const {
    return v4() ? kBroadcastMac : wire::group_mac(wire::solicited_node_group(peer()));
  }
  uint64_t questions() const {
    return v4() ? counters.arp_requests_sent.value() : counters.nd_solicits_sent.value();
  }
  void make_reachable() {
    EXPECT_TRUE(send_to(peer()));
    receive(answer(kPeerMac));
    sent();
    EXPECT_EQ(state(peer()), "reachable");
  }
};

}  // namespace millrace::ip::test

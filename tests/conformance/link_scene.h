// What a host owes the link: one shard of ours under a virtual clock, and a link on which the test writes every
// frame and reads every frame. We are 10.0.0.2/24, 2001:db8::52/64 and fe80::ff:fe00:2 at 02:..:02; the others
// are 02:..:01 and on.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/handler.h"
#include "base/entropy.h"
#include "shard/shard.h"
#include "wire/arp_nd.h"
#include "wire/icmp.h"
#include "wire/parse.h"

namespace millrace::conformance {

using Octets = std::vector<uint8_t>;

inline IpAddress ip(const char* text) { return *IpAddress::parse(text); }
inline MacAddress station(uint8_t last) { return MacAddress({2, 0, 0, 0, 0, last}); }

// A frame that left us, as another station reads it.
struct Heard {
  Instant at;
  Octets octets;
  wire::Frame frame;  // its spans lead into `octets`

  Heard(Instant when, const Packet& packet)
      : at(when), octets(packet.data(), packet.data() + packet.length()) {
    class Nowhere final : public PacketPool {
     public:
      Packet allocate() override { return {}; }

     private:
      void release(void*) noexcept override {}
    } pool;
    const auto length = static_cast<uint32_t>(octets.size());
    const Packet copy(&pool, octets.data(), octets.data(), length, length);
    wire::parse_frame(copy, {.mac = to()}, frame);
  }
  std::optional<wire::ArpPacket> arp() const {
    if (frame.kind != wire::FrameKind::Arp) return std::nullopt;
    return wire::parse_arp(frame.message);
  }
  std::optional<wire::NdMessage> nd() const {
    if (frame.kind != wire::FrameKind::Icmp6) return std::nullopt;
    return wire::parse_nd(frame);
  }
  MacAddress to() const { return mac_at(0); }
  MacAddress from() const { return mac_at(6); }
  MacAddress mac_at(size_t offset) const {
    std::array<uint8_t, 6> mac;
    std::copy_n(octets.begin() + static_cast<ptrdiff_t>(offset), 6, mac.begin());
    return MacAddress(mac);
  }
  bool is_probe() const {
    if (const auto packet = arp())
      return packet->operation == wire::ArpPacket::kRequest && packet->sender.is_unspecified();
    const auto message = nd();
    return message && message->solicitation && frame.source.is_unspecified();
  }
  bool is_announcement() const {
    if (const auto packet = arp()) return packet->sender == packet->target;
    const auto message = nd();
    return message && !message->solicitation && !message->solicited;
  }
  // Of a probe or an announcement.
  IpAddress target() const { return frame.kind == wire::FrameKind::Arp ? arp()->target : nd()->target; }
};

class LinkScene : public testing::Test {
 protected:
  LinkScene() {
    params.interface.mac = station(2);
    params.interface.addresses = {{ip("10.0.0.2"), 24}, {ip("2001:db8::52"), 64}};
    params.memory = {.connections = 16,
                     .syn_records = 16,
                     .time_wait_records = 16,
                     .buffer_bytes = 1U << 20,
                     .trace_segments = 0};
  }
  ~LinkScene() override {
    out.clear();
    heard.clear();
    shard.reset();
    EXPECT_EQ(pool.outstanding(), 0U) << "a packet leaked";
  }

  void start() {
    shard = std::make_unique<shard::Shard>(params, wire::Checksum::Software, pool, entropy, now);
    ListenerParams listener;
    listener.local = {IpAddress(), 80};
    shard->listen(listener, handler, "six");
    listener.local = {IpAddress::v4(0, 0, 0, 0), 80};
    shard->listen(listener, handler, "four");
    shard->start(now, out);
    run();
  }
  void run() {
    collect();
    shard->expire(now, out);
    shard->run(now);
    shard->transmit(now, out);
    collect();
  }
  // Lets time pass, stopping at each deadline on the way.
  void advance(Micros duration) {
    const Instant end = now + duration;
    for (int i = 0; i < 10'000; ++i) {
      const Instant next = std::max(shard->next_deadline(), now + 1us);
      if (next > end) break;
      now = next;
      run();
    }
    now = end;
    run();
  }
  void receive(const Octets& frame) {
    Packet packet = pool.allocate();
    ASSERT_TRUE(packet);
    std::copy(frame.begin(), frame.end(), packet.data());
    packet.set_length(static_cast<uint32_t>(frame.size()));
    shard->receive({&packet, 1}, now, out);
    run();
  }
  // What has left since the last call.
  std::vector<Heard> take() { return std::exchange(heard, {}); }
  template <typename Wanted>
  std::vector<Heard> take(Wanted wanted) {
    std::vector<Heard> some = take();
    std::erase_if(some, [&](const Heard& one) { return !wanted(one); });
    return some;
  }

  // ---- frames of others
  Octets octets_of(const Packet& packet) { return {packet.data(), packet.data() + packet.length()}; }
  Octets arp(uint16_t operation, const MacAddress& sender_mac, const IpAddress& sender, const IpAddress& target) {
    Packet packet = pool.allocate();
    EXPECT_TRUE(wire::build_arp(packet, {.destination = kBroadcastMac, .source = sender_mac},
                                {operation, sender_mac, sender, MacAddress(), target}));
    return octets_of(packet);
  }
  Octets nd(const MacAddress& from, const IpAddress& source, const IpAddress& destination,
            const wire::NdMessage& message) {
    Packet packet = pool.allocate();
    const MacAddress to = destination.is_multicast() ? wire::group_mac(destination) : station(2);
    EXPECT_TRUE(wire::build_nd(packet, {.destination = to, .source = from}, source, destination, message));
    return octets_of(packet);
  }
  Octets icmp6(const MacAddress& from, const IpAddress& source, const IpAddress& destination, uint8_t type,
               uint32_t rest, const Octets& body, uint8_t hop_limit = 255) {
    Packet packet = pool.allocate();
    const MacAddress to = destination.is_multicast() ? wire::group_mac(destination) : station(2);
    EXPECT_TRUE(wire::build_icmp(packet, {.destination = to, .source = from},
                                 {.source = source, .destination = destination, .hop_limit = hop_limit},
                                 {.type = type, .code = 0, .rest = rest, .body = body}));
    return octets_of(packet);
  }
  Octets syn(const IpAddress& from, const IpAddress& to) {
    Packet packet = pool.allocate();
    wire::Segment segment;
    segment.flow = {.local = {from, 5000}, .remote = {to, 80}};
    segment.flags = wire::Flags(wire::Flags::kSyn);
    segment.window = WireWindow(1000);
    wire::build_segment(packet, {.destination = station(2), .source = station(1)}, segment,
                        wire::Checksum::Software);
    return octets_of(packet);
  }

  // As `millracectl addresses` has it; "none": no such address.
  std::string state(const IpAddress& address) const {
    for (const ip::AddressRow& row : shard->addresses())
      if (row.prefix.address == address) return row.state;
    return "none";
  }
  Counters& counters() { return shard->counters(); }

  const IpAddress our4 = ip("10.0.0.2"), our6 = ip("2001:db8::52"), our_link_local = ip("fe80::ff:fe00:2");
  const IpAddress peer4 = ip("10.0.0.1"), peer6 = ip("2001:db8::1");
  ShardParams params;
  HeapPool pool{512, 2048};
  SeededEntropy entropy{7};
  PacketBatch out{256};
  std::vector<Heard> heard;
  app::Handler handler;
  std::unique_ptr<shard::Shard> shard;
  Instant now{1000s};

 private:
  void collect() {
    for (const Packet& packet : out.packets()) heard.emplace_back(now, packet);
    out.clear();
  }
};

}  // namespace millrace::conformance

// One shard, and a hand that plays its peers, segment by segment. For benchmarks of many connections, as one
// end of them is all there is room for.
#pragma once

#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <span>

#include "shard/shard.h"
#include "wire/arp_nd.h"
#include "wire/build.h"
#include "wire/parse.h"

namespace millrace::bench {

inline constexpr MacAddress kOurMac{{2, 0, 0, 0, 0, 1}}, kPeerMac{{2, 0, 0, 0, 0, 2}};
inline constexpr IpAddress kOurs = IpAddress::v4(10, 0, 0, 1);
inline constexpr uint16_t kOurPort = 80;
inline constexpr uint32_t kPortsAnAddress = 64'000;

inline ShardParams params_for(uint32_t connections, uint32_t syn_records, uint32_t time_wait_records) {
  ShardParams params;
  params.neighbor.dup_addr_detect_transmits = params.neighbor.arp_probes = 0;
  params.interface.mac = kOurMac;
  params.interface.addresses = {{kOurs, 24}};
  params.memory = {.connections = connections,
                   .syn_records = syn_records,
                   .time_wait_records = time_wait_records,
                   .buffer_bytes = 64U << 20,
                   .held_packets = 64,
                   .trace_segments = 0};
  return params;
}

inline Endpoint guest(uint32_t number) {
  return {IpAddress::v4(10, 0, 0, static_cast<uint8_t>(3 + number / kPortsAnAddress)),
          static_cast<uint16_t>(1024 + number % kPortsAnAddress)};
}

inline wire::Segment segment(const Endpoint& from, const Endpoint& to, wire::Flags flags, Seq seq,
                             Seq ack = Seq()) {
  wire::Segment out;
  out.flow = {from, to};
  out.flags = flags;
  out.seq = seq;
  out.ack = ack;
  out.window = WireWindow(1000);
  return out;
}

// The peer, segment by segment.
class Hand {
 public:
  explicit Hand(const ShardParams& params) : shard(params, wire::Checksum::Software, pool_, entropy_, now_) {
    shard.start(now_, out_);
    out_.clear();
    const uint32_t hosts = params.memory.connections / kPortsAnAddress + 29;
    for (uint32_t host = 3; host < 3 + hosts; ++host)
      introduce(IpAddress::v4(10, 0, 0, static_cast<uint8_t>(host)));
  }

  // Lets a segment arrive and returns the last one that leaves then.
  wire::Segment send(const wire::Segment& arriving) {
    Packet packet = pool_.allocate();
    wire::build_segment(packet, {.destination = kOurMac, .source = kPeerMac}, arriving,
                        wire::Checksum::Software);
    return deliver(std::move(packet));
  }
  wire::Segment run() {
    shard.expire(now_, out_);
    shard.run(now_);
    shard.transmit(now_, out_);
    wire::Segment last;
    for (Packet& packet : out_.packets()) {
      wire::Frame frame;
      wire::parse_frame(packet, {.mac = kPeerMac}, frame);
      if (frame.kind == wire::FrameKind::Tcp) last = frame.tcp;
    }
    out_.clear();
    return last;
  }
  // One turn of the loop with what has arrived; what leaves is thrown away.
  void turn(std::span<Packet> burst) {
    now_ += 1us;
    shard.receive(burst, now_, out_);
    shard.expire(now_, out_);
    shard.run(now_);
    shard.transmit(now_, out_);
    out_.clear();
  }
  Packet packet() { return pool_.allocate(); }
  void pass(Micros time) { now_ += time; }

  wire::Segment syn(const Endpoint& from) {
    return send(segment(from, {kOurs, kOurPort}, wire::kSyn, Seq(1)));
  }
  // Returns the last segment of the shard's: the SYN-ACK, or what it said to our ACK.
  wire::Segment establish(const Endpoint& from) {
    const Seq iss = syn(from).seq;
    return send(segment(from, {kOurs, kOurPort}, wire::kAck, Seq(2), iss + 1));
  }

 private:
  wire::Segment deliver(Packet packet) {
    shard.receive({&packet, 1}, now_, out_);
    return run();
  }
  void introduce(const IpAddress& address) {
    Packet packet = pool_.allocate();
    wire::build_arp(packet, {.destination = kOurMac, .source = kPeerMac},
                    {.sender_mac = kPeerMac, .sender = address, .target_mac = {}, .target = kOurs});
    deliver(std::move(packet));
  }

  SeededEntropy entropy_{1};
  Instant now_{1s};
  HeapPool pool_{256, 2048};
  PacketBatch out_{128};

 public:
  shard::Shard shard;
};

inline double heap() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

inline double resident() {
  long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages * sysconf(_SC_PAGESIZE));
}

}  // namespace millrace::bench

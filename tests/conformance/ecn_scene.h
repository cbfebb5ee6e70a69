// What the tests of Explicit Congestion Notification (RFC 3168) have in common.
#pragma once

#include "scene.h"

namespace millrace::conformance {

inline constexpr wire::Flags kSetupSyn = wire::kSyn | wire::kEce | wire::kCwr;
inline constexpr wire::Flags kSynAck = wire::kSyn | wire::kAck;
inline constexpr wire::Flags kSetupSynAck = kSynAck | wire::kEce;

inline bool has_ece(const wire::Segment& segment) { return (segment.flags.bits() & wire::Flags::kEce) != 0; }
inline bool has_cwr(const wire::Segment& segment) { return (segment.flags.bits() & wire::Flags::kCwr) != 0; }

class EcnScene : public Scene {
 protected:
  static constexpr uint32_t kMss = 1000;

  EcnScene() {
    params.tcp.ecn = EcnMode::On;
    params.tcp.congestion_control = CongestionControl::NewReno;
    params.tcp.timestamps = false;
    params.tcp.quick_ack = false;  // acknowledgements are delayed from the first segment on
    params.tcp.receive_buffer = 100'000;
    params.tcp.send_buffer = 4U << 20;
    params.memory.buffer_bytes = 64U << 20;
  }

  // Active OPEN; our SYN.
  wire::Segment connect(const ConnectionParams& settings = {}) {
    Walk& w = begin();
    app::ConnectOptions options;
    options.remote = peer().theirs();
    options.local_port = kOurPort;
    options.settings = settings;
    w.app.connection = peer().shard().connect(options, w.app).connection;
    EXPECT_NE(w.app.connection, nullptr);
    peer().run();
    const wire::Segment syn = peer().take_one().segment;
    w.v.iss = w.v.snd_una = syn.seq;
    w.v.snd_nxt = syn.seq + 1;
    return syn;
  }
  // The answer to it; our acknowledgement.
  wire::Segment answer(wire::Flags flags, const wire::TcpOptions& options = offer()) {
    Walk& w = *walk;
    peer().advance(kRoundTrip);
    peer().send({.flags = flags, .seq = w.v.irs, .ack = w.v.snd_nxt, .options = options});
    w.v.rcv_nxt = w.v.irs + 1;
    return peer().take_one().segment;
  }
  // Passive OPEN: the peer's SYN; our SYN-ACK.
  wire::Segment ask(wire::Flags flags, const wire::TcpOptions& options = offer(), uint8_t codepoint = 0) {
    if (!walk || walk->opening != Opening::Passive) begin(Opening::Passive).listen();
    peer().send({.flags = flags, .seq = walk->v.irs, .options = options, .ecn = codepoint});
    const wire::Segment syn_ack = peer().take_one().segment;
    walk->v.iss = syn_ack.seq;
    walk->v.snd_una = walk->v.snd_nxt = syn_ack.seq + 1;
    walk->v.rcv_nxt = walk->v.irs + 1;
    return syn_ack;
  }
  // The handshake's end.
  void accept() {
    peer().advance(kRoundTrip);
    peer().send(walk->next(wire::kAck));
    ASSERT_NE(walk->app.connection, nullptr);
    EXPECT_TRUE(peer().take().empty());
  }
  // ESTABLISHED with ECN agreed on.
  void open() {
    ask(kSetupSyn);
    accept();
    first = walk->v.snd_nxt;
  }

  // ---- the peer's text, in order
  PeerSegment text(uint32_t length, uint8_t codepoint = wire::kEct0, wire::Flags more = {}) {
    PeerSegment segment = walk->next(wire::kAck | more, length);
    segment.ecn = codepoint;
    walk->v.rcv_nxt += length;
    return segment;
  }
  std::vector<Captured> after(const PeerSegment& segment) {
    peer().send(segment);
    return peer().take();
  }
  // The acknowledgement that leaves at once, or (none) nothing does.
  std::optional<wire::Segment> answer_to(const PeerSegment& segment) {
    const std::vector<Captured> seen = after(segment);
    if (seen.empty()) return std::nullopt;
    EXPECT_EQ(seen.size(), 1U) << list(seen);
    return seen.front().segment;
  }

  // ---- our text, counted from `first`
  std::vector<Captured> say(uint32_t octets) {
    EXPECT_EQ(walk->app_send(octets), octets);
    return leave();
  }
  std::vector<Captured> leave() {
    std::vector<Captured> out = seen();
    for (const Captured& one : out)
      flown = std::max(flown, one.segment.seq - first + one.segment.payload_length);
    walk->v.snd_nxt = first + flown;
    return out;
  }
  // The peer acknowledges up to `octets`; what leaves for it.
  std::vector<Captured> ack(uint32_t octets, wire::Flags more = {},
                            std::vector<std::pair<uint32_t, uint32_t>> blocks = {}) {
    PeerSegment segment = walk->next(wire::kAck | more);
    segment.ack = first + octets;
    for (const auto& [left, right] : blocks)
      segment.options.sack[segment.options.sack_count++] = {first + left, first + right};
    peer().send(segment);
    acked = std::max(acked, octets);
    return leave();
  }
  // A round trip: all in flight is acknowledged, two segments at a time.
  std::vector<Captured> round(wire::Flags more = {}) {
    peer().advance(kRoundTrip);
    std::vector<Captured> out;
    const uint32_t end = flown;
    while (acked < end)
      for (Captured& one : ack(std::min(end, acked + 2 * kMss), more)) out.push_back(std::move(one));
    return out;
  }
  Bytes cwnd() const { return walk->app.connection->tcb().cold.cc.cwnd(); }
  Bytes ssthresh() const { return walk->app.connection->tcb().cold.cc.ssthresh(); }
  const Counters& counters() { return peer().shard().counters(); }

  static wire::TcpOptions offer() {
    wire::TcpOptions options = mss_option(kMss);
    options.sack_permitted = true;
    options.window_scale = WindowScale(10);
    return options;
  }

  Seq first;
  uint32_t flown = 0, acked = 0;
};

}  // namespace millrace::conformance

// A connection in TIME-WAIT, its timestamps and what follows it. Neighbours: time_wait_test.cpp,
// time_wait_cookie_test.cpp.
#pragma once

#include "scene.h"

namespace millrace::conformance {

inline constexpr uint32_t kPeerClock = 5'000'000;  // the peer's TSval where a test begins

class TimeWaits : public Scene {
 protected:
  // To TIME-WAIT through a connection with timestamps, whose last one from the peer is kPeerClock.
  Walk& wait_with_timestamps(Opening opening) {
    Walk& w = begin(opening);
    wire::TcpOptions options = mss_option();
    options.timestamps = wire::Timestamps{.value = kPeerClock - 10, .echo_reply = 0};
    w.open(options);
    w.app.connection->shutdown();
    for (const Captured& one : seen()) {
      w.v.snd_nxt = one.segment.end();
      if (one.segment.options.timestamps) our_last = one.segment.options.timestamps->value;
    }
    peer().send(stamped(w.next(wire::kAck), kPeerClock - 5));
    peer().advance(kRoundTrip);
    peer().send(stamped(w.next(wire::kFin | wire::kAck), kPeerClock));
    w.v.rcv_nxt += 1;
    our_last = peer().take_one().segment.options.timestamps->value;
    w.require(tcp::State::TimeWait);
    w.app.take_events();
    return w;
  }
  PeerSegment stamped(PeerSegment segment, uint32_t value) const {
    segment.options.timestamps = wire::Timestamps{.value = value, .echo_reply = our_last};
    return segment;
  }
  PeerSegment syn_at(Seq seq) const {
    return {.flags = wire::kSyn, .seq = seq, .ack = Seq(), .options = mss_option()};
  }
  // With params.memory.syn_records = 1: somebody else's SYN takes the only record.
  void fill_the_queue() {
    PeerSegment other = syn_at(Seq(1));
    other.source = GetParam() == Family::V4 ? IpAddress::v4(10, 0, 0, 77) : *IpAddress::parse("2001:db8::77");
    peer().send(other);
    peer().take();
  }
  app::OpenResult connect_again() {
    return peer().shard().connect({.remote = peer().theirs(), .local_address = {}, .local_port = kOurPort},
                                  walk->app);
  }
  uint64_t counted(Counter Counters::*which) { return (peer().shard().counters().*which).value(); }

  uint32_t our_last = 0;  // the last TSval that we sent
};

}  // namespace millrace::conformance

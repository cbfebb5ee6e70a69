// A connection on which nothing happens, and what of its settings can be changed then. Neighbours:
// keepalive_test.cpp, user_timeout_test.cpp, idle_test.cpp.
#pragma once

#include "scene.h"

namespace millrace::conformance {

inline constexpr Micros kSlack = 25ms;

class Idles : public Scene {
 protected:
  app::Connection& connection() { return *walk->app.connection; }
  // Changes one thing of the connection's own settings.
  template <typename Change>
  void set(Change change) {
    ConnectionParams settings = connection().settings();
    change(settings);
    ASSERT_TRUE(connection().set(settings));
    peer().run();
  }
  void keep_alive(Micros idle, Micros interval, uint32_t probes) {
    set([&](ConnectionParams& s) {
      s.keepalive = true;
      s.keepalive_idle = idle;
      s.keepalive_interval = interval;
      s.keepalive_probes = probes;
    });
  }
  // How long until something leaves; it is one segment.
  Micros until_next(Captured& seen, Micros bound) {
    const Instant from = peer().now();
    while (peer().now() - from < bound) {
      peer().step(from + bound);
      std::vector<Captured> all = peer().take();
      if (all.empty()) continue;
      EXPECT_EQ(all.size(), 1U) << list(all);
      seen = all.front();
      return seen.at - from;
    }
    return Micros::max();
  }
  void expect_probe(const Captured& seen, uint32_t octets = 0) {
    const Walk& w = *walk;
    EXPECT_EQ(seen.segment.flags, wire::kAck) << describe(seen.segment);
    EXPECT_EQ(seen.segment.seq, w.v.snd_nxt - 1) << "SEG.SEQ = SND.NXT-1";
    EXPECT_EQ(seen.segment.ack, w.v.rcv_nxt);
    EXPECT_EQ(seen.segment.payload_length, octets);
  }
};

}  // namespace millrace::conformance

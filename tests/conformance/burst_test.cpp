// Segments that arrive as one burst come to the same as one by one: RFC 9293 §3.10.7 knows no bursts. Only
// acknowledgements may be fewer, for one says what several would (MUST-58, MUST-59), and what a RST finds
// unread may be lost (§3.10.7.4 second: the queues are flushed).
#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

// One application for several connections: what each was told and read, by the peer's port.
class Ledger final : public app::Handler {
 public:
  struct Entry {
    std::string events;
    std::vector<uint8_t> received;
    std::vector<State> path;
  };
  std::map<uint16_t, Entry> entries;

  void on_established(app::Connection& connection) override { note(connection, "established"); }
  void on_readable(app::Connection& connection) override {
    note(connection, "readable");
    std::vector<uint8_t>& received = entry(connection).received;
    while (!connection.readable().empty()) {
      const std::span<const uint8_t> run = connection.readable();
      received.insert(received.end(), run.begin(), run.end());
      connection.consume(static_cast<uint32_t>(run.size()));
    }
  }
  void on_writable(app::Connection&) override {}
  void on_peer_finished(app::Connection& connection) override { note(connection, "peer_finished"); }
  void on_closed(app::Connection& connection, app::CloseReason) override {
    note(connection, "closed");
    entry(connection).path = connection.tcb().cold.path.states();
  }

 private:
  Entry& entry(app::Connection& connection) { return entries[connection.remote().port]; }
  void note(app::Connection& connection, const std::string& event) {
    std::string& events = entry(connection).events;
    if (event == "readable" && events.ends_with("readable")) return;
    events += (events.empty() ? "" : " ") + event;
  }
};

// What is left to compare when the segments are through.
struct Outcome {
  std::string text;               // states, paths, events, segments other than acknowledgements
  std::map<uint16_t, Seq> acked;  // RCV.NXT in the last acknowledgement, by the peer's port
  std::string received;           // octets by flow, in hexadecimal
  std::vector<Captured> answers;  // all of them
};

class Bursts : public Scene {
 protected:
  using Segments = std::vector<PeerSegment>;

  // Plays `segments` on a walk in `stage`, as a burst or one by one.
  Outcome play(Stage stage, Opening opening, const Segments& segments, bool burst, uint32_t in_flight = 0) {
    at(stage, opening);
    if (in_flight != 0) {
      EXPECT_EQ(walk->app_send(in_flight), in_flight);
      seen();
    }
    for (const PeerSegment& segment : segments) {
      peer().enqueue(segment);
      if (!burst) peer().run();
    }
    peer().run();
    Outcome out = outcome_of(peer().take());
    out.text = text_of(walk->app.path()) + " / " + std::string(name_of(peer().state())) + " / " +
               walk->app.take_events() + "\n" + out.text;
    out.received = hex(walk->app.received);
    EXPECT_EQ(clean_up(*walk), "");
    return out;
  }

  static Outcome outcome_of(std::vector<Captured> answers) {
    Outcome out;
    for (const Captured& one : answers) {
      const uint16_t port = one.segment.flow.local.port;
      if (one.segment.flags.syn()) out.acked.erase(port);  // another connection
      if (one.segment.flags == wire::kAck && one.segment.payload_length == 0)
        out.acked[port] = one.segment.ack;
      else
        out.text += std::to_string(port) + ": " + describe(one.segment) + "\n";
    }
    out.answers = std::move(answers);
    return out;
  }

  static std::string hex(const std::vector<uint8_t>& octets) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const uint8_t octet : octets) {
      out += kDigits[octet >> 4];
      out += kDigits[octet & 15];
    }
    return out;
  }

  // A burst against the same one by one.
  void expect_same(Stage stage, Opening opening, const Segments& segments, uint32_t in_flight = 0) {
    const Outcome apart = play(stage, opening, segments, false, in_flight);
    const Outcome together = play(stage, opening, segments, true, in_flight);
    EXPECT_EQ(together.text, apart.text);
    EXPECT_EQ(together.acked, apart.acked);
    EXPECT_EQ(together.received, apart.received);
    EXPECT_LE(together.answers.size(), apart.answers.size());
  }

  // The numbers that every walk to `stage` arrives at.
  Variables variables(Stage stage, Opening opening) {
    const Variables v = at(stage, opening).v;
    EXPECT_EQ(clean_up(*walk), "");
    return v;
  }

  static PeerSegment segment(const Variables& v, wire::Flags flags, uint32_t offset = 0,
                             uint32_t length = 0) {
    return {.flags = flags, .seq = v.rcv_nxt + offset, .ack = v.snd_nxt, .length = length, .options = {}};
  }
  static PeerSegment syn(Seq seq, uint16_t port = kPeerPort) {
    return {.flags = wire::kSyn, .seq = seq, .ack = Seq(), .options = mss_option(), .peer_port = port};
  }
};

constexpr uint32_t kMany = 32;
constexpr uint32_t kPiece = 25;  // octets of text: all of it fits the window

TEST_P(Bursts, TextInOrder) {
  const Variables v = variables(Stage::Established, Opening::Passive);
  Segments burst;
  for (uint32_t i = 0; i < kMany; ++i) burst.push_back(segment(v, wire::kAck, kPiece * i, kPiece));
  ASSERT_LE(kMany * kPiece, v.rcv_wnd);
  expect_same(Stage::Established, Opening::Passive, burst);
  EXPECT_EQ(play(Stage::Established, Opening::Passive, burst, true).answers.size(), 1U);
}

TEST_P(Bursts, TextInAnyOrderWithOverlaps) {
  const Variables v = variables(Stage::Established, Opening::Active);
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Segments burst;
    for (uint32_t i = 0; i < kMany; ++i)
      burst.push_back(segment(v, wire::kAck, kPiece * i, kPiece - 5 + random() % 20));
    std::shuffle(burst.begin(), burst.end(), random);
    expect_same(Stage::Established, Opening::Active, burst);
  }
}

// The third duplicate brings the retransmission, and the rest none of their own.
TEST_P(Bursts, DuplicateAcks_RetransmitOnce) {
  params.tcp.timestamps = false;
  const Variables v = variables(Stage::Established, Opening::Active);
  Segments burst;
  for (uint32_t i = 0; i < 8; ++i) {
    burst.push_back(segment(v, wire::kAck));
    burst.back().ack = v.snd_una;
  }
  expect_same(Stage::Established, Opening::Active, burst, 5 * full_mss());
  const Outcome together = play(Stage::Established, Opening::Active, burst, true, 5 * full_mss());
  EXPECT_EQ(std::count_if(together.answers.begin(), together.answers.end(),
                          [&](const Captured& one) { return one.segment.seq == v.snd_una; }),
            1);
}

TEST_P(Bursts, AcksOfEachSegment_AndOldOnesBetween) {
  params.tcp.timestamps = false;
  const Variables v = variables(Stage::Established, Opening::Active);
  Segments burst;
  for (const uint32_t acked : {1U, 3U, 2U, 0U, 5U, 4U, 5U}) {
    burst.push_back(segment(v, wire::kAck));
    burst.back().ack = v.snd_una + acked * full_mss();
  }
  expect_same(Stage::Established, Opening::Active, burst, 5 * full_mss());
}

TEST_P(Bursts, TextAndFin_AndWhatComesBehind) {
  for (const Stage stage : {Stage::Established, Stage::FinWait1, Stage::FinWait2}) {
    const Variables v = variables(stage, Opening::Passive);
    Segments burst;
    for (uint32_t i = 0; i < 8; ++i) burst.push_back(segment(v, wire::kAck, 30 * i, 30));
    burst.push_back(segment(v, wire::kAck | wire::kFin, 240, 30));
    burst.push_back(segment(v, wire::kAck | wire::kFin, 240, 30));
    burst.push_back(segment(v, wire::kAck, 30, 30));
    expect_same(stage, Opening::Passive, burst);
    std::rotate(burst.begin(), burst.begin() + 5, burst.end());
    expect_same(stage, Opening::Passive, burst);
  }
}

// What follows the RST finds no connection (§3.10.7.1, §3.10.7.2).
TEST_P(Bursts, RstInTheMiddle_TheRestIsAnsweredByRst) {
  for (const Opening opening : {Opening::Passive, Opening::Active}) {
    const Variables v = variables(Stage::Established, opening);
    Segments burst;
    for (uint32_t i = 0; i < 4; ++i) burst.push_back(segment(v, wire::kAck, 30 * i, 30));
    burst.push_back(segment(v, wire::kRst, 120));
    for (uint32_t i = 4; i < 8; ++i) burst.push_back(segment(v, wire::kAck, 30 * i, 30));
    const Outcome apart = play(Stage::Established, opening, burst, false);
    const Outcome together = play(Stage::Established, opening, burst, true);
    EXPECT_EQ(together.text, apart.text);
    EXPECT_TRUE(apart.received.starts_with(together.received));
    EXPECT_EQ(std::count_if(together.answers.begin(), together.answers.end(),
                            [](const Captured& one) { return one.segment.flags.rst(); }),
              4);
  }
}

// A RST that is not exact does not let what follows it in.
TEST_P(Bursts, RstInTheWindow_IsChallengedAndTheTextGoesOn) {
  const Variables v = variables(Stage::Established, Opening::Passive);
  Segments burst;
  for (uint32_t i = 0; i < 4; ++i) burst.push_back(segment(v, wire::kAck, 30 * i, 30));
  burst.push_back(segment(v, wire::kRst, 121));
  for (uint32_t i = 4; i < 8; ++i) burst.push_back(segment(v, wire::kAck, 30 * i, 30));
  expect_same(Stage::Established, Opening::Passive, burst);
}

// ---- connections that come and go within one burst
// -----------------------------------------------------------

class BurstsOfConnections : public Bursts {
 protected:
  struct Step {
    uint16_t port;
    wire::Flags flags;
    uint32_t length = 0;
  };

  // The peer's side of each connection, told by its own segments and by our ISN, which is the same in each
  // run.
  struct Side {
    Seq next;
    Seq ack;
  };

  // Runs the steps one by one, learning our numbers on the way, and returns the segments sent.
  Segments learn(const std::vector<Step>& steps, Outcome& out) {
    Segments sent;
    std::map<uint16_t, Side> sides;
    std::vector<Captured> all;
    for (const Step& step : steps) {
      Side& side = sides[step.port];
      if (step.flags.syn()) side.next = Seq(0xffff'ff00U + static_cast<uint32_t>(sent.size()) * 100'000U);
      PeerSegment segment{.flags = step.flags,
                          .seq = side.next,
                          .ack = side.ack,
                          .length = step.length,
                          .options = step.flags.syn() ? mss_option() : wire::TcpOptions(),
                          .peer_port = step.port};
      peer().send(segment);
      sent.push_back(segment);
      side.next += step.length + (step.flags.syn() || step.flags.fin() ? 1U : 0U);
      for (const Captured& one : peer().take()) {
        if (!one.segment.flags.rst()) side.ack = one.segment.end();
        all.push_back(one);
      }
    }
    out = outcome_of(std::move(all));
    out.text += ledger_text();
    return sent;
  }

  Outcome burst_of(const Segments& segments) {
    for (const PeerSegment& segment : segments) peer().enqueue(segment);
    peer().run();
    Outcome out = outcome_of(peer().take());
    out.text += ledger_text();
    return out;
  }

  void listen_anew() {
    if (walk) {
      EXPECT_EQ(clean_up(*walk), "");
    }
    ledger.entries.clear();
    // A connection that a RST has ended holds its place until the burst is over.
    params.memory.connections = 128;
    begin(Opening::Passive);
    ListenerParams listener;
    listener.local = peer().ours();
    ASSERT_EQ(peer().shard().listen(listener, ledger, "test"), app::OpenError::None);
    // Where the peer is shall be known: few packets wait for the answer to that.
    Outcome out;
    learn({{6999, wire::kSyn}, {6999, wire::kAck}, {6999, wire::kAck, 10}, {6999, wire::kRst}}, out);
  }

  std::string ledger_text() {
    std::string out;
    for (const auto& [port, entry] : ledger.entries)
      out += std::to_string(port) + ": " + entry.events + " / " + conformance::text_of(entry.path) + " / " +
             std::string(name_of(peer().shard().state_of({peer().ours(), peer().theirs(port)}))) + " / " +
             hex(entry.received) + "\n";
    return out;
  }

  void expect_same(const std::vector<Step>& steps) {
    listen_anew();
    Outcome apart;
    const Segments segments = learn(steps, apart);
    listen_anew();
    const Outcome together = burst_of(segments);
    EXPECT_EQ(sorted(together.text), sorted(apart.text));
    // What is reset within the burst has nothing left to acknowledge.
    for (const auto& [port, ack] : apart.acked)
      if (peer().shard().state_of({peer().ours(), peer().theirs(port)}) != State::Listen) {
        EXPECT_TRUE(together.acked.contains(port) && together.acked.at(port) == ack) << port;
      }
  }

  // The order between connections is open.
  static std::vector<std::string> sorted(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    std::stable_sort(lines.begin(), lines.end(),
                     [](const auto& a, const auto& b) { return a.substr(0, 5) < b.substr(0, 5); });
    return lines;
  }

  void TearDown() override {
    Scene::TearDown();
    walk.reset();  // before the ledger, to which it would tell the end
  }

  Ledger ledger;
};

// The record of SYN-RECEIVED becomes a connection, which takes text and FIN, all in one burst.
TEST_P(BurstsOfConnections, SynAckTextAndFin) {
  expect_same(
      {{7000, wire::kSyn}, {7000, wire::kAck}, {7000, wire::kAck, 50}, {7000, wire::kAck | wire::kFin, 20}});
  EXPECT_EQ(ledger.entries[7000].events, "established readable peer_finished");
}

TEST_P(BurstsOfConnections, SynAgain_AndTheAckBehindIt) {
  expect_same({{7000, wire::kSyn},
               {7000, wire::kAck},
               {7000, wire::kAck, 50},
               {7001, wire::kSyn},
               {7001, wire::kRst}});
  EXPECT_EQ(peer().shard().usage().syn_records, 0U);
}

// The ends of a connection that a RST has ended are free for the SYN behind it.
TEST_P(BurstsOfConnections, RstThenSyn_IsANewConnection) {
  expect_same({{7000, wire::kSyn},
               {7000, wire::kAck},
               {7000, wire::kRst},
               {7000, wire::kSyn},
               {7000, wire::kAck},
               {7000, wire::kAck, 40}});
  EXPECT_EQ(ledger.entries[7000].received.size(), 40U);
  EXPECT_EQ(peer().shard().usage().connections, 1U);
}

TEST_P(BurstsOfConnections, ManyInterleaved) {
  std::vector<Step> steps;
  constexpr uint16_t kConnections = 12;
  for (const Step& step : {Step{0, wire::kSyn}, Step{0, wire::kAck}, Step{0, wire::kAck, 30},
                           Step{0, wire::kAck, 30}, Step{0, wire::kAck | wire::kFin, 10}})
    for (uint16_t i = 0; i < kConnections; ++i)
      steps.push_back({static_cast<uint16_t>(7000 + i), step.flags, step.length});
  expect_same(steps);
  for (uint16_t i = 0; i < kConnections; ++i) EXPECT_EQ(ledger.entries[7000 + i].received.size(), 70U) << i;
}

TEST_P(BurstsOfConnections, ManyAtRandom) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    std::vector<Step> steps;
    std::map<uint16_t, int> at;
    for (int i = 0; i < 96; ++i) {
      const auto port = static_cast<uint16_t>(7000 + random() % 10);
      int& phase = at[port];
      if (phase == 0)
        steps.push_back({port, wire::kSyn});
      else if (phase == 1)
        steps.push_back({port, wire::kAck});
      else if (random() % 4 == 0)
        steps.push_back({port, random() % 2 == 0 ? wire::kRst : wire::kAck | wire::kFin}), phase = -1;
      else
        steps.push_back({port, wire::kAck, 1 + static_cast<uint32_t>(random() % 30)});
      // After a FIN the connection waits for its application, which does not close: the port is not used
      // again.
      if (phase == -1 && steps.back().flags.fin()) phase = 1000;
      if (phase < 1000) ++phase;
    }
    SCOPED_TRACE(seed);
    expect_same(steps);
  }
}

// TIME-WAIT becomes a connection again within the burst (§3.6.1, MAY-2).
TEST_P(Bursts, TimeWaitReopened) {
  const Variables v = variables(Stage::TimeWait, Opening::Passive);
  const Seq fresh = v.rcv_nxt + 5000;
  at(Stage::TimeWait, Opening::Passive);
  peer().send(syn(fresh));
  const Seq isn = peer().take_one().segment.seq;
  const Segments burst = {
      segment(v, wire::kAck | wire::kFin, 0U - 1U),
      syn(fresh),
      {.flags = wire::kAck, .seq = fresh + 1, .ack = isn + 1, .options = {}},
      {.flags = wire::kAck, .seq = fresh + 1, .ack = isn + 1, .length = 60, .options = {}},
      segment(v, wire::kAck),  // of the old connection: outside the new window
  };
  const Outcome apart = play(Stage::TimeWait, Opening::Passive, burst, false);
  const Outcome together = play(Stage::TimeWait, Opening::Passive, burst, true);
  EXPECT_EQ(together.text, apart.text);
  EXPECT_EQ(together.acked, apart.acked);
  EXPECT_EQ(together.received, apart.received);
  EXPECT_EQ(together.received.size(), 120U);
}

MILLRACE_BOTH_FAMILIES(Bursts);
MILLRACE_BOTH_FAMILIES(BurstsOfConnections);

}  // namespace
}  // namespace millrace::conformance

// One fault at a time, put where it hurts: the states walked, the segments sent again, and nothing left at
// the end.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/recorder.h"
#include "sim/world.h"

namespace millrace::sim::test {
namespace {

using enum tcp::State;
using Path = std::vector<tcp::State>;
using Action = ScriptedFault::Action;

const Path kActiveClose = {Closed, SynSent, Established, FinWait1, FinWait2, TimeWait, Closed};
const Path kPassiveClose = {Listen, SynReceived, Established, CloseWait, LastAck, Closed};

struct App final : app::Handler {
  void on_established(app::Connection& at) override { connection = &at; }
  void on_readable(app::Connection& at) override {
    while (reads && !at.readable().empty()) {
      const auto run = at.readable();
      received.append(run.begin(), run.end());
      at.consume(static_cast<uint32_t>(run.size()));
    }
  }
  void on_peer_finished(app::Connection&) override { peer_finished = true; }
  void on_closed(app::Connection&, app::CloseReason reason) override {
    connection = nullptr;
    end = reason;
  }
  app::Connection* connection = nullptr;
  std::string received;
  bool reads = true;
  bool peer_finished = false;
  std::optional<app::CloseReason> end;
};

HostOptions one_frame_an_iteration() {
  HostOptions options;
  options.receive_burst = 1;
  return options;
}

ShardParams server_params() {
  ShardParams params = host_params(2);
  params.tcp.receive_buffer = 16'000;
  params.tcp.receive_buffer_max = 0;
  return params;
}

class Scripted : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    world.shard(right).listen({.local = right_end}, server, "scripted");
    // A refused attempt leaves both sides with each other's MAC address.
    App scout;
    world.in(left, 0us, [&] {
      const app::ConnectOptions options{
          .remote = {right_end.address, 9}, .local_address = {}, .local_port = {}};
      world.shard(left).connect(options, scout);
    });
    ASSERT_TRUE(world.run_until([&] { return scout.end.has_value(); }, 10s));
    world.run_for(1s);
    recorder.watch(left_end, right_end);
  }

  // Every test ends with: no packet leaked, no timer left.
  void TearDown() override {
    world.run_for(200s);
    for (const HostId host : {left, right}) {
      const shard::Shard::Usage usage = world.shard(host).usage();
      EXPECT_EQ(usage.connections + usage.syn_records + usage.time_wait_records + usage.timers, 0U);
      EXPECT_EQ(usage.buffer_bytes + usage.held_packets, 0U);
      EXPECT_EQ(world.outstanding_packets(host), 0U);
      EXPECT_EQ(world.shard(host).counters().tcp_illegal_transitions.value(), 0U);
    }
    EXPECT_TRUE(world.link(left, right).faults().script_done());
    EXPECT_TRUE(world.link(right, left).faults().script_done());
    if (HasFailure() && recorder.ladder().rows.size() < 200) ADD_FAILURE() << render_text(recorder.ladder());
  }

  void spoil(Side from, Match match, Action action = Action::Lose, uint32_t nth = 1, uint32_t count = 1,
             Micros hold = {}) {
    Link& link = from == Side::Left ? world.link(left, right) : world.link(right, left);
    link.faults().add(
        {.match = std::move(match), .action = action, .nth = nth, .count = count, .hold = hold});
  }
  void open() {
    world.in(left, 0us, [this] {
      const app::ConnectOptions options{
          .remote = right_end, .local_address = left_end.address, .local_port = left_end.port};
      client.connection = world.shard(left).connect(options, client).connection;
    });
  }
  bool establish() {
    open();
    return world.run_until([this] { return both(Established) && server.connection != nullptr; }, 300s);
  }
  bool both(tcp::State state) const {
    return recorder.state(Side::Left) == state && recorder.state(Side::Right) == state;
  }
  void act(Side side, Micros delay, std::function<void(app::Connection&)> deed) {
    App& app = side == Side::Left ? client : server;
    world.in(side == Side::Left ? left : right, delay, [&app, deed = std::move(deed)] {
      if (app.connection != nullptr) deed(*app.connection);
    });
  }
  void send(Side side, std::string text) {
    act(side, 0us, [text = std::move(text)](app::Connection& at) {
      at.send({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    });
  }
  void close(Side side, Micros delay = 0us) {
    act(side, delay, [](app::Connection& at) { at.close(); });
  }
  // The left side closes, the right one once it has been told.
  void close_in_order() {
    close(Side::Left);
    ASSERT_TRUE(world.run_until([this] { return server.peer_finished; }, 300s));
    close(Side::Right, 100ms);
    ASSERT_TRUE(world.run_until([this] { return both(Closed); }, 300s));
  }
  size_t count(Side from, wire::Flags flags) const {
    const auto& rows = recorder.ladder().rows;
    return static_cast<size_t>(std::count_if(rows.begin(), rows.end(), [&](const LadderRow& row) {
      return row.kind == LadderRow::Kind::Segment && row.from == from && row.fate != Fate::Duplicate &&
             (row.segment.flags | flags) == row.segment.flags;
    }));
  }
  const Path& path(Side side) const { return recorder.path(side); }

  Endpoint left_end{host_address(1, GetParam()), 50000};
  Endpoint right_end{host_address(2, GetParam()), 80};
  App client;
  App server;
  World world{11};
  HostId left = world.add_host("client", host_params(1), one_frame_an_iteration());
  HostId right = world.add_host("server", server_params(), one_frame_an_iteration());
  Recorder recorder{world, left, right};
};

TEST_P(Scripted, NothingLost_OneSegmentForEachStep) {
  ASSERT_TRUE(establish());
  close_in_order();
  EXPECT_EQ(path(Side::Left), kActiveClose);
  EXPECT_EQ(path(Side::Right), kPassiveClose);
  EXPECT_EQ(count(Side::Left, wire::kSyn) + count(Side::Right, wire::kSyn), 2U);
  EXPECT_EQ(count(Side::Left, wire::kFin) + count(Side::Right, wire::kFin), 2U);
  EXPECT_EQ(client.end, app::CloseReason::Finished);
  EXPECT_EQ(server.end, app::CloseReason::Finished);
}

TEST_P(Scripted, SynLostThreeTimes_IsSentAgainWithGrowingPauses) {
  spoil(Side::Left, is_syn, Action::Lose, 1, 3);
  const Instant start = world.now();
  ASSERT_TRUE(establish());
  EXPECT_EQ(count(Side::Left, wire::kSyn), 4U);
  EXPECT_GE(world.now() - start, 7s);  // 1 + 2 + 4: RFC 6298 §5.5
  EXPECT_LT(world.now() - start, 8s);
  close_in_order();
  EXPECT_EQ(path(Side::Left), kActiveClose);
}

TEST_P(Scripted, SynAckLost_IsSentAgain) {
  spoil(Side::Right, is_syn_ack);
  ASSERT_TRUE(establish());
  EXPECT_GE(count(Side::Right, wire::kSyn), 2U);
  close_in_order();
  EXPECT_EQ(path(Side::Left), kActiveClose);
  EXPECT_EQ(path(Side::Right), kPassiveClose);
}

TEST_P(Scripted, HandshakesLastAckLost_SynAckComesAgainAndIsAcknowledged) {
  spoil(Side::Left, is_bare_ack);
  ASSERT_TRUE(establish());
  EXPECT_EQ(count(Side::Right, wire::kSyn), 2U);
  close_in_order();
  EXPECT_EQ(path(Side::Left), kActiveClose);
  EXPECT_EQ(path(Side::Right), kPassiveClose);
}

TEST_P(Scripted, HandshakesLastAckLost_DataStandsInForIt) {
  spoil(Side::Left, is_bare_ack);
  open();
  ASSERT_TRUE(world.run_until([this] { return recorder.state(Side::Left) == Established; }, 10s));
  send(Side::Left, "hello");
  ASSERT_TRUE(world.run_until([this] { return server.received == "hello"; }, 500ms));
  EXPECT_EQ(count(Side::Right, wire::kSyn), 1U);
  close_in_order();
  EXPECT_EQ(path(Side::Right), kPassiveClose);
}

TEST_P(Scripted, SynDuplicated_IsOneConnection) {
  spoil(Side::Left, is_syn, Action::Duplicate);
  ASSERT_TRUE(establish());
  close_in_order();
  EXPECT_EQ(path(Side::Left), kActiveClose);
  EXPECT_EQ(path(Side::Right), kPassiveClose);
  EXPECT_EQ(world.shard(right).counters().tcp_established.value(), 1U);
}

TEST_P(Scripted, OldSynComesInTheMiddle_IsAnsweredByAnAckAndChangesNothing) {
  spoil(Side::Left, is_syn, Action::Hold, 1, 1, 1500ms);  // the second SYN, sent after 1 s, overtakes it
  ASSERT_TRUE(establish());
  world.run_for(1s);
  EXPECT_TRUE(both(Established));
  close_in_order();
  EXPECT_EQ(path(Side::Left), kActiveClose);
  EXPECT_EQ(path(Side::Right), kPassiveClose);
}

TEST_P(Scripted, SynAckDamaged_IsAsGoodAsLost) {
  spoil(Side::Right, is_syn_ack, Action::Corrupt);
  ASSERT_TRUE(establish());
  close_in_order();
  EXPECT_EQ(path(Side::Left), kActiveClose);
}

TEST_P(Scripted, ActiveClosersFinLost_IsSentAgain) {
  spoil(Side::Left, is_fin);
  ASSERT_TRUE(establish());
  close_in_order();
  EXPECT_EQ(count(Side::Left, wire::kFin), 2U);
  EXPECT_EQ(path(Side::Left), kActiveClose);
  EXPECT_EQ(path(Side::Right), kPassiveClose);
}

TEST_P(Scripted, PassiveClosersFinLost_IsSentAgainFromLastAck) {
  spoil(Side::Right, is_fin);
  ASSERT_TRUE(establish());
  close_in_order();
  EXPECT_EQ(count(Side::Right, wire::kFin), 2U);
  EXPECT_EQ(path(Side::Left), kActiveClose);
  EXPECT_EQ(path(Side::Right), kPassiveClose);
}

TEST_P(Scripted, LastAckLost_FinComesAgainToTimeWaitAndRestartsIt) {
  spoil(Side::Left, [this](const wire::Frame& frame) {
    return is_bare_ack(frame) && recorder.state(Side::Left) == TimeWait;
  });
  ASSERT_TRUE(establish());
  close_in_order();
  EXPECT_EQ(count(Side::Right, wire::kFin), 2U);
  EXPECT_EQ(path(Side::Left), kActiveClose);
  EXPECT_EQ(path(Side::Right), kPassiveClose);
  EXPECT_EQ(server.end, app::CloseReason::Finished);
  const auto& rows = recorder.ladder().rows;
  const auto last_fin =
      std::find_if(rows.rbegin(), rows.rend(), [](const LadderRow& row) { return row.segment.flags.fin(); });
  EXPECT_GE(world.now() - *last_fin->arrived_at, 60s);
  EXPECT_LT(world.now() - *last_fin->arrived_at, 61s);
}

TEST_P(Scripted, AckOfFinLost_PeersFinIsNotLostOnUs) {
  spoil(Side::Right, [this](const wire::Frame& frame) {
    return is_bare_ack(frame) && recorder.state(Side::Right) == CloseWait;
  });
  ASSERT_TRUE(establish());
  close_in_order();
  EXPECT_EQ(path(Side::Left).back(), Closed);
  EXPECT_EQ(path(Side::Right), kPassiveClose);
}

TEST_P(Scripted, SimultaneousClose_BothGoThroughClosing) {
  ASSERT_TRUE(establish());
  close(Side::Left, 50ms);
  close(Side::Right, 50ms);
  ASSERT_TRUE(world.run_until([this] { return both(Closed) && client.end && server.end; }, 300s));
  EXPECT_EQ(path(Side::Left), (Path{Closed, SynSent, Established, FinWait1, Closing, TimeWait, Closed}));
  EXPECT_EQ(path(Side::Right), (Path{Listen, SynReceived, Established, FinWait1, Closing, TimeWait, Closed}));
}

TEST_P(Scripted, SimultaneousCloseAndOneFinLost_OnlyTheOtherGoesThroughClosing) {
  spoil(Side::Left, is_fin);
  ASSERT_TRUE(establish());
  close(Side::Left, 50ms);
  close(Side::Right, 50ms);
  ASSERT_TRUE(world.run_until([this] { return both(Closed) && client.end && server.end; }, 300s));
  EXPECT_EQ(path(Side::Left), (Path{Closed, SynSent, Established, FinWait1, Closing, TimeWait, Closed}));
  EXPECT_EQ(path(Side::Right),
            (Path{Listen, SynReceived, Established, FinWait1, FinWait2, TimeWait, Closed}));
}

// The last acknowledgement was lost, and the client connects again from the same port before the server's FIN
// comes again: its SYN meets LAST-ACK, and what that answers does not cost the new connection a time-out.
TEST_P(Scripted, TimeWaitReused_ServerStillInLastAck_OpensWithinAFewRoundTrips) {
  spoil(Side::Left, [this](const wire::Frame& frame) {
    return is_bare_ack(frame) && recorder.state(Side::Left) == TimeWait;
  });
  ASSERT_TRUE(establish());
  close(Side::Left);
  ASSERT_TRUE(world.run_until([this] { return server.peer_finished; }, 10s));
  close(Side::Right);
  ASSERT_TRUE(world.run_until([this] { return recorder.state(Side::Left) == TimeWait; }, 10s));
  world.run_for(101ms);
  ASSERT_EQ(recorder.state(Side::Right), LastAck);
  const Instant again = world.now();
  ASSERT_TRUE(establish());
  EXPECT_LT(world.now() - again, 500ms);
  EXPECT_EQ(count(Side::Left, wire::kSyn), 3U)
      << "of the second connection one that was challenged, one that was taken";
  EXPECT_EQ(count(Side::Left, wire::kRst), 1U);
  send(Side::Left, "new");
  EXPECT_TRUE(world.run_until([this] { return server.received == "new"; }, 10s));
  act(Side::Left, 0us, [](app::Connection& at) { at.abort(); });
}

// A segment of the old connection that the network kept for a second is not taken by the new one.
TEST_P(Scripted, TimeWaitReused_OldDuplicateComesLate_IsNotTaken) {
  spoil(Side::Left, has_payload, Action::Duplicate, 1, 1, 1s);
  ASSERT_TRUE(establish());
  send(Side::Left, "old");
  close(Side::Left);
  ASSERT_TRUE(world.run_until([this] { return server.peer_finished; }, 10s));
  close(Side::Right);
  ASSERT_TRUE(world.run_until([this] { return recorder.state(Side::Left) == TimeWait; }, 10s));
  world.run_for(150ms);
  ASSERT_TRUE(establish());
  EXPECT_EQ(world.shard(left).counters().tcp_time_wait_reused.value(), 1U);
  server.received.clear();
  world.run_for(3s);
  const Counters& counted = world.shard(right).counters();
  EXPECT_EQ(counted.dropped(DropReason::TcpNotAcceptable) + counted.dropped(DropReason::TcpPaws), 1U);
  send(Side::Left, "new");
  EXPECT_TRUE(world.run_until([this] { return server.received == "new"; }, 10s)) << server.received;
  act(Side::Left, 0us, [](app::Connection& at) { at.abort(); });
}

TEST_P(Scripted, WindowUpdateLost_TheProbeBringsItToLight) {
  server.reads = false;
  ASSERT_TRUE(establish());
  const std::string text(40'000, 'x');  // more than the server's buffer
  send(Side::Left, text);
  world.run_for(5s);
  const Counter& probes = world.shard(left).counters().tcp_window_probes_sent;
  const uint64_t probes_before = probes.value();
  EXPECT_GT(probes_before, 0U);
  spoil(Side::Right,
        [](const wire::Frame& frame) { return is_bare_ack(frame) && frame.tcp.window.field() > 10'000; });
  server.reads = true;
  act(Side::Right, 0us, [this](app::Connection& at) { server.on_readable(at); });
  EXPECT_TRUE(world.run_until([&] { return server.received.size() == text.size(); }, 120s));
  EXPECT_GT(probes.value(), probes_before);
  close_in_order();
}

TEST_P(Scripted, OneOfManySegmentsLost_ComesAgainWithoutATimeOut) {
  spoil(Side::Left, has_payload, Action::Lose, 3);
  ASSERT_TRUE(establish());
  const std::string text(20'000, 'y');
  send(Side::Left, text);
  ASSERT_TRUE(world.run_until([&] { return server.received == text; }, 60s));
  EXPECT_EQ(world.shard(left).counters().tcp_fast_retransmits.value(), 1U);
  EXPECT_EQ(world.shard(left).counters().tcp_rto_fired.value(), 0U);
  close_in_order();
}

TEST_P(Scripted, LastSegmentLost_AProbeBringsItBack) {
  spoil(Side::Left, has_payload);
  ASSERT_TRUE(establish());
  send(Side::Left, "alone");
  ASSERT_TRUE(world.run_until([&] { return server.received == "alone"; }, 60s));
  EXPECT_EQ(world.shard(left).counters().tcp_tail_loss_probes_sent.value(), 1U);
  EXPECT_EQ(world.shard(left).counters().tcp_rto_fired.value(), 0U);
  close_in_order();
}

TEST_P(Scripted, LastSegmentAndItsProbeLost_OnlyTimeBringsItBack) {
  spoil(Side::Left, has_payload, Action::Lose, 1, 2);
  ASSERT_TRUE(establish());
  send(Side::Left, "alone");
  ASSERT_TRUE(world.run_until([&] { return server.received == "alone"; }, 60s));
  EXPECT_EQ(world.shard(left).counters().tcp_rto_fired.value(), 1U);
  close_in_order();
}

TEST_P(Scripted, EverythingFromThePeerStops_TheConnectionTimesOut) {
  ASSERT_TRUE(establish());
  world.set_links({.delay = 10ms, .faults = {.loss_ppm = 1'000'000}});
  send(Side::Left, "is anybody there?");
  ASSERT_TRUE(world.run_until([this] { return client.end.has_value(); }, 3600s));
  EXPECT_TRUE(client.end == app::CloseReason::TimedOut || client.end == app::CloseReason::Unreachable);
  world.set_links({.delay = 10ms});
  act(Side::Right, 0us, [](app::Connection& at) { at.abort(); });
  ASSERT_TRUE(world.run_until([this] { return server.end.has_value(); }, 10s));
}

TEST_P(Scripted, NobodyAnswersTheSyn_TheOpenFails) {
  spoil(Side::Left, is_syn, Action::Lose, 1, 1 + TcpParams{}.syn_retries);  // the first and all the others
  open();
  ASSERT_TRUE(world.run_until([this] { return client.end.has_value(); }, 600s));
  EXPECT_TRUE(client.end == app::CloseReason::TimedOut || client.end == app::CloseReason::Unreachable);
  EXPECT_EQ(path(Side::Left), (Path{Closed, SynSent, Closed}));
  EXPECT_EQ(path(Side::Right), Path{Listen});
}

INSTANTIATE_TEST_SUITE_P(Families, Scripted, testing::Values(Family::V4, Family::V6),
                         [](const auto& test) { return test.param == Family::V4 ? "v4" : "v6"; });

}  // namespace
}  // namespace millrace::sim::test

// Two whole hosts and the recorder between them: what it writes is what happened.
#include "sim/recorder.h"

#include <gtest/gtest.h>

#include "sim/world.h"

namespace millrace::sim::test {
namespace {

using enum tcp::State;

struct Listener final : app::Handler {
  void on_peer_finished(app::Connection& connection) override { connection.close(); }
};
struct Caller final : app::Handler {
  void on_closed(app::Connection&, app::CloseReason why) override { reason = why; }
  std::optional<app::CloseReason> reason;
};

struct RecorderTest : testing::TestWithParam<Family> {
  Endpoint left{host_address(1, GetParam()), 50000};
  Endpoint right{host_address(2, GetParam()), 80};
  Listener server;
  Caller client;
  World world{5};
  HostId a = world.add_host("client", host_params(1), {.receive_burst = 1});
  HostId b = world.add_host("server", host_params(2), {.receive_burst = 1});
  Recorder recorder{world, a, b};
  app::Connection* connection = nullptr;

  void open() {
    ASSERT_EQ(world.shard(b).listen({.local = right}, server, "test"), app::OpenError::None);
    recorder.watch(left, right);
    world.in(a, 0us, [this] {
      recorder.say(Side::Left, "connect()");
      const app::ConnectOptions options{
          .remote = right, .local_address = left.address, .local_port = left.port};
      connection = world.shard(a).connect(options, client).connection;
    });
    ASSERT_TRUE(world.run_until([&] { return recorder.state(Side::Right) == Established; }, 10s));
  }
  std::vector<LadderRow> segments() const {
    std::vector<LadderRow> out;
    for (const LadderRow& row : recorder.ladder().rows)
      if (row.kind == LadderRow::Kind::Segment) out.push_back(row);
    return out;
  }
};

TEST_P(RecorderTest, Handshake_IsThreeSegmentsWithTheStatesTheyBring) {
  open();
  const auto rows = segments();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].segment.flags, wire::kSyn);
  EXPECT_EQ(rows[0].right.before, Listen);
  EXPECT_EQ(rows[0].right.after, SynReceived);
  EXPECT_EQ(rows[1].left.before, SynSent);
  EXPECT_EQ(rows[1].left.after, Established);
  EXPECT_EQ(*rows[1].arrived_at - rows[1].at, 10ms);
  EXPECT_EQ(rows[2].right.after, Established);
  EXPECT_EQ(recorder.path(Side::Left), (std::vector{Closed, SynSent, Established}));
}

TEST_P(RecorderTest, Words_StandWithTheChangeTheyBring) {
  open();
  const LadderRow& first = recorder.ladder().rows.front();
  EXPECT_EQ(first.kind, LadderRow::Kind::Note);
  EXPECT_EQ(first.note, "connect()");
  EXPECT_EQ(first.left.before, Closed);
  EXPECT_EQ(first.left.after, SynSent);
}

TEST_P(RecorderTest, Neighbors_AreRecordedApart) {
  open();
  bool resolved = false;
  for (const LadderRow& row : recorder.ladder().rows) resolved |= row.kind == LadderRow::Kind::Neighbor;
  EXPECT_TRUE(resolved);
}

TEST_P(RecorderTest, CloseToTheEnd_TimeWaitEndsInARowOfItsOwnAndNothingIsLeft) {
  open();
  world.in(a, 0us, [&] { connection->close(); });
  ASSERT_TRUE(world.run_until([&] { return recorder.state(Side::Left) == TimeWait; }, 10s));
  ASSERT_TRUE(world.run_until([&] { return recorder.state(Side::Left) == Closed; }, 100s));
  EXPECT_EQ(recorder.ladder().rows.back().note, "2 * MSL have passed");
  EXPECT_EQ(client.reason, app::CloseReason::Finished);
  EXPECT_EQ(recorder.path(Side::Right),
            (std::vector{Listen, SynReceived, Established, CloseWait, LastAck, Closed}));
  world.run_for(1s);
  EXPECT_EQ(world.outstanding_packets(a) + world.outstanding_packets(b), 0U);
}

INSTANTIATE_TEST_SUITE_P(Families, RecorderTest, testing::Values(Family::V4, Family::V6),
                         [](const auto& test) { return test.param == Family::V4 ? "v4" : "v6"; });

TEST(World, RunFor_MovesTheClockThoughNothingHappens) {
  World world(1);
  const Instant start = world.now();
  world.run_for(5s);
  EXPECT_EQ(world.now(), start + 5s);
}

TEST(World, Actions_RunInTheirOrderAtTheirInstant) {
  World world(1);
  const HostId host = world.add_host("alone", host_params(1));
  const Instant start = world.now();
  std::vector<std::pair<int, Instant>> ran;
  world.in(host, 2s, [&] { ran.emplace_back(2, world.now()); });
  world.in(host, 1s, [&] { ran.emplace_back(1, world.shard(host).now()); });
  EXPECT_TRUE(world.run_until([&] { return ran.size() == 2; }, 10s));
  EXPECT_EQ(ran[0], std::pair(1, start + 1s));
  EXPECT_EQ(ran[1], std::pair(2, start + 2s));
}

TEST(World, RunUntil_StopsAtTheLimit) {
  World world(1);
  world.add_host("one", host_params(1));
  const Instant start = world.now();
  EXPECT_FALSE(world.run_until([] { return false; }, 3s));
  EXPECT_EQ(world.now(), start + 3s);
  EXPECT_FALSE(world.stuck());
}

TEST(World, ThreeHosts_UnicastReachesItsOwnerAlone) {
  struct Arrivals final : Observer {
    void arrived(HostId, HostId to, const Flight& flight) override {
      if (is_tcp(frame_view(flight.octets))) ++tcp_at[to];
    }
    int tcp_at[3] = {};
  } arrivals;
  Caller client;
  World world(9);
  for (uint8_t number = 1; number <= 3; ++number) world.add_host("host", host_params(number));
  world.observe(&arrivals);
  world.in(0, 0us, [&] {
    const app::ConnectOptions options{
        .remote = {host_address(3, Family::V4), 80}, .local_address = {}, .local_port = {}};
    world.shard(0).connect(options, client);
  });
  EXPECT_TRUE(world.run_until([&] { return client.reason.has_value(); }, 10s));
  EXPECT_EQ(client.reason, app::CloseReason::Refused);
  EXPECT_GT(arrivals.tcp_at[0], 0);
  EXPECT_EQ(arrivals.tcp_at[1], 0);
  EXPECT_GT(arrivals.tcp_at[2], 0);
}

}  // namespace
}  // namespace millrace::sim::test

// Flows find the shard that owns them, whatever the NIC does: as predicted, with the hash cut short, with a
// hash of its own, with one queue.
#include <gtest/gtest.h>

#include <set>

#include "fleet.h"

namespace millrace::sim {
namespace {

using app::CloseReason;

app::ConnectOptions to(const IpAddress& address) {
  return {.remote = {address, 7}, .local_address = {}, .local_port = {}};
}

// Echoes what it gets and counts.
class Echoing final : public app::Handler {
 public:
  void on_established(app::Connection&) override { ++accepted; }
  void on_readable(app::Connection& connection) override {
    const auto octets = connection.readable();
    connection.consume(connection.send(octets));
  }
  void on_peer_finished(app::Connection& connection) override { connection.close(); }
  void on_closed(app::Connection&, CloseReason reason) override { ended.insert(reason); }
  unsigned accepted = 0;
  std::multiset<CloseReason> ended;
};

// Says something, waits for it to come back, closes.
class Asking final : public app::Handler {
 public:
  void on_established(app::Connection& connection) override {
    ++established;
    connection.send(kWords);
  }
  void on_readable(app::Connection& connection) override {
    echoed += connection.readable_bytes();
    connection.consume(connection.readable_bytes());
    if (closes) connection.close();
  }
  void on_closed(app::Connection&, CloseReason reason) override { ended.insert(reason); }
  static constexpr std::array<uint8_t, 7> kWords{'m', 'i', 'l', 'l', 'r', 'a', 'c'};
  bool closes = true;
  unsigned established = 0;
  uint64_t echoed = 0;
  std::multiset<CloseReason> ended;
};

struct Nic {
  const char* name;
  // Made for a fleet, whose steering function is the one that was asked for.
  NicHash (*make)(const Fleet& fleet);
  bool as_predicted;
};

const flow::Steering& foreign(unsigned shards) {
  static std::map<unsigned, flow::Steering> all;
  flow::SteeringParams params{.shards = shards, .key = {}, .table = {}};
  params.key.fill(0x6d);
  return all.try_emplace(shards, params).first->second;
}

const Nic kNics[] = {
    {"Predicted",
     [](const Fleet& fleet) -> NicHash {
       return [&fleet](const Endpoint& remote, const Endpoint& local) {
         return fleet.steering().owner(remote, local);
       };
     },
     true},
    // Some report or use only a few bits of the hash: half of the queues stay empty.
    {"Truncated",
     [](const Fleet& fleet) -> NicHash {
       return [&fleet](const Endpoint& remote, const Endpoint& local) {
         return fleet.steering().owner(remote, local) % ((fleet.shards() + 1) / 2);
       };
     },
     false},
    {"Foreign",
     [](const Fleet& fleet) -> NicHash {
       return [&fleet](const Endpoint& remote, const Endpoint& local) {
         return foreign(fleet.shards()).owner(remote, local);
       };
     },
     false},
    {"OneQueue", [](const Fleet&) -> NicHash { return [](const Endpoint&, const Endpoint&) { return 0U; }; },
     false},
};

struct Case {
  const Nic* nic;
  unsigned shards;
  Family family;
};

class Steered : public testing::TestWithParam<Case> {
 protected:
  Steered() : fleet({.shards = GetParam().shards, .seed = 1, .ring_packets = 2048}) {
    fleet.set_nic(GetParam().nic->make(fleet));
  }
  ~Steered() override {
    fleet.run_until([] { return false; }, 3ms);  // what is under way arrives
    EXPECT_EQ(fleet.outstanding_packets() - held(), 0U) << "a packet leaked";
  }
  size_t held() {
    size_t all = 0;
    for (unsigned i = 0; i < fleet.shards(); ++i) all += fleet.shard(i).usage().held_packets;
    return all;
  }
  void listen_everywhere() {
    const ListenerParams params{.local = {fleet.address(GetParam().family), 7}, .backlog = 256};
    for (unsigned i = 0; i < fleet.shards(); ++i)
      ASSERT_EQ(fleet.shard(i).listen(params, server, "echo"), app::OpenError::None);
  }
  void expect_agreement() {
    const uint64_t unpredicted = fleet.sum(&Counters::steering_unpredicted);
    const uint64_t handed_over = fleet.sum(&Counters::steering_handed_over);
    if (GetParam().nic->as_predicted) {
      EXPECT_EQ(unpredicted, 0U);
      EXPECT_EQ(handed_over, 0U);
      EXPECT_GT(fleet.sum(&Counters::steering_predicted), 0U);
    } else {
      EXPECT_GT(unpredicted, 0U);
      EXPECT_GT(handed_over, 0U);
    }
  }

  Fleet fleet;
  Echoing server;
  Asking client;
};

constexpr unsigned kConnections = 300;

TEST_P(Steered, PassiveOpens_LiveAtTheirOwner) {
  listen_everywhere();
  client.closes = false;
  for (unsigned i = 0; i < kConnections; ++i)
    ASSERT_EQ(fleet.peer().connect(to(fleet.address(GetParam().family)), client).error, app::OpenError::None);
  ASSERT_TRUE(fleet.run_until([&] { return client.echoed == kConnections * Asking::kWords.size(); }, 5s));
  uint32_t rows_seen = 0;
  for (unsigned i = 0; i < fleet.shards(); ++i) {
    std::vector<shard::ConnectionRow> rows;
    fleet.shard(i).copy_connections(0, 4096, rows);
    for (const shard::ConnectionRow& row : rows)
      EXPECT_EQ(fleet.steering().owner(row.flow.remote, row.flow.local), i);
    rows_seen += static_cast<uint32_t>(rows.size());
  }
  EXPECT_EQ(rows_seen, kConnections);
  EXPECT_EQ(fleet.sum(&Counters::tcp_resets_sent), 0U);
  expect_agreement();
}

TEST_P(Steered, ActiveOpens_ComeBackToTheShardThatOpened) {
  ASSERT_EQ(fleet.peer().listen({.local = {fleet.peer_address(GetParam().family), 7}, .backlog = 4096},
                                server, "echo"),
            app::OpenError::None);
  for (unsigned i = 0; i < kConnections; ++i)
    ASSERT_EQ(
        fleet.shard(i % fleet.shards()).connect(to(fleet.peer_address(GetParam().family)), client).error,
        app::OpenError::None);
  ASSERT_TRUE(fleet.run_until([&] { return client.ended.size() == kConnections; }, 5s));
  EXPECT_EQ(client.ended.count(CloseReason::Finished), kConnections);
  EXPECT_EQ(client.echoed, kConnections * Asking::kWords.size());
  EXPECT_EQ(fleet.sum(&Counters::tcp_resets_sent), 0U);
  expect_agreement();
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Nic& nic : kNics)
    for (const unsigned shards : {2U, 3U, 8U, 64U})
      for (const Family family : {Family::V4, Family::V6}) all.push_back({&nic, shards, family});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Nics, Steered, testing::ValuesIn(cases()), [](const auto& made) {
  return std::string(made.param.nic->name) + std::to_string(made.param.shards) +
         (made.param.family == Family::V4 ? "v4" : "v6");
});

// ---- flows of others

class Stray : public testing::Test {
 protected:
  Stray() : fleet({.shards = 2, .seed = 1, .ring_packets = 2048}) {
    EXPECT_EQ(
        fleet.peer().listen({.local = {fleet.peer_address(Family::V4), 7}, .backlog = 64}, server, "echo"),
        app::OpenError::None);
  }
  // A port of ours whose replies come to shard `owner`.
  uint16_t port_of(unsigned owner, uint16_t from = 40000) {
    const Endpoint remote{fleet.peer_address(Family::V4), 7};
    uint16_t port = from;
    while (fleet.steering().owner(remote, {fleet.address(Family::V4), port}) != owner) ++port;
    return port;
  }
  app::OpenResult connect(unsigned from, uint16_t port, app::Handler& handler) {
    return fleet.shard(from).connect(
        {.remote = {fleet.peer_address(Family::V4), 7}, .local_address = {}, .local_port = port}, handler);
  }

  Fleet fleet;
  Echoing server;
  Asking client, other;
};

TEST_F(Stray, APortWhoseRepliesComeElsewhere_IsServedAllTheSame) {
  ASSERT_EQ(connect(0, port_of(1), client).error, app::OpenError::None);
  ASSERT_TRUE(fleet.run_until([&] { return client.ended.size() == 1; }, 2s));
  EXPECT_EQ(client.ended.count(CloseReason::Finished), 1U);
  EXPECT_EQ(client.echoed, Asking::kWords.size());
  EXPECT_GE(fleet.sum(&Counters::steering_handed_over), 3U) << "SYN-ACK, data, FIN";
  EXPECT_EQ(fleet.sum(&Counters::tcp_resets_sent), 0U);
}

TEST_F(Stray, AFlowThatItsOwnerUses_IsNotGivenTwice) {
  client.closes = false;
  const uint16_t port = port_of(1);
  ASSERT_EQ(connect(1, port, client).error, app::OpenError::None);
  ASSERT_TRUE(fleet.run_until([&] { return client.established == 1; }, 2s));
  ASSERT_EQ(connect(0, port, other).error, app::OpenError::None) << "only the owner knows";
  ASSERT_TRUE(fleet.run_until([&] { return other.ended.size() == 1; }, 2s));
  EXPECT_EQ(other.ended.count(CloseReason::AddressInUse), 1U);
  EXPECT_EQ(fleet.peer().connections(), 1U) << "no SYN was sent";
}

TEST_F(Stray, AFlowLentOut_IsInUseForItsOwner_UntilItEnds) {
  client.closes = false;
  const uint16_t port = port_of(1);
  ASSERT_EQ(connect(0, port, client).error, app::OpenError::None);
  ASSERT_TRUE(fleet.run_until([&] { return client.established == 1; }, 2s));
  EXPECT_EQ(connect(1, port, other).error, app::OpenError::AddressInUse);
  fleet.shard(0).abort_all(fleet.now());
  ASSERT_TRUE(
      fleet.run_until([&] { return client.ended.size() == 1 && fleet.peer().connections() == 0; }, 2s));
  EXPECT_EQ(connect(1, port, other).error, app::OpenError::None);
  ASSERT_TRUE(fleet.run_until([&] { return other.established == 1; }, 2s));
}

TEST_F(Stray, AConnectionAbortedBeforeItsOwnerAnswers_GivesTheFlowBack) {
  const uint16_t port = port_of(1);
  const app::OpenResult opened = connect(0, port, client);
  ASSERT_EQ(opened.error, app::OpenError::None);
  opened.connection->abort();
  ASSERT_TRUE(fleet.run_until([&] { return client.ended.size() == 1; }, 1s));
  fleet.run_until([] { return false; }, 10ms);
  EXPECT_EQ(connect(1, port, other).error, app::OpenError::None);
  ASSERT_TRUE(fleet.run_until([&] { return other.ended.size() == 1; }, 2s));
  EXPECT_EQ(other.ended.count(CloseReason::Finished), 1U);
}

// TIME-WAIT keeps the loan; an open that takes it over asks nobody, and the loan ends with the last of them.
TEST_F(Stray, AFlowLentOut_IsReusedOverTimeWaitWithoutAskingAgain) {
  const uint16_t port = port_of(1);
  for (unsigned i = 1; i <= 3; ++i) {
    ASSERT_EQ(connect(0, port, client).error, app::OpenError::None) << i;
    ASSERT_TRUE(fleet.run_until([&] { return client.ended.size() == i; }, 2s));
    fleet.run_until([] { return false; }, 200ms);
    EXPECT_EQ(fleet.shard(0).usage().time_wait_records, 1U);
    EXPECT_EQ(connect(1, port, other).error, app::OpenError::AddressInUse) << "its owner has lent it out";
  }
  EXPECT_EQ(client.ended.count(CloseReason::Finished), 3U);
  EXPECT_EQ(client.echoed, 3 * Asking::kWords.size());
  EXPECT_EQ(fleet.sum(&Counters::tcp_time_wait_reused), 2U);
  EXPECT_EQ(fleet.sum(&Counters::tcp_resets_sent), 0U);
  TcpParams brief;
  brief.msl = 1ms;
  fleet.shard(0).set_tcp_params(brief);
  fleet.run_until([] { return false; }, 10ms);
  EXPECT_EQ(fleet.shard(0).usage().time_wait_records, 0U);
  ASSERT_EQ(connect(1, port, other).error, app::OpenError::None) << "and has it back";
  ASSERT_TRUE(fleet.run_until([&] { return other.ended.size() == 1; }, 2s));
  EXPECT_EQ(other.ended.count(CloseReason::Finished), 1U);
}

// The owner's own TIME-WAIT is not lent out: the numbers that it must go beyond are known to it alone.
TEST_F(Stray, AFlowInItsOwnersTimeWait_IsNotLentOut) {
  const uint16_t port = port_of(1);
  ASSERT_EQ(connect(1, port, client).error, app::OpenError::None);
  ASSERT_TRUE(fleet.run_until([&] { return client.ended.size() == 1; }, 2s));
  fleet.run_until([] { return false; }, 200ms);
  ASSERT_EQ(fleet.shard(1).usage().time_wait_records, 1U);
  ASSERT_EQ(connect(0, port, other).error, app::OpenError::None) << "only the owner knows";
  ASSERT_TRUE(fleet.run_until([&] { return other.ended.size() == 1; }, 2s));
  EXPECT_EQ(other.ended.count(CloseReason::AddressInUse), 1U);
  ASSERT_EQ(connect(1, port, client).error, app::OpenError::None) << "the owner itself may";
  ASSERT_TRUE(fleet.run_until([&] { return client.ended.size() == 2; }, 2s));
  EXPECT_EQ(client.ended.count(CloseReason::Finished), 2U);
}

// A ring that is full loses packets, and TCP sends them again.
TEST(Handover, AFullRing_DropsAndCounts) {
  Fleet fleet({.shards = 2, .seed = 1, .ring_packets = 12});
  fleet.set_nic([](const Endpoint&, const Endpoint&) { return 0U; });
  Echoing server;
  Asking client;
  for (unsigned i = 0; i < 2; ++i)
    ASSERT_EQ(
        fleet.shard(i).listen({.local = {fleet.address(Family::V4), 7}, .backlog = 256}, server, "echo"),
        app::OpenError::None);
  for (unsigned i = 0; i < 64; ++i)
    ASSERT_EQ(fleet.peer().connect(to(fleet.address(Family::V4)), client).error, app::OpenError::None);
  ASSERT_TRUE(fleet.run_until([&] { return client.ended.size() == 64; }, 180s));
  EXPECT_EQ(client.ended.count(CloseReason::Finished), 64U);
  EXPECT_GT(fleet.dropped(DropReason::HandoverFull), 0U);
}

}  // namespace
}  // namespace millrace::sim

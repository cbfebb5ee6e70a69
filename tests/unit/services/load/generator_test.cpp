// The generator against real services: two whole shards, one simulated link, virtual time. Each test ends
// with nothing left on either side.
#include "services/load/generator.h"

#include <gtest/gtest.h>

#include "app/connection.h"
#include "services/registry.h"
#include "sim/world.h"

namespace millrace::services::load {
namespace {

using sim::host_address;
using sim::host_params;

class GeneratorTest : public testing::Test {
 protected:
  GeneratorTest() {
    ShardParams client = host_params(1);
    client.interface.addresses.push_back({IpAddress::v4(10, 0, 0, 11), 24});
    client.memory.time_wait_records = 65'536;  // as by default: more than there are ephemeral ports
    client_id = world.add_host("client", client);
    server_id = world.add_host("server", host_params(2));
    world.set_links({.delay = 100us});
    params.targets = {{host_address(2, Family::V4), 80}};
    params.connections = 8;
  }
  void TearDown() override {
    if (generator != nullptr) generator->stop();
    world.in(client_id, 0us, [this] { client().abort_all(world.now()); });
    world.run_for(300s);  // TIME-WAIT and all
    EXPECT_FALSE(world.stuck());
    for (const sim::HostId host : {client_id, server_id}) {
      const auto usage = world.shard(host).usage();
      EXPECT_EQ(usage.connections + usage.syn_records + usage.time_wait_records + usage.timers, 0U) << host;
      EXPECT_EQ(usage.buffer_bytes, 0U) << host;
      EXPECT_EQ(world.outstanding_packets(host), 0U) << host;
    }
  }

  shard::Shard& client() { return world.shard(client_id); }
  shard::Shard& server() { return world.shard(server_id); }
  const Stats& stats() const { return generator->stats(); }

  void serve(app::Handler& handler) {
    for (const Endpoint& target : params.targets)
      ASSERT_EQ(server().listen({.local = target, .fast_open_pending = fast_open_pending}, handler, "service"),
                app::OpenError::None);
  }
  void serve(std::string_view kind) {
    auto made = make_service({.kind = std::string(kind), .name = "", .directory = ""});
    ASSERT_TRUE(made) << made.error();
    service = std::move(*made);
    if (app::Program* program = service->program()) server().add_program(*program);
    serve(*service);
  }
  void start(Micros duration) {
    generator = std::make_unique<Generator>(params);
    client().add_program(*generator);
    world.run_for(duration);
  }
  uint64_t errors() const {
    uint64_t sum = 0;
    for (const Counter& count : stats().errors) sum += count.value();
    return sum;
  }
  uint64_t errors(LoadError which) const { return stats().errors[static_cast<size_t>(which)].value(); }

  Params params;
  uint32_t fast_open_pending = 0;
  std::unique_ptr<Service> service;
  std::unique_ptr<Generator> generator;
  sim::World world{11};
  sim::HostId client_id = 0;
  sim::HostId server_id = 0;
};

struct Spoken {
  Protocol protocol;
  std::string_view service;
};
class Exchanges : public GeneratorTest, public testing::WithParamInterface<Spoken> {
 protected:
  Exchanges() {
    params.protocol = GetParam().protocol;
    params.request_bytes = 200;
    params.response_bytes = 3000;
  }
};
INSTANTIATE_TEST_SUITE_P(Protocols, Exchanges,
                         testing::Values(Spoken{Protocol::Http, "http"}, Spoken{Protocol::Rpc, "rpc"},
                                         Spoken{Protocol::Echo, "echo"}),
                         [](const auto& spoken) { return std::string(spoken.param.service); });

TEST_P(Exchanges, ClosedLoop_AsksWhenItIsAnswered) {
  serve(GetParam().service);
  start(1s);
  EXPECT_EQ(stats().open.value(), 8U);
  EXPECT_EQ(errors(), 0U);
  // A round trip is 200 us and a little.
  EXPECT_GT(stats().responses.value(), 8U * 3000);
  EXPECT_LE(stats().responses.value(), 8U * 5000);
  EXPECT_EQ(stats().requests.value(), stats().responses.value() + 8);
  EXPECT_EQ(stats().latency.read().count(), stats().responses.value());
  EXPECT_GE(stats().latency.read().percentile(0), 199U);
}

TEST_P(Exchanges, Depth_KeepsSoManyUnderWay) {
  params.depth = 5;  // no power of two
  params.connections = 2;
  serve(GetParam().service);
  start(1s);
  EXPECT_EQ(errors(), 0U);
  EXPECT_EQ(stats().requests.value(), stats().responses.value() + 10);
  EXPECT_GT(stats().responses.value(), 10U * 2500);
}

// RFC 7413: one round trip a connection instead of two, once there is a cookie.
TEST_P(Exchanges, FastOpen_AsksInTheSyn) {
  params.mode = Mode::Connections;
  params.close = Closer::Client;
  params.connections = 1;
  params.rate = 100;
  params.fast_open = true;
  fast_open_pending = 64;
  serve(GetParam().service);
  start(2s);
  const uint64_t done = stats().completed.value();
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(done, 150U);
  EXPECT_LE(stats().requests.value(), done + 1) << "one may be under way";
  EXPECT_EQ(stats().responses.value(), done);
  EXPECT_GE(server().counters().tcp_fast_open_syn_data_accepted.value(), done - 1);
  EXPECT_GE(stats().latency.read().percentile(0.5), 190U);
  EXPECT_LT(stats().latency.read().percentile(0.9), 300U);
}

TEST_P(Exchanges, FastOpen_WithAServerThatHasItNot_GoesTheUsualWay) {
  params.mode = Mode::Connections;
  params.close = Closer::Client;
  params.fast_open = true;
  serve(GetParam().service);
  start(1s);
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(stats().completed.value(), 100U);
  EXPECT_EQ(client().counters().tcp_fast_open_cookies_sent.value(), 0U);
}

TEST_P(Exchanges, OpenLoop_KeepsItsRate) {
  params.rate = 700;
  serve(GetParam().service);
  start(10s);
  EXPECT_EQ(errors(), 0U);
  EXPECT_NEAR(static_cast<double>(stats().responses.value()), 7000, 20);
  EXPECT_LT(stats().latency.read().percentile(0.99), 1000U);
}

TEST_P(Exchanges, WholeConnections_AreOneRequestEach) {
  params.mode = Mode::Connections;
  params.close = Closer::Reset;
  serve(GetParam().service);
  start(1s);
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(stats().completed.value(), 1000U);
  EXPECT_EQ(stats().completed.value(), stats().responses.value());
  EXPECT_EQ(client().usage().time_wait_records, 0U);
  EXPECT_EQ(server().usage().time_wait_records, 0U);
}

TEST_F(GeneratorTest, HttpServerThatCloses_KeepsTimeWait) {
  params.mode = Mode::Connections;
  params.close = Closer::Server;
  serve("http");
  start(100ms);
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(stats().completed.value(), 100U);
  EXPECT_EQ(client().usage().time_wait_records, 0U);
  EXPECT_GT(server().usage().time_wait_records, 100U);
}

TEST_F(GeneratorTest, ClientThatCloses_KeepsTimeWait) {
  params.mode = Mode::Connections;
  params.close = Closer::Client;
  serve("http");
  start(100ms);
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(client().usage().time_wait_records, 100U);
  EXPECT_EQ(server().usage().time_wait_records, 0U);
}

// 64 ports of ours, one port of the server, and the client closes first: each port is needed again while its
// last connection is in TIME-WAIT.
class ReusedPorts : public GeneratorTest {
 protected:
  ReusedPorts() {
    params.mode = Mode::Connections;
    params.close = Closer::Client;
    params.rate = 500;
  }
  void prepare() {
    SeededEntropy entropy(1);
    client().use_ports({50'000, 50'063}, entropy);
    serve("http");
  }
};

TEST_F(ReusedPorts, TimestampsOn_TheyAreTakenOver) {
  prepare();
  start(4s);
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(stats().completed.value(), 1900U);
  EXPECT_GT(client().counters().tcp_time_wait_reused.value(), 1800U);
  EXPECT_LE(client().usage().time_wait_records, 64U);
  EXPECT_EQ(server().counters().tcp_resets_sent.value(), 0U);
  EXPECT_EQ(client().counters().tcp_retransmitted_segments.value(), 0U);
}

// The 28,232 ephemeral ports last for 0.28 s at this rate: far less than 2 MSL.
TEST_F(ReusedPorts, HundredThousandConnectionsASecondToOneServer) {
  params.rate = 100'000;
  params.connections = 512;
  serve("http");
  start(600ms);
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(stats().completed.value(), 57'000U);
  EXPECT_GT(client().counters().tcp_time_wait_reused.value(), 20'000U);
  EXPECT_EQ(client().counters().tcp_ports_exhausted.value(), 0U);
}

TEST_F(ReusedPorts, TimestampsOff_PortsRestForTwoMslAndOpensFail) {
  TcpParams tcp;
  tcp.timestamps = false;
  server().set_tcp_params(tcp);
  prepare();
  start(2s);
  EXPECT_EQ(stats().completed.value(), 64U);
  EXPECT_GT(errors(LoadError::NoPorts), 0U);
  EXPECT_GT(client().counters().tcp_ports_exhausted.value(), 0U);
  EXPECT_EQ(client().counters().tcp_time_wait_reused.value(), 0U);
}

TEST_F(GeneratorTest, LargeRequests_GoThroughSmallSendBuffers) {
  params.protocol = Protocol::Echo;
  params.request_bytes = 1'000'000;
  params.connections = 2;
  params.depth = 3;
  serve("echo");
  start(100ms);
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(stats().responses.value(), 5U);
}

TEST_F(GeneratorTest, BulkUp_CountsWhatTheServerHasAcknowledged) {
  params.mode = Mode::Bulk;
  params.direction = Direction::Up;
  params.protocol = Protocol::Discard;
  params.connections = 2;
  serve("discard");
  start(30ms);
  EXPECT_GT(stats().bytes_sent.value(), 1'000'000U);
  EXPECT_LE(stats().bytes_sent.value(), server().counters().tcp_bytes_received.value());
  EXPECT_EQ(stats().bytes_received.value(), 0U);
}

TEST_F(GeneratorTest, BulkDown_TakesEverything) {
  params.mode = Mode::Bulk;
  params.protocol = Protocol::Chargen;
  params.connections = 2;
  serve("chargen");
  start(30ms);
  EXPECT_GT(stats().bytes_received.value(), 1'000'000U);
  EXPECT_EQ(stats().bytes_sent.value(), 0U);
}

TEST_F(GeneratorTest, BulkBothWays_GetsBackWhatItSends) {
  params.mode = Mode::Bulk;
  params.direction = Direction::Both;
  params.protocol = Protocol::Echo;
  params.connections = 2;
  serve("echo");
  start(30ms);
  EXPECT_GT(stats().bytes_sent.value(), 1'000'000U);
  EXPECT_GT(stats().bytes_received.value(), 1'000'000U);
}

TEST_F(GeneratorTest, Handshakes_CarryNoPayload) {
  params.mode = Mode::Handshake;
  params.close = Closer::Reset;
  serve("http");
  start(200ms);
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(stats().completed.value(), 1000U);
  EXPECT_EQ(stats().latency.read().count(), stats().completed.value());
  EXPECT_EQ(server().counters().tcp_bytes_received.value(), 0U);
}

TEST_F(GeneratorTest, HandshakesAtARate_KeepIt) {
  params.mode = Mode::Handshake;
  params.close = Closer::Reset;
  params.rate = 500;
  serve("http");
  start(4s);
  EXPECT_NEAR(static_cast<double>(stats().completed.value()), 2000, 5);
}

TEST_F(GeneratorTest, HeldConnections_AreEachAskedWithinTheTime) {
  params.mode = Mode::Concurrent;
  params.connections = 100;
  params.rate = 50;
  params.hold = 4s;
  serve("http");
  start(1s);
  EXPECT_NEAR(static_cast<double>(stats().open.value()), 50, 2) << "opened at the rate";
  world.run_for(1500ms);
  EXPECT_EQ(stats().open.value(), 100U);
  const uint64_t before = stats().responses.value();
  world.run_for(4s);
  EXPECT_NEAR(static_cast<double>(stats().responses.value() - before), 104, 4);
  EXPECT_EQ(errors(), 0U);
}

TEST_F(GeneratorTest, HeldConnectionsThatEnd_AreErrorsAndOpenedAgain) {
  params.mode = Mode::Concurrent;
  params.connections = 20;
  params.hold = 1s;
  serve("http");
  start(1s);
  world.in(server_id, 0us, [this] { server().abort_all(world.now()); });
  world.run_for(1s);
  EXPECT_EQ(errors(LoadError::Reset), 20U);
  EXPECT_EQ(errors(), 20U);
  EXPECT_EQ(stats().open.value(), 20U);
}

TEST_F(GeneratorTest, ServerThatRefuses_IsAskedAgainAfterARest) {
  start(1s);
  EXPECT_GE(errors(LoadError::Refused), 8U);
  EXPECT_LE(errors(LoadError::Refused), 8U * 21) << "every 50 ms and a round trip";
  EXPECT_EQ(stats().established.value(), 0U);
}

TEST_F(GeneratorTest, ServerThatSpeaksAnotherProtocol_IsMalformed) {
  serve("chargen");
  start(1s);
  EXPECT_GT(errors(LoadError::Malformed), 0U);
  EXPECT_EQ(stats().responses.value(), 0U);
  EXPECT_GT(stats().unanswered.value(), 0U);
}

TEST_F(GeneratorTest, TargetsAndSources_AreTakenInTurn) {
  params.targets = {{host_address(2, Family::V4), 80}, {host_address(2, Family::V4), 81}};
  params.sources = {host_address(1, Family::V4), IpAddress::v4(10, 0, 0, 11)};
  serve("http");
  start(1s);
  std::vector<shard::ConnectionRow> rows;
  client().copy_connections(0, 100, rows);
  std::map<std::pair<IpAddress, uint16_t>, int> pairs;
  for (const auto& row : rows) ++pairs[{row.flow.local.address, row.flow.remote.port}];
  EXPECT_EQ(pairs.size(), 4U);
  for (const auto& [pair, count] : pairs) EXPECT_EQ(count, 2);
}

TEST_F(GeneratorTest, Ipv6_IsAsGood) {
  params.targets = {{host_address(2, Family::V6), 80}};
  serve("http");
  start(1s);
  EXPECT_EQ(errors(), 0U);
  EXPECT_GT(stats().responses.value(), 8U * 3000);
}

// ---- coordinated omission
// ------------------------------------------------------------------------------------

// Echo that answers nothing while it is stalled.
class Stalling final : public app::Handler {
 public:
  void stall(bool on) {
    stalled_ = on;
    if (!on && connection_ != nullptr) on_readable(*connection_);
  }
  void on_established(app::Connection& connection) override {
    connection_ = &connection;
    connection.set_no_delay(true);
  }
  void on_readable(app::Connection& connection) override {
    if (stalled_) return;
    for (auto run = connection.readable(); !run.empty(); run = connection.readable()) {
      connection.send(run);
      connection.consume(static_cast<uint32_t>(run.size()));
    }
  }
  void on_peer_finished(app::Connection& connection) override { connection.close(); }
  void on_closed(app::Connection&, app::CloseReason) override { connection_ = nullptr; }

 private:
  app::Connection* connection_ = nullptr;
  bool stalled_ = false;
};

// For one second in ten the server answers nobody. Who counts only the request that was under way finds one
// slow one in ten thousand; a thousand would have come meanwhile.
class CoordinatedOmission : public GeneratorTest {
 protected:
  void TearDown() override {
    GeneratorTest::TearDown();  // while the handler lives
  }
  Stalling handler;
};

TEST_F(CoordinatedOmission, ServerThatStallsForASecond_IsChargedForAllThatWereDue) {
  params.protocol = Protocol::Echo;
  params.connections = 1;
  params.rate = 1000;
  serve(handler);
  world.in(server_id, 4s, [&] { handler.stall(true); });
  world.in(server_id, 5s, [&] { handler.stall(false); });
  start(10s);
  const Distribution latency = stats().latency.read();
  EXPECT_NEAR(static_cast<double>(latency.count()), 10'000, 20) << "all of them were made up for";
  EXPECT_LT(latency.percentile(0.5), 1000U);
  EXPECT_GT(latency.percentile(0.95), 300'000U);
  EXPECT_GT(latency.percentile(0.99), 800'000U);
  EXPECT_NEAR(static_cast<double>(latency.max()), 1'000'000, 20'000);
}

}  // namespace
}  // namespace millrace::services::load

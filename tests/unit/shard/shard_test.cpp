// What a shard shows of itself and how it stops; its protocol is tests/conformance's and tests/sim's.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/world.h"

namespace millrace::shard {
namespace {

class Greeter final : public app::Handler {
 public:
  void on_established(app::Connection& connection) override {
    open.push_back(&connection);
    if (speaks) connection.send(kHello);
  }
  void on_readable(app::Connection& connection) override {
    received += connection.readable_bytes();
    connection.consume(connection.readable_bytes());
  }
  void on_peer_finished(app::Connection& connection) override { connection.close(); }
  void on_closed(app::Connection& connection, app::CloseReason reason) override {
    std::erase(open, &connection);
    ended.push_back(reason);
  }

  static constexpr std::array<uint8_t, 5> kHello = {'h', 'e', 'l', 'l', 'o'};
  bool speaks = false;
  uint32_t received = 0;
  std::vector<app::Connection*> open;
  std::vector<app::CloseReason> ended;
};

class ShardTest : public testing::Test {
 protected:
  ShardTest() {
    client_id = world.add_host("client", sim::host_params(1));
    ShardParams params = sim::host_params(2);
    params.memory.trace_segments = 64;
    server_id = world.add_host("server", params);
    world.set_links({.delay = 1ms});
    server_handler.speaks = true;
    EXPECT_EQ(
        server().listen({.local = {IpAddress::v4(0, 0, 0, 0), 80}, .backlog = 16}, server_handler, "greeter"),
        app::OpenError::None);
  }
  Shard& client() { return world.shard(client_id); }
  Shard& server() { return world.shard(server_id); }
  app::OpenError connect(uint16_t port = 80, std::optional<uint16_t> from = std::nullopt) {
    return connect({.remote = {sim::host_address(2, Family::V4), port}, .local_address = {}, .local_port = from});
  }
  app::OpenError connect_with_data(uint16_t port) {
    return connect({.remote = {sim::host_address(2, Family::V4), port},
                    .local_address = {},
                    .local_port = {},
                    .data = Greeter::kHello,
                    .fast_open = true});
  }
  app::OpenError connect(const app::ConnectOptions& options) {
    app::OpenError error{};
    world.at(client_id, world.now(),
             [this, &options, &error] { error = client().connect(options, client_handler).error; });
    world.run_for(50ms);
    return error;
  }

  sim::World world{1};
  sim::HostId client_id = 0, server_id = 0;
  Greeter client_handler, server_handler;
};

TEST_F(ShardTest, Trace_ShowsEverySegmentOnceWithTheStates) {
  connect();
  client_handler.open.at(0)->close();
  world.run_for(100ms);
  std::vector<std::string> seen;
  for (const TraceRow& row : server().trace(100))
    seen.push_back(std::string(row.sent ? "sent " : "got ") + std::to_string(row.segment.flags.bits()) + ' ' +
                   std::string(tcp::name_of(row.after)));
  EXPECT_EQ(seen, (std::vector<std::string>{"got 2 SYN-RECEIVED", "sent 18 SYN-RECEIVED",
                                            "got 16 ESTABLISHED", "sent 24 ESTABLISHED", "got 16 ESTABLISHED",
                                            "got 17 CLOSE-WAIT", "sent 17 LAST-ACK", "got 16 CLOSED"}));
  EXPECT_EQ(server().trace(3).size(), 3U);
}

TEST_F(ShardTest, Connections_ArePagedWithoutLossOrRepetition) {
  for (int i = 0; i < 10; ++i) connect();
  std::vector<uint64_t> ids;
  uint64_t cursor = 0;
  do {
    std::vector<ConnectionRow> rows;
    cursor = server().copy_connections(cursor, 3, rows);
    EXPECT_LE(rows.size(), 3U);
    for (const ConnectionRow& row : rows) {
      ids.push_back(row.id);
      EXPECT_EQ(row.service, "greeter");
      EXPECT_EQ(row.state, tcp::State::Established);
      EXPECT_EQ(row.bytes_sent, 5U);
    }
  } while (cursor != 0);
  EXPECT_EQ(ids.size(), 10U);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

TEST_F(ShardTest, Drain_ClosesWhatIsIdleAndRefusesWhatIsNew) {
  connect();
  server().drain(world.now());
  EXPECT_TRUE(world.run_until([this] { return server().connections() == 0; }, 5s));
  EXPECT_EQ(server_handler.ended, std::vector{app::CloseReason::Finished});
  connect();
  EXPECT_EQ(client_handler.ended.back(), app::CloseReason::Refused);
}

TEST_F(ShardTest, AbortAll_ResetsEveryPeer) {
  connect();
  connect();
  world.at(server_id, world.now(), [this] { server().abort_all(world.now()); });
  world.run_for(100ms);
  EXPECT_EQ(server().connections(), 0U);
  EXPECT_EQ(client_handler.ended, (std::vector{app::CloseReason::Reset, app::CloseReason::Reset}));
}

TEST_F(ShardTest, Listen_SaysWhatIsWrongWithTheAddress) {
  Greeter handler;
  const auto listen = [&](const IpAddress& address, uint16_t port) {
    return server().listen({.local = {address, port}, .backlog = 1}, handler, "x");
  };
  EXPECT_EQ(listen(IpAddress::v4(0, 0, 0, 0), 80), app::OpenError::AddressInUse);
  EXPECT_EQ(listen(IpAddress::v4(0, 0, 0, 0), 0), app::OpenError::BadAddress);
  EXPECT_EQ(listen(IpAddress::v4(10, 9, 9, 9), 81), app::OpenError::AddressNotOurs);
  EXPECT_EQ(listen(IpAddress::v4(224, 0, 0, 1), 81), app::OpenError::BadAddress);
}

TEST_F(ShardTest, Connect_SaysWhatIsWrong) {
  EXPECT_EQ(connect(80, uint16_t{5000}), app::OpenError::None);
  EXPECT_EQ(connect(80, uint16_t{5000}), app::OpenError::AddressInUse);
  EXPECT_EQ(connect(0), app::OpenError::BadAddress);
}

Distribution spread(const Histogram& histogram) {
  Distribution all;
  all.add(histogram);
  return all;
}
// What a value reads as.
uint64_t bound(uint64_t value) { return Histogram::bound_of(Histogram::bucket_of(value)); }

// There and back takes 2 ms; the first handshake waits for the server's link address too.
TEST_F(ShardTest, Histograms_AreOfTheLinksRoundTrip) {
  for (int i = 0; i < 4; ++i) connect();
  for (Shard* shard : {&client(), &server()}) {
    const Distribution handshakes = spread(shard->counters().tcp_handshake_time);
    EXPECT_EQ(handshakes.count, 4U);
    EXPECT_EQ(handshakes.percentile(0.5), bound(2000));
  }
  const Distribution rtt = spread(server().counters().tcp_rtt);
  EXPECT_EQ(rtt.count, 8U);  // of each the SYN-ACK and the greeting
  EXPECT_EQ(rtt.percentile(0.5), bound(2000));
  const Distribution bursts = spread(server().counters().rx_burst);
  EXPECT_EQ(bursts.sum, server().counters().rx_packets.value());
  EXPECT_GT(bursts.count, 8U);
}

// The SYN-ACK is lost: the server's time-out of 300 ms brings it again.
TEST_F(ShardTest, Histograms_OfHandshakes_HaveTheTimeOutsIn) {
  connect();
  TcpParams tcp = sim::host_params(2).tcp;
  tcp.rto_initial = 300ms;
  server().set_tcp_params(tcp);
  sim::Link& back = world.link(server_id, client_id);
  back.set_params({.delay = 1ms, .faults = {.loss_ppm = 1'000'000}});
  connect();
  back.set_params({.delay = 1ms});
  world.run_for(2s);
  for (Shard* shard : {&client(), &server()}) {
    const Distribution handshakes = spread(shard->counters().tcp_handshake_time);
    EXPECT_EQ(handshakes.count, 2U);
    EXPECT_EQ(handshakes.percentile(1), bound(302'000));
  }
}

// The first asks for the cookie that the others have data in their SYNs with; the server speaks before the
// handshake ends.
TEST_F(ShardTest, Histograms_OfHandshakes_HaveFastOpenIn) {
  server().set_fast_open_pending({IpAddress::v4(0, 0, 0, 0), 80}, 8);
  for (int i = 0; i < 4; ++i)
    connect_with_data(80);
  EXPECT_EQ(server().counters().tcp_fast_open_syn_data_accepted.value(), 3U);
  for (Shard* shard : {&client(), &server()}) {
    const Distribution handshakes = spread(shard->counters().tcp_handshake_time);
    EXPECT_EQ(handshakes.count, 4U);
    EXPECT_EQ(handshakes.percentile(0.5), bound(2000));
  }
}

TEST_F(ShardTest, Gauges_CountWhatIsOpen) {
  connect();
  EXPECT_EQ(server().counters().established_connections.value(), 1U);
  client_handler.open.at(0)->close();
  world.run_for(100ms);
  EXPECT_EQ(server().counters().established_connections.value(), 0U);
  EXPECT_EQ(client().counters().time_wait_records.value(), 1U);
  world.run_for(61s);
  EXPECT_EQ(client().usage().time_wait_records, 0U);
}

// ---- what is counted by service

class ServiceTest : public ShardTest {
 protected:
  ServiceTest() {
    for (const uint16_t port : {7, 8})
      EXPECT_EQ(server().listen({.local = {IpAddress::v4(0, 0, 0, 0), port}, .backlog = 1}, silent, "silent"),
                app::OpenError::None);
  }
  const ServiceCounters& of(Shard& shard, std::string_view name) {
    return shard.counters().services[shard.counters().services.number_of(name)];
  }
  static void expect_sums(const Counters& counters) {
    uint64_t received = 0, sent = 0, again = 0, closed = 0;
    for (size_t i = 0; i < counters.services.size(); ++i) {
      const ServiceCounters& service = counters.services[i];
      received += service.bytes_received.value();
      sent += service.bytes_sent.value();
      again += service.retransmitted_segments.value();
      closed += service.closed.value();
      EXPECT_EQ(service.accepted.value(), service.closed.value() + service.connections.value());
    }
    EXPECT_EQ(received, counters.tcp_bytes_received.value());
    EXPECT_EQ(sent, counters.tcp_bytes_sent.value());
    EXPECT_EQ(again, counters.tcp_retransmitted_segments.value());
    EXPECT_EQ(closed, counters.tcp_closed.value());
  }
  Greeter silent;
};

// Two listeners of one name are one service; what we open ourselves is nobody's.
TEST_F(ServiceTest, Services_CountTheirConnectionsAndOctets) {
  connect();
  connect();
  connect(7);
  connect(8);
  const ServiceCounters &greeter = of(server(), "greeter"), &quiet = of(server(), "silent");
  EXPECT_EQ(greeter.accepted.value(), 2U);
  EXPECT_EQ(greeter.bytes_sent.value(), 10U);
  EXPECT_EQ(quiet.accepted.value(), 2U);
  EXPECT_EQ(quiet.connections.value(), 2U);
  EXPECT_EQ(quiet.bytes_sent.value(), 0U);
  const ServiceCounters& ours = of(client(), "");
  EXPECT_EQ(ours.accepted.value(), 4U);
  EXPECT_EQ(ours.bytes_received.value(), 10U);
  client_handler.open.at(2)->send(Greeter::kHello);
  world.run_for(100ms);
  EXPECT_EQ(quiet.bytes_received.value(), 5U);
  client_handler.open.at(0)->close();
  world.run_for(100ms);
  EXPECT_EQ(greeter.closed.value(), 1U);
  EXPECT_EQ(greeter.connections.value(), 1U);
  EXPECT_EQ(greeter.reset_by_peer.value() + greeter.reset_by_us.value() + greeter.timed_out.value(), 0U);
  EXPECT_EQ(ours.connections.value(), 3U) << "one is in TIME-WAIT";
  for (Shard* shard : {&client(), &server()}) expect_sums(shard->counters());
}

TEST_F(ServiceTest, Services_TellHowConnectionsEnd) {
  connect();
  connect();
  connect();
  client_handler.open.at(0)->abort();
  world.at(server_id, world.now(), [this] { server_handler.open.at(1)->abort(); });
  world.run_for(100ms);
  world.link(client_id, server_id).set_params({.delay = 1ms, .faults = {.loss_ppm = 1'000'000}});
  world.at(server_id, world.now(), [this] { server_handler.open.at(0)->send(Greeter::kHello); });
  world.run_for(3000s);
  const ServiceCounters& greeter = of(server(), "greeter");
  EXPECT_EQ(greeter.reset_by_peer.value(), 1U);
  EXPECT_EQ(greeter.reset_by_us.value(), 1U);
  EXPECT_EQ(greeter.timed_out.value(), 1U);
  EXPECT_EQ(greeter.closed.value(), 3U);
  EXPECT_GT(greeter.retransmitted_segments.value(), 0U);
  EXPECT_EQ(connect(9), app::OpenError::None);
  for (Shard* shard : {&client(), &server()}) expect_sums(shard->counters());
}

TEST_F(ServiceTest, Services_CountWhatTheyHaveNoRoomFor) {
  connect();
  TcpParams tcp = sim::host_params(2).tcp;
  tcp.syn_cookies = SynCookies::Never;
  server().set_tcp_params(tcp);
  world.link(server_id, client_id).set_params({.delay = 1ms, .faults = {.loss_ppm = 1'000'000}});
  connect(7);
  EXPECT_EQ(of(server(), "silent").half_open.value(), 1U);
  connect(7);
  connect(8);
  EXPECT_EQ(of(server(), "silent").half_open.value(), 2U) << "of both listeners";
  EXPECT_EQ(of(server(), "silent").syn_queue_overflows.value(), 1U);
  EXPECT_EQ(of(server(), "greeter").syn_queue_overflows.value(), 0U);
  EXPECT_TRUE(server().stop_listening({IpAddress::v4(0, 0, 0, 0), 7}));
  EXPECT_EQ(of(server(), "silent").half_open.value(), 1U);
  EXPECT_EQ(of(server(), "silent").syn_queue_overflows.value(), 1U) << "what was counted stays";
}

// Octets of a SYN are counted once, by both ends.
TEST_F(ServiceTest, Services_CountTheOctetsOfFastOpen) {
  server().set_fast_open_pending({IpAddress::v4(0, 0, 0, 0), 7}, 8);
  for (int i = 0; i < 2; ++i)
    connect_with_data(7);
  EXPECT_EQ(server().counters().tcp_fast_open_syn_data_accepted.value(), 1U);
  EXPECT_EQ(of(server(), "silent").bytes_received.value(), 10U);
  EXPECT_EQ(of(client(), "").bytes_sent.value(), 10U);
  for (Shard* shard : {&client(), &server()}) expect_sums(shard->counters());
}

// A program that wants to be called every 10 ms.
class Ticker final : public app::Program {
 public:
  void run(app::Stack& stack, Instant now) override {
    EXPECT_EQ(stack.now(), now);
    if (now < next) return;
    ticks.push_back(now);
    next = ticks.size() == 5 ? kNever : now + 10ms;
  }
  Instant next_call() const override { return next; }
  Instant next{};
  std::vector<Instant> ticks;
};

TEST_F(ShardTest, ProgramWithDeadlines_IsCalledAtThemAndNoLonger) {
  Ticker ticker;
  world.run_for(1s);
  const Instant start = world.now();
  client().add_program(ticker);
  world.run_for(1s);
  ASSERT_EQ(ticker.ticks.size(), 5U);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(ticker.ticks[i], start + static_cast<int64_t>(i) * 10ms);
  EXPECT_GT(client().next_deadline(), world.now());
}

TEST_F(ShardTest, PortsToUse_AreThoseOfActiveOpens) {
  SeededEntropy entropy(3);
  client().use_ports({.first = 2000, .last = 2001}, entropy);
  EXPECT_EQ(connect(), app::OpenError::None);
  EXPECT_EQ(connect(), app::OpenError::None);
  EXPECT_EQ(connect(), app::OpenError::NoPorts);
  for (const app::Connection* connection : client_handler.open) {
    EXPECT_GE(connection->local().port, 2000);
    EXPECT_LE(connection->local().port, 2001);
  }
}

}  // namespace
}  // namespace millrace::shard

// Every service over real connections: two whole shards, one simulated link, IPv4 and IPv6. Each test ends
// with nothing left: no connection, no buffer, no packet.
#include <gtest/gtest.h>

#include <string>

#include "services/chargen.h"
#include "services/http.h"
#include "services/registry.h"
#include "services/rpc_format.h"
#include "sim/world.h"

namespace millrace::services {
namespace {

using sim::host_address;
using sim::host_params;

// Sends `output`, then shuts down if told to; reads while `reading` is set; closes after the peer's FIN.
class Client final : public app::Handler {
 public:
  std::string output;
  bool half_close = false;
  bool reading = true;
  bool stubborn = false;  // talks on after the peer's FIN
  std::string input;
  bool peer_finished = false;
  std::optional<app::CloseReason> closed;
  app::Connection* connection = nullptr;

  void send_more(std::string_view octets) {
    output += octets;
    on_writable(*connection);
  }
  void read_on() {
    reading = true;
    on_readable(*connection);
  }

  void on_established(app::Connection& c) override {
    connection = &c;
    on_writable(c);
  }
  void on_writable(app::Connection& c) override {
    const auto* octets = reinterpret_cast<const uint8_t*>(output.data());
    sent_ += c.send({octets + sent_, output.size() - sent_});
    if (sent_ == output.size() && half_close) c.shutdown();
  }
  void on_readable(app::Connection& c) override {
    for (auto run = c.readable(); reading && !run.empty(); run = c.readable()) {
      input.append(run.begin(), run.end());
      c.consume(static_cast<uint32_t>(run.size()));
    }
  }
  void on_peer_finished(app::Connection& c) override {
    peer_finished = true;
    if (!stubborn) c.close();
  }
  void on_closed(app::Connection&, app::CloseReason reason) override {
    closed = reason;
    connection = nullptr;
  }

 private:
  size_t sent_ = 0;
};

class ServiceEndpoint : public testing::TestWithParam<Family> {
 protected:
  void TearDown() override {
    world_.run_for(300s);  // TIME-WAIT and all
    for (const sim::HostId host : {left_, right_}) {
      const auto usage = world_.shard(host).usage();
      EXPECT_EQ(usage.connections + usage.syn_records + usage.time_wait_records + usage.timers, 0U) << host;
      EXPECT_EQ(usage.buffer_bytes, 0U) << host;
      EXPECT_EQ(world_.outstanding_packets(host), 0U) << host;
    }
  }

  void serve(app::Handler& service) {
    ASSERT_EQ(world_.shard(right_).listen({.local = server_}, service, "service"), app::OpenError::None);
  }
  void serve(std::string_view kind) {
    auto made = make_service({.kind = std::string(kind), .name = "", .directory = ""});
    ASSERT_TRUE(made) << made.error();
    service_ = std::move(*made);
    if (app::Program* program = service_->program()) world_.shard(right_).add_program(*program);
    serve(*service_);
    ServiceTable& table = world_.shard(right_).counters().services;
    service_->count_requests(table[table.number_of("service")].requests);
  }
  uint64_t requests() { return world_.shard(right_).counters().services[1].requests.value(); }
  void connect(Client& client) {
    world_.in(left_, 0us, [this, &client] {
      ASSERT_EQ(world_.shard(left_)
                    .connect({.remote = server_, .local_address = {}, .local_port = {}}, client)
                    .error,
                app::OpenError::None);
    });
  }
  void until_closed(Client& client) {
    EXPECT_TRUE(world_.run_until([&] { return client.closed.has_value(); }, 120s));
    EXPECT_EQ(client.closed, app::CloseReason::Finished);
  }
  template <typename Action>
  void act(Action action) {
    world_.in(left_, 0us, action);
    world_.run_for(5s);
  }

  std::unique_ptr<Service> service_;
  Client client_;
  sim::World world_{7};
  sim::HostId left_ = world_.add_host("client", host_params(1));
  sim::HostId right_ = world_.add_host("server", host_params(2));
  Endpoint server_{host_address(2, GetParam()), 80};
};

INSTANTIATE_TEST_SUITE_P(Families, ServiceEndpoint, testing::Values(Family::V4, Family::V6),
                         [](const auto& family) { return family.param == Family::V4 ? "v4" : "v6"; });

std::string pattern_of(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

TEST_P(ServiceEndpoint, Echo_ReturnsEverythingThenFinishes) {
  serve("echo");
  client_.output = pattern_of(2'000'000);
  client_.half_close = true;
  connect(client_);
  until_closed(client_);
  EXPECT_EQ(client_.input, client_.output);
}

TEST_P(ServiceEndpoint, EchoToAPeerThatDoesNotRead_StopsReading) {
  serve("echo");
  client_.output = pattern_of(5'000'000);
  client_.half_close = true;
  client_.reading = false;
  connect(client_);
  world_.run_for(20s);
  const TcpParams defaults;
  // Charged at true size, and both have grown while the peer was reading: but no end of it would be 5 MB.
  EXPECT_LE(world_.shard(right_).usage().buffer_bytes, 3 * (defaults.receive_buffer + defaults.send_buffer));
  act([this] { client_.read_on(); });
  until_closed(client_);
  EXPECT_EQ(client_.input, client_.output);
}

TEST_P(ServiceEndpoint, Discard_TakesEverythingAndSaysNothing) {
  serve("discard");
  client_.output = pattern_of(2'000'000);
  client_.half_close = true;
  connect(client_);
  until_closed(client_);
  EXPECT_EQ(client_.input, "");
}

TEST_P(ServiceEndpoint, Chargen_SendsThePatternUntilThePeerCloses) {
  serve("chargen");
  client_.output = "ignored";
  client_.reading = false;
  connect(client_);
  world_.run_for(5s);
  act([this] { client_.read_on(); });
  act([this] { client_.connection->shutdown(); });
  until_closed(client_);
  ASSERT_GT(client_.input.size(), 1'000'000U);
  const auto pattern = Chargen::pattern();
  for (size_t i = 0; i < client_.input.size(); ++i)
    ASSERT_EQ(static_cast<uint8_t>(client_.input[i]), pattern[i % pattern.size()]) << i;
}

TEST(ChargenPattern, IsThatOfRfc864) {
  const auto octets = Chargen::pattern();
  const std::string text(octets.begin(), octets.end());
  EXPECT_TRUE(
      text.starts_with(" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n!\"#"));
  EXPECT_EQ(text.substr(text.size() - 74), "~ " + text.substr(1, 70) + "\r\n");
}

// ---- rpc
// -----------------------------------------------------------------------------------------------------

std::string rpc_request(const RpcHeader& header, size_t length) {
  std::string text(std::max<size_t>(length, kRpcHeaderBytes), 'q');
  write_rpc_header(reinterpret_cast<uint8_t*>(text.data()), header);
  return text;
}
std::string rpc_request(uint32_t length, uint32_t response, uint32_t work = 0, uint32_t id = 0) {
  return rpc_request({.length = length, .other_length = response, .work = work, .id = id}, length);
}
RpcHeader header_at(const std::string& text, size_t at) {
  return read_rpc_header(reinterpret_cast<const uint8_t*>(text.data()) + at);
}

TEST_P(ServiceEndpoint, Rpc_AnswersWithTheLengthTheIdAndTheWork) {
  serve("rpc");
  client_.output =
      rpc_request(16, 16, 0, 1) + rpc_request(100, 20'000, 500, 2) + rpc_request(70'000, 17, 3, 3);
  client_.half_close = true;
  connect(client_);
  until_closed(client_);
  ASSERT_EQ(client_.input.size(), 16U + 20'000 + 17);
  const RpcHeader second = header_at(client_.input, 16);
  EXPECT_EQ(header_at(client_.input, 0).id, 1U);
  EXPECT_EQ(second.id, 2U);
  EXPECT_EQ(second.length, 20'000U);
  EXPECT_EQ(second.other_length, 100U);
  EXPECT_EQ(second.work, rpc_work(2, 500));
  EXPECT_EQ(header_at(client_.input, 20'016).id, 3U);
  EXPECT_EQ(requests(), 3U);
}

TEST_P(ServiceEndpoint, RpcInPieces_IsAnsweredOnceItIsWhole) {
  serve("rpc");
  connect(client_);
  world_.run_for(1s);
  const std::string request = rpc_request(30, 40, 0, 9);
  for (size_t i = 0; i < request.size(); ++i) {
    EXPECT_EQ(client_.input.size(), 0U) << i;
    act([&] { client_.send_more(request.substr(i, 1)); });
  }
  EXPECT_EQ(client_.input.size(), 40U);
  act([this] { client_.connection->shutdown(); });
  until_closed(client_);
}

TEST_P(ServiceEndpoint, RpcToAPeerThatDoesNotRead_StopsAnswering) {
  serve("rpc");
  for (int i = 0; i < 100; ++i) client_.output += rpc_request(16, 1'000'000);
  client_.half_close = true;
  client_.reading = false;
  connect(client_);
  world_.run_for(10s);
  const TcpParams defaults;
  EXPECT_LE(world_.shard(right_).usage().buffer_bytes, 2 * (defaults.send_buffer + defaults.receive_buffer));
  act([this] { client_.read_on(); });
  until_closed(client_);
  EXPECT_EQ(client_.input.size(), 100'000'000U);
}

// A thousand requests with the most work would keep the lcore for half a minute if they were done in one go.
TEST_P(ServiceEndpoint, RpcWithTooMuchWorkForAnIteration_LetsOthersIn) {
  serve("rpc");
  for (uint32_t i = 0; i < 50; ++i) client_.output += rpc_request(16, 16, kRpcWorkRounds, i);
  client_.half_close = true;
  Client modest;
  modest.output = rpc_request(16, 16);
  modest.half_close = true;
  connect(client_);
  connect(modest);
  EXPECT_TRUE(world_.run_until([&] { return modest.input.size() == 16; }, 10s));
  EXPECT_LT(client_.input.size(), 50U * 16) << "they were done in one iteration";
  until_closed(client_);
  until_closed(modest);
  ASSERT_EQ(client_.input.size(), 50U * 16);
  for (uint32_t i = 0; i < 50; ++i) EXPECT_EQ(header_at(client_.input, i * 16).id, i);
}

TEST_P(ServiceEndpoint, RpcClientThatVanishesWhileItsWorkWaits_LeavesNothing) {
  serve("rpc");
  for (uint32_t i = 0; i < 50; ++i) client_.output += rpc_request(16, 16, kRpcWorkRounds, i);
  connect(client_);
  EXPECT_TRUE(world_.run_until([&] { return client_.input.size() >= 16; }, 10s));
  world_.in(left_, 0us, [this] { client_.connection->abort(); });
  EXPECT_TRUE(world_.run_until([&] { return client_.closed.has_value(); }, 10s));
}

TEST_P(ServiceEndpoint, RpcOutOfBounds_IsReset) {
  serve("rpc");
  constexpr uint32_t kMost = kRpcMessageBytes;
  for (const RpcHeader& hostile :
       {RpcHeader{.length = 0}, RpcHeader{.length = 15}, RpcHeader{.length = kMost + 1},
        RpcHeader{.length = ~0U}, RpcHeader{.other_length = 0}, RpcHeader{.other_length = 15},
        RpcHeader{.other_length = kMost + 1}, RpcHeader{.other_length = ~0U},
        RpcHeader{.work = kRpcWorkRounds + 1}, RpcHeader{.work = ~0U}}) {
    Client client;
    client.output = rpc_request(16, 16) + rpc_request(hostile, 16);
    connect(client);
    EXPECT_TRUE(world_.run_until([&] { return client.closed.has_value(); }, 120s));
    EXPECT_EQ(client.closed, app::CloseReason::Reset);
  }
}

// ---- http
// ----------------------------------------------------------------------------------------------------

const std::string kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kLast = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

size_t count_of(std::string_view text, std::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST_P(ServiceEndpoint, HttpKeepAlive_ServesAgainAndHoldsNothingWhileIdle) {
  serve("http");
  client_.output = kGet;
  connect(client_);
  world_.run_for(5s);
  EXPECT_EQ(count_of(client_.input, "HTTP/1.1 200 OK"), 1U);
  EXPECT_FALSE(client_.peer_finished);
  EXPECT_EQ(world_.shard(right_).usage().buffer_bytes, 0U);
  act([this] { client_.send_more("GET / HT"); });
  act([this] { client_.send_more("TP/1.1\r\nHost: x\r\n\r"); });
  act([this] { client_.send_more("\n" + kGet); });
  EXPECT_EQ(count_of(client_.input, "HTTP/1.1 200 OK"), 3U);
  act([this] { client_.send_more(kLast); });
  EXPECT_EQ(count_of(client_.input, "HTTP/1.1 200 OK"), 4U);
  until_closed(client_);
}

TEST_P(ServiceEndpoint, HttpHalfClosedClient_GetsItsAnswer) {
  serve("http");
  client_.output = kGet;
  client_.half_close = true;
  connect(client_);
  until_closed(client_);
  EXPECT_EQ(count_of(client_.input, "HTTP/1.1 200 OK"), 1U);
  EXPECT_TRUE(client_.input.ends_with("</html>\n"));
}

TEST_P(ServiceEndpoint, HttpLargeFile_ComesWholeToASlowReader) {
  auto site = std::make_shared<HttpSite>();
  site->add("/big", pattern_of(3'000'000), "");
  Http http(site);
  serve(http);
  client_.output = "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /big HTTP/1.0\r\n\r\n";
  client_.reading = false;
  connect(client_);
  world_.run_for(10s);
  const TcpParams defaults;
  EXPECT_LE(world_.shard(right_).usage().buffer_bytes, 2 * defaults.send_buffer);
  act([this] { client_.read_on(); });
  until_closed(client_);
  ASSERT_GT(client_.input.size(), 6'000'000U);
  EXPECT_TRUE(client_.input.ends_with(pattern_of(3'000'000)));
}

TEST_P(ServiceEndpoint, HttpDeepPipeline_IsAnsweredInOrder) {
  serve("http");
  for (int i = 0; i < 20'000; ++i)
    client_.output += i % 2 == 0 ? kGet : "GET /no HTTP/1.1\r\nHost: x\r\n\r\n";
  client_.half_close = true;
  client_.reading = false;
  connect(client_);
  world_.run_for(10s);
  act([this] { client_.read_on(); });
  until_closed(client_);
  EXPECT_EQ(count_of(client_.input, "HTTP/1.1 200 OK"), 10'000U);
  EXPECT_EQ(count_of(client_.input, "HTTP/1.1 404 Not Found"), 10'000U);
  EXPECT_EQ(requests(), 20'000U);
}

TEST_P(ServiceEndpoint, HttpGarbage_IsRefusedAndTheAnswerSurvives) {
  serve("http");
  client_.output = "nonsense\r\n" + std::string(200'000, 'x');
  connect(client_);
  until_closed(client_);
  EXPECT_TRUE(client_.input.starts_with("HTTP/1.1 400 Bad Request")) << client_.input;
  EXPECT_EQ(requests(), 1U);
}

TEST_P(ServiceEndpoint, HttpClientThatNeverStops_IsReset) {
  serve("http");
  client_.output = "nonsense\r\n" + std::string(3'000'000, 'x');
  client_.stubborn = true;
  connect(client_);
  EXPECT_TRUE(world_.run_until([&] { return client_.closed.has_value(); }, 120s));
  EXPECT_EQ(client_.closed, app::CloseReason::Reset);
}

TEST_P(ServiceEndpoint, HttpClientThatVanishes_LeavesNothing) {
  Http http(HttpSite::built_in());
  serve(http);
  client_.output = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
  connect(client_);
  world_.run_for(5s);
  EXPECT_EQ(http.server().held_bytes(), client_.output.size());
  act([this] { client_.connection->abort(); });
  EXPECT_EQ(http.server().held_bytes(), 0U);
  EXPECT_EQ(world_.shard(right_).usage().connections, 0U);
}

}  // namespace
}  // namespace millrace::services

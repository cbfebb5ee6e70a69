// The metrics over HTTP, served by the control thread: good requests, bad ones, and clients that hold what
// they can.
#include "control/metrics/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "control/socket/server.h"
#include "fake_endpoint.h"
#include "raw_client.h"

namespace millrace::control {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// A socket of this process's on a free port of 127.0.0.1.
struct TcpSocket {
  TcpSocket() : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in any = loopback(0);
    socklen_t size = sizeof any;
    bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any);
    listen(fd, 1);
    getsockname(fd, reinterpret_cast<sockaddr*>(&any), &size);
    port = ntohs(any.sin_port);
  }
  ~TcpSocket() { close(fd); }
  int fd;
  uint16_t port = 0;
};

constexpr const char* kGet = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

class MetricsServerTest : public ::testing::Test {
 protected:
  MetricsServerTest() {
    params.place = place;
    params.clients = 4;
  }
  ~MetricsServerTest() override {
    if (server) server->stop();
  }
  void start() {
    metrics.emplace(endpoint, params);
    ASSERT_EQ(metrics->start(), std::nullopt);
    ASSERT_TRUE(metrics->serving());
    server.emplace(endpoint,
                   ServerParams{.path = control, .mode = 0600, .group = {}, .limits = {}, .log = {}});
    server->attend(*metrics);
    ASSERT_EQ(server->start(), std::nullopt);
  }
  // All that comes until the endpoint closes; `ended` says whether it did.
  std::string ask(const std::string& request) {
    test::RawClient client(place);
    client.send(request);
    std::string all;
    while (auto line = client.line()) all += *line + '\n';
    ended = client.closed_by_endpoint();
    return all;
  }

  test::TemporaryDirectory directory;
  const std::string control = directory.file("control.sock");
  const std::string place = directory.file("metrics.sock");
  test::FakeEndpoint endpoint{2};
  MetricsParams params;
  std::optional<MetricsServer> metrics;
  std::optional<Server> server;
  bool ended = false;
};

TEST_F(MetricsServerTest, Get_BringsThePageAndClosing) {
  start();
  const std::string got = ask(kGet);
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(got,
              HasSubstr("\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
  EXPECT_TRUE(got.ends_with("# EOF\n"));
  const size_t body = got.find("\r\n\r\n") + 4;
  EXPECT_THAT(got, HasSubstr("Content-Length: " + std::to_string(got.size() - body) + "\r\n"));
  EXPECT_TRUE(ended);
}

TEST_F(MetricsServerTest, Head_BringsTheHeadAlone) {
  start();
  const std::string got = ask("HEAD /metrics HTTP/1.0\r\n\r\n");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(got.ends_with("\r\n\r\n"));
}

// RFC 9112 §3.2.1, §3.2.2: with a query, and as a proxy is asked.
TEST_F(MetricsServerTest, TargetForms_AreTheSamePage) {
  start();
  for (const char* target : {"/metrics", "/metrics?a=b", "http://x/metrics", "/%6detrics"})
    EXPECT_THAT(ask("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n"),
                StartsWith("HTTP/1.1 200 OK\r\n"))
        << target;
}

TEST_F(MetricsServerTest, OtherRequests_AreRefused) {
  start();
  const std::string rest = " HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_THAT(ask("GET /secrets" + rest), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask("GET /../metrics/.." + rest), StartsWith("HTTP/1.1 404"));
  const std::string posted = ask("POST /metrics" + rest);
  EXPECT_THAT(posted, StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(posted, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  EXPECT_THAT(ask("FROB /metrics" + rest), StartsWith("HTTP/1.1 501"));
  EXPECT_THAT(ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask("GET /metrics HTTP/2.0\r\n\r\n"), StartsWith("HTTP/1.1 505"));
}

// The refusal arrives although not all that was sent has been read.
TEST_F(MetricsServerTest, EndlessRequest_IsRefusedAndDropped) {
  start();
  EXPECT_THAT(ask("GET /metrics HTTP/1.1\r\nX: " + std::string(60'000, 'x')), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(ask("GET /" + std::string(60'000, 'x')), StartsWith("HTTP/1.1 4"));
}

TEST_F(MetricsServerTest, OctetByOctet_IsAnswered) {
  start();
  test::RawClient client(place);
  for (const char* at = kGet; *at != '\0'; ++at) client.send({at, 1});
  EXPECT_THAT(client.line().value_or(""), StartsWith("HTTP/1.1 200"));
}

// As many as there are places for say half a request and then nothing: the next one is served after a time.
TEST_F(MetricsServerTest, SilentClients_GiveWayWhenPlacesAreShort) {
  params.patience = 60s;
  params.when_crowded = 200ms;
  start();
  std::vector<std::unique_ptr<test::RawClient>> silent;
  for (int i = 0; i < 12; ++i) {
    silent.push_back(std::make_unique<test::RawClient>(place));
    silent.back()->send("GET /met");
  }
  EXPECT_THAT(ask(kGet), StartsWith("HTTP/1.1 200"));
}

TEST_F(MetricsServerTest, ClientThatNeverReads_IsDroppedInTime) {
  params.patience = 200ms;
  start();
  test::RawClient client(place);
  client.send(kGet);
  std::this_thread::sleep_for(400ms);
  EXPECT_TRUE(client.closed_by_endpoint());
  EXPECT_THAT(ask(kGet), StartsWith("HTTP/1.1 200"));
}

// To close with octets unread would send a RST (RFC 9112 §9.6), and what the client has not read yet would be
// lost with it.
TEST_F(MetricsServerTest, ClientThatSentMoreThanWasRead_GetsTheWholeResponseAndAnOrderlyEnd) {
  uint16_t port = 0;
  for (int tries = 0; tries < 10; ++tries) {
    port = TcpSocket().port;  // free until somebody else takes it
    params.place = "127.0.0.1:" + std::to_string(port);
    metrics.emplace(endpoint, params);
    if (!metrics->start()) break;
  }
  ASSERT_TRUE(metrics->serving());
  server.emplace(endpoint, ServerParams{.path = control, .mode = 0600, .group = {}, .limits = {}, .log = {}});
  server->attend(*metrics);
  ASSERT_EQ(server->start(), std::nullopt);

  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int room = 4096;  // much less than the page
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  const sockaddr_in address = loopback(port);
  ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const std::string request = kGet + std::string(60'000, 'x');
  ASSERT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  std::string got;
  std::array<char, 4096> chunk;
  ssize_t count = 0;
  while ((count = recv(fd, chunk.data(), chunk.size(), 0)) > 0) got.append(chunk.data(), static_cast<size_t>(count));
  EXPECT_EQ(count, 0) << "the end is a FIN, no RST";
  EXPECT_TRUE(got.ends_with("# EOF\n")) << got.size();
  close(fd);
}

// One that goes on sending after its response is not read for ever.
TEST_F(MetricsServerTest, ClientThatNeverCloses_IsDroppedInTime) {
  params.patience = 200ms;
  start();
  test::RawClient client(place);
  client.send(kGet);
  EXPECT_TRUE(client.closed_by_endpoint());
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (client.send("more") == 4 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(10ms);
  EXPECT_LT(std::chrono::steady_clock::now(), until);
}

// The control socket answers while clients of the metrics do their worst.
TEST_F(MetricsServerTest, HostileClients_DoNotHoldTheControlSocket) {
  start();
  std::vector<std::unique_ptr<test::RawClient>> hostile;
  for (int i = 0; i < 8; ++i) {
    hostile.push_back(std::make_unique<test::RawClient>(place));
    hostile.back()->send(i % 2 == 0 ? kGet : "GET /met");
  }
  test::RawClient client(control);
  const json reply = client.ask(R"({"id":1,"method":"version"})");
  EXPECT_TRUE(reply.contains("result")) << reply;
}

TEST_F(MetricsServerTest, Pages_AreSharedForAMoment) {
  params.freshness = 60s;
  start();
  const auto value = [](const std::string& page) {
    const size_t at = page.find("\nmillrace_rx_packets_total{shard=\"0\"} ");
    return page.substr(at, page.find('\n', at + 1) - at);
  };
  const std::string first = value(ask(kGet));
  endpoint.shard(0).shard.counters().rx_packets.add(5);
  EXPECT_EQ(value(ask(kGet)), first);
}

TEST_F(MetricsServerTest, SocketFile_HasItsModeAndGoesAtTheEnd) {
  params.mode = 0640;
  start();
  EXPECT_EQ(std::filesystem::status(place).permissions(), std::filesystem::perms(0640));
  server->stop();
  metrics->stop();
  metrics->stop();
  EXPECT_FALSE(std::filesystem::exists(place));
}

TEST_F(MetricsServerTest, WithoutAPlace_NothingIsServed) {
  params.place = "";
  MetricsServer none(endpoint, params);
  EXPECT_EQ(none.start(), std::nullopt);
  EXPECT_FALSE(none.serving());
}

TEST_F(MetricsServerTest, PortInUse_IsSaid) {
  const TcpSocket taken;
  params.place = "127.0.0.1:" + std::to_string(taken.port);
  MetricsServer refused(endpoint, params);
  EXPECT_THAT(refused.start().value_or(""),
              HasSubstr("Address already in use. Give control.metrics_listen another address or port."));
  EXPECT_FALSE(refused.serving());
}

TEST_F(MetricsServerTest, SocketOfAnotherEndpoint_StaysItsOwn) {
  start();
  MetricsServer second(endpoint, params);
  EXPECT_THAT(second.start().value_or(""), HasSubstr("give this one a metrics socket of its own"));
  EXPECT_THAT(ask(kGet), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace millrace::control

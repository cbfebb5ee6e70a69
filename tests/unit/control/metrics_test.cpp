// The page for Prometheus and the thread that hands it out.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>

#include <set>
#include <sstream>

#include "control/metrics/metrics_server.h"
#include "control/metrics/openmetrics.h"
#include "fake_endpoint.h"
#include "raw_client.h"

namespace millrace::control {
namespace {

using namespace std::chrono_literals;

TEST(OpenMetrics, EveryCounter_HasTypeUnitHelpAndASampleAShard) {
  test::FakeEndpoint endpoint(2);
  endpoint.shard(1).shard.counters().rx_packets.add(7);
  const std::string page = open_metrics(endpoint.counters(), endpoint.info());
  std::set<std::string> names;
  for (const CounterInfo& info : kCounterInfos) {
    const std::string name = family_name(info);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(name.ends_with(info.unit)) << name;
    for (const std::string& line : {"# TYPE " + name + (info.gauge ? " gauge" : " counter"),
                                    "# UNIT " + name + ' ' + std::string(info.unit),
                                    "# HELP " + name + ' ' + std::string(info.help),
                                    name + (info.gauge ? "" : "_total") + "{shard=\"1\"} "})
      EXPECT_NE(page.find('\n' + line), std::string::npos) << line;
  }
  EXPECT_NE(page.find("\nmillrace_rx_packets_total{shard=\"1\"} 7\n"), std::string::npos);
  EXPECT_NE(page.find("\nmillrace_dropped_packets_total{reason=\"tcp_paws\",shard=\"0\"} 0\n"),
            std::string::npos);
  EXPECT_NE(page.find("\nmillrace_port_link_up{port=\"p0\"} 1\n"), std::string::npos);
  EXPECT_NE(page.find("\nmillrace_uptime_seconds 75.000\n"), std::string::npos);
  EXPECT_TRUE(page.ends_with("# EOF\n"));
}

TEST(OpenMetrics, SamplesFollowTheirFamily) {
  test::FakeEndpoint endpoint(1);
  std::istringstream page(open_metrics(endpoint.counters(), endpoint.info()));
  std::set<std::string> seen;
  std::string family;
  for (std::string line; std::getline(page, line);) {
    if (line == "# EOF") continue;
    std::istringstream words(line);
    std::string first, second, third;
    words >> first >> second >> third;
    if (first == "#") {
      if (second == "TYPE") EXPECT_TRUE(seen.insert(third).second) << third << " is declared twice";
      family = third;
    } else {
      EXPECT_TRUE(line.starts_with(family)) << line;
    }
  }
}

class MetricsServerTest : public ::testing::Test {
 protected:
  void start(const std::string& place) {
    server.emplace(MetricsParams{.place = place,
                                 .page = [this] { return open_metrics(endpoint.counters(), endpoint.info()); },
                                 .patience = patience,
                                 .clients = 4});
    ASSERT_EQ(server->start(), std::nullopt);
  }
  std::string get(const std::string& request) {
    test::RawClient client(path);
    client.send(request);
    std::string all;
    while (auto line = client.line(3s)) all += *line + '\n';
    return all;
  }

  test::TemporaryDirectory directory;
  const std::string path = directory.file("metrics.sock");
  test::FakeEndpoint endpoint{1};
  std::chrono::milliseconds patience{5000};
  std::optional<MetricsServer> server;
};

TEST_F(MetricsServerTest, Get_BringsThePage) {
  start(path);
  const std::string got = get("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got.substr(0, 100);
  EXPECT_NE(got.find("application/openmetrics-text; version=1.0.0"), std::string::npos);
  EXPECT_TRUE(got.ends_with("# EOF\n"));
  EXPECT_EQ(get("HEAD /metrics HTTP/1.0\r\n\r\n").find("# EOF"), std::string::npos);
}

TEST_F(MetricsServerTest, OtherRequests_AreRefused) {
  start(path);
  EXPECT_TRUE(get("GET /secrets HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(get("POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
  EXPECT_TRUE(get("nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(get(std::string(20'000, 'x')).starts_with("HTTP/1.1 431"));
}

// As many as there are places for say half a request and then nothing: the next one is served after a time.
TEST_F(MetricsServerTest, SilentClients_AreDropped) {
  patience = 300ms;
  start(path);
  std::vector<std::unique_ptr<test::RawClient>> silent;
  for (int i = 0; i < 4; ++i) {
    silent.push_back(std::make_unique<test::RawClient>(path));
    silent.back()->send("GET /met");
  }
  EXPECT_TRUE(get("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(MetricsServerTest, OnLoopback_APortInUseIsSaid) {
  start("127.0.0.1:39464");
  MetricsServer second(MetricsParams{.place = "127.0.0.1:39464", .page = [] { return std::string(); }});
  const auto problem = second.start();
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->find("Give control.metrics another port."), std::string::npos) << *problem;
  server->stop();
  server->stop();
  EXPECT_EQ(MetricsServer(MetricsParams{}).start(), std::nullopt);
}

}  // namespace
}  // namespace millrace::control

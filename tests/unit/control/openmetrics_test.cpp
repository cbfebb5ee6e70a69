// The page for Prometheus: its syntax (OpenMetrics 1.0), and that everything counted is on it.
#include "control/metrics/openmetrics.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "fake_endpoint.h"

namespace millrace::control {
namespace {

using Counted = std::vector<const Counters*>;

TEST(OpenMetrics, EveryCounter_HasTypeUnitHelpAndASampleAShard) {
  test::FakeEndpoint endpoint(2);
  endpoint.shard(1).shard.counters().rx_packets.add(7);
  const std::string page = open_metrics(endpoint.counters(), endpoint.info());
  std::set<std::string> names;
  for (const CounterInfo& info : kCounterInfos) {
    const std::string name = family_name(info.name, info.unit);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(name.ends_with(info.unit)) << name;
    for (const std::string& line :
         {"# TYPE " + name + (info.gauge ? " gauge" : " counter"),
          "# UNIT " + name + ' ' + std::string(info.unit), "# HELP " + name + ' ' + std::string(info.help),
          name + (info.gauge ? "" : "_total") + "{shard=\"0\"} ",
          name + (info.gauge ? "" : "_total") + "{shard=\"1\"} "})
      EXPECT_NE(page.find('\n' + line), std::string::npos) << line;
  }
  EXPECT_NE(page.find("\nmillrace_rx_packets_total{shard=\"1\"} 7\n"), std::string::npos);
  EXPECT_NE(page.find("\nmillrace_port_link_up{port=\"p0\"} 1\n"), std::string::npos);
  EXPECT_NE(page.find("\nmillrace_uptime_seconds 75.000\n"), std::string::npos);
}

TEST(OpenMetrics, NameOfAFamily_EndsWithItsUnit) {
  EXPECT_EQ(family_name("rx_packets", "packets"), "millrace_rx_packets");
  EXPECT_EQ(family_name("connections", "connections"), "millrace_connections");
  EXPECT_EQ(family_name("tcp_closed", "connections"), "millrace_tcp_closed_connections");
  EXPECT_EQ(family_name("tcp_segments_sent", "segments"), "millrace_tcp_sent_segments");
}

TEST(OpenMetrics, EveryDropReason_HasASampleAShardAndItsMeaning) {
  test::FakeEndpoint endpoint(2);
  endpoint.shard(0).shard.counters().drop(DropReason::TcpPaws);
  const std::string page = open_metrics(endpoint.counters(), endpoint.info());
  for (const DropInfo& info : kDropInfos)
    for (const std::string& line :
         {"millrace_dropped_packets_total{reason=\"" + std::string(info.name) +
              "\",shard=\"1\",port=\"p0\"} 0\n",
          "millrace_drop_reason_info{reason=\"" + std::string(info.name) + "\",meaning=\""})
      EXPECT_NE(page.find('\n' + line), std::string::npos) << line;
  EXPECT_NE(page.find("\nmillrace_dropped_packets_total{reason=\"tcp_paws\",shard=\"0\",port=\"p0\"} 1\n"),
            std::string::npos);
}

TEST(OpenMetrics, EveryServiceAndPort_HasItsOwnSamples) {
  test::FakeEndpoint endpoint(2);
  for (unsigned i : {0U, 1U}) endpoint.shard(i).listen(80, "web");
  endpoint.shard(1).shard.counters().services[1].requests.add(3);
  const std::string page = open_metrics(endpoint.counters(), endpoint.info());
  EXPECT_NE(page.find("\nmillrace_service_requests_total{service=\"web\",shard=\"1\"} 3\n"), std::string::npos);
  EXPECT_EQ(page.find("service=\"\""), std::string::npos) << "nothing was opened by us";
  for (const ServiceCounterInfo& info : kServiceCounterInfos) {
    const std::string name = family_name("service_" + std::string(info.name), info.unit);
    for (const std::string& line : {"# TYPE " + name + (info.gauge ? " gauge" : " counter"),
                                    name + (info.gauge ? "" : "_total") + "{service=\"web\",shard=\"0\"} "})
      EXPECT_NE(page.find('\n' + line), std::string::npos) << line;
  }
  for (const PortCounterInfo& info : kPortCounterInfos) {
    const std::string name = family_name("port_" + std::string(info.name), info.unit);
    EXPECT_NE(page.find('\n' + name + "_total{port=\"p0\"} 0\n"), std::string::npos) << name;
  }
  endpoint.shard(0).connect(1);
  EXPECT_NE(open_metrics(endpoint.counters(), endpoint.info())
                .find("\nmillrace_service_accepted_connections_total{service=\"\",shard=\"0\"} 1\n"),
            std::string::npos);
}

// What the suffix of a sample may be, by its family's type (OpenMetrics 1.0, "Metric Types").
bool sample_fits(const std::string& sample, const std::string& family, const std::string& type) {
  if (type == "gauge") return sample == family;
  if (type == "counter") return sample == family + "_total";
  if (type == "info") return sample == family + "_info";
  if (type == "histogram")
    return sample == family + "_bucket" || sample == family + "_count" || sample == family + "_sum";
  return false;
}

TEST(OpenMetrics, SamplesFollowTheirFamily_AndThePageEndsWithEof) {
  test::FakeEndpoint endpoint(3);
  const std::string page = open_metrics(endpoint.counters(), endpoint.info());
  EXPECT_TRUE(page.ends_with("\n# EOF\n"));
  EXPECT_EQ(page.find("# EOF"), page.size() - 6);
  std::istringstream lines(page);
  std::set<std::string> families, series;
  std::string family, type, unit;
  for (std::string line; std::getline(lines, line) && line != "# EOF";) {
    std::istringstream words(line);
    std::string hash, kind, name, rest;
    words >> hash >> kind >> name >> rest;
    if (hash != "#") {
      const std::string sample = line.substr(0, line.find_first_of("{ "));
      EXPECT_TRUE(sample_fits(sample, family, type))
          << line << " is no sample of a " << type << ' ' << family;
      EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line << " stands there twice";
      continue;
    }
    if (kind == "TYPE") {
      EXPECT_TRUE(families.insert(name).second) << name << " is declared twice";
      family = name;
      type = rest;
    }
    EXPECT_EQ(name, family) << line;
    EXPECT_FALSE(rest.empty()) << line;
    EXPECT_TRUE(kind != "UNIT" || name.ends_with('_' + rest)) << line;
  }
}

TEST(OpenMetrics, Histograms_AreCumulativeAndInSeconds) {
  test::FakeEndpoint endpoint(2);
  Histogram& rtt = endpoint.shard(1).shard.counters().tcp_rtt;
  for (const uint64_t micros : {3, 4, 5, 1'000'000}) rtt.record(micros);
  rtt.record(uint64_t{1} << 40);
  endpoint.shard(1).shard.counters().rx_burst.record(32);
  const std::string page = open_metrics(endpoint.counters(), endpoint.info());
  for (const char* line :
       {"# TYPE millrace_tcp_rtt_seconds histogram", "# UNIT millrace_tcp_rtt_seconds seconds",
        "millrace_tcp_rtt_seconds_bucket{shard=\"0\",le=\"+Inf\"} 0",
        "millrace_tcp_rtt_seconds_bucket{shard=\"1\",le=\"2e-06\"} 0",
        "millrace_tcp_rtt_seconds_bucket{shard=\"1\",le=\"4e-06\"} 2",
        "millrace_tcp_rtt_seconds_bucket{shard=\"1\",le=\"8e-06\"} 3",
        "millrace_tcp_rtt_seconds_bucket{shard=\"1\",le=\"0.524288\"} 3",
        "millrace_tcp_rtt_seconds_bucket{shard=\"1\",le=\"1.048576\"} 4",
        "millrace_tcp_rtt_seconds_bucket{shard=\"1\",le=\"+Inf\"} 5",
        "millrace_tcp_rtt_seconds_count{shard=\"1\"} 5",
        "millrace_rx_burst_packets_bucket{shard=\"1\",le=\"16.0\"} 0",
        "millrace_rx_burst_packets_bucket{shard=\"1\",le=\"32.0\"} 1",
        "millrace_rx_burst_packets_sum{shard=\"1\"} 32.0"})
    EXPECT_NE(page.find('\n' + std::string(line) + '\n'), std::string::npos) << line;
}

TEST(OpenMetrics, NamesFromTheConfiguration_AreEscaped) {
  EndpointInfo info;
  info.ports.emplace_back().name = "a\"b\\c\nd";
  const std::string page = open_metrics(Counted{}, info);
  EXPECT_NE(page.find("millrace_port_link_up{port=\"a\\\"b\\\\c\\nd\"} 0\n"), std::string::npos);
}

}  // namespace
}  // namespace millrace::control

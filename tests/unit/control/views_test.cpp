// What people see, letter by letter.
#include "control/cli/views.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "control/cli/table.h"
#include "control/socket/rows.h"

namespace millrace::control::cli {
namespace {

json stats_reply(uint64_t at_us, uint64_t received, uint64_t dropped) {
  const json values{{"counters", {{"rx_packets", received}, {"tx_packets", 0}, {"novel_things", 3}}},
                    {"gauges", {{"connections", 2}}},
                    {"drops", {{"not_our_mac", dropped}, {"tcp_paws", 0}}}};
  json shard = values;
  shard["shard"] = 0;
  return {{"at_us", at_us}, {"total", values}, {"shards", {shard}}};
}

json connection_row() {
  shard::ConnectionRow row;
  row.id = 17;
  row.flow = {{IpAddress::v4(10, 0, 0, 2), 80}, {IpAddress::v4(10, 0, 0, 1), 43712}};
  row.state = tcp::State::Established;
  row.service = "web";
  row.age = 3500ms;
  row.send_queue_bytes = 1448;
  row.unacknowledged_bytes = 1448;
  row.cwnd_bytes = 14480;
  row.ssthresh_bytes = 1 << 30;
  row.send_window_bytes = 65535;
  row.receive_window_bytes = 262144;
  row.mss_bytes = 1448;
  row.srtt = 412us;
  row.rttvar = 100us;
  row.rto = 200ms;
  row.retransmits = 3;
  row.bytes_sent = 9000;
  row.bytes_received = 120;
  row.timestamps = true;
  row.send_scale = 7;
  row.receive_scale = 2;
  return as_json(0, row);
}

TEST(Views, Durations) {
  EXPECT_EQ(duration_text(0), "0us");
  EXPECT_EQ(duration_text(999), "999us");
  EXPECT_EQ(duration_text(4'200), "4.20ms");
  EXPECT_EQ(duration_text(3'599'000), "3.5s");
  EXPECT_EQ(duration_text(725'000'000), "12m05s");
  EXPECT_EQ(duration_text(11'220'000'000), "3h07m");
  EXPECT_EQ(duration_text(187'200'000'000), "2d04h");
  EXPECT_EQ(millis_text(412), "0.412");
  EXPECT_EQ(millis_text(200'000), "200");
  EXPECT_EQ(millis_text(1'500), "1.5");
}

TEST(Views, Table_AlignsByCharactersAndNotByOctets) {
  Table table({{"NAME", Align::Left}, {"N", Align::Right}});
  table.add({"é", "1"});
  table.add({"longer", "100"}, "below");
  EXPECT_EQ(table.text(), "NAME      N\né         1\nlonger  100\n    below\n");
}

TEST(Views, Stats_ShowWhatIsNotZero) {
  EXPECT_EQ(stats_text(stats_reply(0, 1200, 5), json(), {}),
            "COUNTER           TOTAL  UNIT\n"
            "rx_packets         1200  packets\n"
            "connections           2  connections\n"
            "drop not_our_mac      5  packets\n"
            "novel_things          3\n");
}

TEST(Views, Stats_All_ShowZerosToo) {
  const std::string text = stats_text(stats_reply(0, 0, 0), json(), {.all = true});
  EXPECT_NE(text.find("tx_packets"), std::string::npos);
  EXPECT_NE(text.find("drop tcp_paws"), std::string::npos);
}

TEST(Views, Stats_WithAnEarlierReply_HaveRates) {
  EXPECT_EQ(stats_text(stats_reply(2'500'000, 1200, 5), stats_reply(500'000, 200, 5), {}),
            "COUNTER           TOTAL  CHANGE  PER SECOND  UNIT\n"
            "rx_packets         1200   +1000       500.0  packets\n"
            "connections           2       0           -  connections\n"
            "drop not_our_mac      5       0           0  packets\n"
            "novel_things          3       0           0\n");
}

TEST(Views, Stats_OfARestartedEndpoint_HaveNoRate) {
  const std::string text = stats_text(stats_reply(2'500'000, 100, 0), stats_reply(500'000, 200, 0), {});
  EXPECT_NE(text.find("rx_packets      100       -           -  packets"), std::string::npos) << text;
}

TEST(Views, Stats_PerShard_HaveAColumnEach) {
  const std::string text = stats_text(stats_reply(0, 1200, 5), json(), {.per_shard = true});
  EXPECT_TRUE(
      text.starts_with("COUNTER           TOTAL  SHARD 0  UNIT\n"
                       "rx_packets         1200     1200  packets\n"))
      << text;
}

json with_services_and_ports(json reply, uint64_t sent, int64_t port_at_us, uint64_t received) {
  const auto service = [](const char* name, uint64_t octets, uint64_t open) {
    return json{{"service", name},
                {"counters", {{"bytes_sent", octets}, {"requests", 0}}},
                {"gauges", {{"connections", open}}}};
  };
  reply["services"] = {service("", 0, 0), service("web", sent, 3)};
  reply["ports"] = {{{"port", "p0"},
                     {"at_us", port_at_us},
                     {"counters", {{"rx_packets", received}}},
                     {"gauges", {{"link_up", 1}}},
                     {"drops", {{"no_route", 4}}}}};
  return reply;
}

const StatsBy* by(std::string_view name) {
  return std::ranges::find(kStatsBys, name, &StatsBy::name);
}

TEST(Views, Stats_ByServiceOrShard_HaveLinesForEach) {
  const json now = with_services_and_ports(stats_reply(2'500'000, 1200, 5), 900, 2'400'000, 70);
  EXPECT_EQ(stats_text(now, json(), {.by = by("service")}),
            "SERVICE  COUNTER      TOTAL  UNIT\n"
            "web      bytes_sent     900  bytes\n"
            "web      connections      3  connections\n");
  const json before = with_services_and_ports(stats_reply(500'000, 200, 5), 100, 400'000, 50);
  EXPECT_EQ(stats_text(now, before, {.by = by("service")}),
            "SERVICE  COUNTER      TOTAL  CHANGE  PER SECOND  UNIT\n"
            "web      bytes_sent     900    +800       400.0  bytes\n"
            "web      connections      3       0           -  connections\n");
  EXPECT_TRUE(stats_text(now, before, {.by = by("shard")})
                  .starts_with("SHARD  COUNTER           TOTAL  CHANGE  PER SECOND  UNIT\n"
                               "0      rx_packets         1200   +1000       500.0  packets\n"));
  EXPECT_NE(stats_text(now, before, {.all = true, .by = by("service")}).find("(opened by us)  bytes_sent"),
            std::string::npos);
}

// Ports are read about once a second, by themselves: rates are of the time between their readings.
TEST(Views, Stats_ByPort_HaveRatesOfTheirOwnTime) {
  const json now = with_services_and_ports(stats_reply(2'500'000, 0, 0), 0, 2'400'000, 70);
  EXPECT_EQ(stats_text(now, with_services_and_ports(stats_reply(1'500'000, 0, 0), 0, 1'400'000, 50), {.by = by("port")}),
            "PORT  COUNTER        TOTAL  CHANGE  PER SECOND  UNIT\n"
            "p0    rx_packets        70     +20        20.0  packets\n"
            "p0    drop no_route      4       0           0  packets\n"
            "p0    link_up            1       0           -\n");
  const std::string same =
      stats_text(now, with_services_and_ports(stats_reply(2'400'000, 0, 0), 0, 2'400'000, 70), {.by = by("port")});
  EXPECT_NE(same.find("rx_packets        70       0           -  packets"), std::string::npos) << same;
}

TEST(Views, StatsChanges_AreNumbersForPrograms) {
  const json now = with_services_and_ports(stats_reply(2'500'000, 1200, 5), 900, 2'400'000, 70);
  const json before = with_services_and_ports(stats_reply(500'000, 200, 5), 100, 400'000, 50);
  const json all = stats_changes(now, before, nullptr);
  EXPECT_EQ(all["at_us"], 2'500'000);
  EXPECT_EQ(all["interval_us"], 2'000'000);
  ASSERT_EQ(all["rows"].size(), 1U);
  EXPECT_EQ(all["rows"][0]["counters"]["rx_packets"],
            (json{{"value", 1200}, {"change", 1000}, {"per_second", 500.0}}));
  EXPECT_EQ(all["rows"][0]["gauges"]["connections"], (json{{"value", 2}, {"change", 0}}));
  EXPECT_EQ(all["rows"][0]["drops"]["not_our_mac"]["change"], 0);
  const json services = stats_changes(now, before, by("service"));
  ASSERT_EQ(services["rows"].size(), 2U);
  EXPECT_EQ(services["rows"][1]["service"], "web");
  EXPECT_EQ(services["rows"][1]["counters"]["bytes_sent"]["per_second"], 400.0);
  EXPECT_EQ(stats_changes(now, before, by("shard"))["rows"][0]["shard"], 0);
  // The endpoint was restarted, or knows a service that it did not know.
  const json restarted = stats_changes(before, now, by("service"));
  EXPECT_EQ(restarted["rows"][1]["counters"]["bytes_sent"],
            (json{{"value", 100}, {"change", nullptr}, {"per_second", nullptr}}));
  json without = before;
  without["services"] = json::array();
  EXPECT_EQ(stats_changes(now, without, by("service"))["rows"][1]["counters"]["bytes_sent"]["change"], nullptr);
}

json histogram_reply() {
  const json rtt{{"count", 4},
                 {"sum", 1110},
                 {"buckets", {{{"le", 4}, {"count", 2}}, {{"le", 1024}, {"count", 1}}, {{"le", nullptr}, {"count", 1}}}}};
  const json none{{"count", 0}, {"sum", 0}, {"buckets", json::array()}};
  const json histograms{{"tcp_rtt_us", rtt}, {"rx_burst_packets", none}};
  return {{"total", {{"histograms", histograms}}}, {"shards", {{{"shard", 0}, {"histograms", histograms}}}}};
}

TEST(Views, Histograms_ShowSharesOfWhatWasMeasured) {
  EXPECT_EQ(histograms_text(histogram_reply(), {}),
            "HISTOGRAM  SHARD  COUNT   MEAN  P50   P90   P99  P99.9  UNIT\n"
            "tcp_rtt    all        4  277.5  <=4  more  more   more  us\n");
  const std::string text = histograms_text(histogram_reply(), {.all = true, .per_shard = true});
  EXPECT_NE(text.find("rx_burst   0"), std::string::npos) << text;
  const json older{{"total", json::object()}, {"shards", json::array()}};
  EXPECT_NE(histograms_text(older, {}).find("Nothing was measured yet"), std::string::npos);
}

TEST(Views, Drops_MostFrequentFirst) {
  const json reply{
      {"reasons",
       {{{"name", "tcp_paws"}, {"sentence", "Too old."}, {"total", 2}, {"shards", {2}}},
        {{"name", "no_route"}, {"sentence", "No route."}, {"total", 0}, {"shards", {0}}},
        {{"name", "ip_fragment"}, {"sentence", "A fragment."}, {"total", 10}, {"shards", {10}}}}}};
  EXPECT_EQ(drops_text(reply, false),
            "PACKETS  REASON\n"
            "     10  ip_fragment  A fragment.\n"
            "      2  tcp_paws     Too old.\n");
  EXPECT_NE(drops_text(reply, true).find("no_route"), std::string::npos);
  EXPECT_EQ(drops_text({{"reasons", json::array()}}, false),
            "Nothing was dropped (--all shows every reason).\n");
}

TEST(Views, Connections_InTheMannerOfSs) {
  EXPECT_EQ(connections_text(json::array({connection_row()})),
            "STATE        RECV-Q  SEND-Q  LOCAL        REMOTE          SERVICE  ID\n"
            "ESTABLISHED       0    1448  10.0.0.2:80  10.0.0.1:43712  web      0-17\n"
            "    age:3.5s ts wscale:7,2 rto:200ms rtt:0.412/0.1ms mss:1448 cwnd:14480B snd_wnd:65535B "
            "rcv_wnd:262144B unacked:1448B retrans:3 sent:9000B received:120B\n");
}

TEST(Views, Connections_TellOfCongestionMarks) {
  shard::ConnectionRow row;
  row.flow = {{*IpAddress::parse("10.0.0.2"), 80}, {*IpAddress::parse("10.0.0.1"), 5}};
  row.state = tcp::State::Established;
  row.ecn = true;
  EXPECT_NE(connections_text(json::array({as_json(1, row)})).find("age:0us ecn\n"), std::string::npos);
  row.ecn_ce_received = 7;
  row.ecn_echoes_received = 5;
  row.ecn_reductions = 2;
  EXPECT_NE(connections_text(json::array({as_json(1, row)})).find("age:0us ecn ce:7 ece:5 cwr:2\n"),
            std::string::npos);
}

TEST(Views, Connections_RecordsOfFewFields_AreShort) {
  shard::ConnectionRow row;
  row.flow = {{*IpAddress::parse("2001:db8::2"), 80}, {*IpAddress::parse("2001:db8::1"), 5}};
  row.state = tcp::State::TimeWait;
  EXPECT_EQ(connections_text(json::array({as_json(1, row)})),
            "STATE      RECV-Q  SEND-Q  LOCAL             REMOTE           SERVICE  ID\n"
            "TIME-WAIT       0       0  [2001:db8::2]:80  [2001:db8::1]:5  -        1-0\n"
            "    age:0us\n");
}

TEST(Views, Connections_SortByAKey_LargestFirst) {
  json rows = json::array({connection_row(), connection_row(), connection_row()});
  rows[0]["srtt_us"] = 5;
  rows[1]["srtt_us"] = 100;
  rows[2]["srtt_us"] = 30;
  sort_connections(rows, "rtt");
  EXPECT_EQ(rows[0]["srtt_us"], 100);
  EXPECT_EQ(rows[2]["srtt_us"], 5);
  for (const SortKey& key : kSortKeys)
    EXPECT_TRUE(connection_row().contains(std::string(key.field))) << key.name;
}

TEST(Views, ListenersAndNeighbors) {
  const shard::ListenerRow listener{.name = "web",
                                    .local = {IpAddress::v4(0, 0, 0, 0), 80},
                                    .half_open = 1,
                                    .backlog = 1024,
                                    .accepted = 12,
                                    .open = 3,
                                    .syn_overflows = 40,
                                    .accept_overflows = 2,
                                    .cookies_sent = 39,
                                    .cookies_accepted = 5,
                                    .cookies_rejected = 1};
  EXPECT_EQ(
      listeners_text(json::array({as_json(0, listener)})),
      "SERVICE  LOCAL       SHARD  HALF-OPEN  BACKLOG  OVERFLOWS  COOKIES  BACK  ACCEPTED  OPEN  REFUSED\n"
      "web      0.0.0.0:80      0          1     1024         40       39     5        12     3        2\n");
  EXPECT_EQ(as_json(0, listener).at("syn_cookies_rejected"), 1);
  EXPECT_EQ(as_json(0, listener).at("connections_bound"), nullptr);
  ip::NeighborRow neighbor;
  neighbor.address = IpAddress::v4(10, 0, 0, 9);
  neighbor.state = "incomplete";
  neighbor.queued = 2;
  EXPECT_EQ(neighbors_text(json::array({as_json(0, neighbor)})),
            "ADDRESS   MAC  STATE       SHARD  WAITING\n"
            "10.0.0.9  -    incomplete      0        2\n");
  EXPECT_EQ(neighbors_text(json::array()), "No neighbours are known.\n");
}

TEST(Views, AddressesAndRoutes) {
  const ip::AddressRow address{.prefix = *Prefix::parse("2001:db8::2/64"), .state = "duplicate"};
  EXPECT_EQ(addresses_text(json::array({as_json(0, address)})),
            "ADDRESS         STATE\n"
            "2001:db8::2/64  duplicate\n");
  const ip::RouteRow configured{.destination = *Prefix::parse("10.0.0.0/24"), .gateway = {}};
  const ip::RouteRow router{.destination = {IpAddress(), 0},
                            .gateway = *IpAddress::parse("fe80::1"),
                            .learnt = true,
                            .preference = "high",
                            .state = "in_use",
                            .lifetime = 1800s};
  EXPECT_EQ(routes_text(json::array({as_json(0, configured), as_json(0, router)})),
            "DESTINATION  GATEWAY        ORIGIN  PREFERENCE  STATE   LIFETIME\n"
            "10.0.0.0/24  (on the link)  config  -           -              -\n"
            "::/0         fe80::1        router  high        in_use    30m00s\n");
  EXPECT_EQ(as_json(0, router).at("lifetime_us"), 1'800'000'000);
}

json trace_of(uint16_t port, int at, tcp::State before, tcp::State after, bool sent, wire::Flags flags) {
  shard::TraceRow row;
  row.at = Instant(Micros(at));
  row.sent = sent;
  row.before = before;
  row.after = after;
  row.segment.flow = {{IpAddress::v4(10, 0, 0, 2), 80}, {IpAddress::v4(10, 0, 0, 1), port}};
  row.segment.flags = flags;
  return as_json(0, row);
}

TEST(Views, Trace_LastConnections_AreThoseThatSpokeLast) {
  using enum tcp::State;
  const json rows{trace_of(1, 10, Listen, SynReceived, false, wire::kSyn),
                  trace_of(2, 20, Listen, SynReceived, false, wire::kSyn),
                  trace_of(1, 30, SynReceived, SynReceived, true, wire::kSyn | wire::kAck)};
  EXPECT_EQ(rows_of_last(rows, 1).size(), 2U);
  EXPECT_EQ(rows_of_last(rows, 1)[0]["remote_port"], 1);
  EXPECT_EQ(rows_of_last(rows, 2).size(), 3U);
  EXPECT_EQ(rows_of_last(json::array(), 2).size(), 0U);
}

TEST(Views, Trace_IsALadderWithTheStates) {
  using enum tcp::State;
  const json rows{trace_of(4000, 10, Listen, SynReceived, false, wire::kSyn),
                  trace_of(4000, 20, SynReceived, SynReceived, true, wire::kSyn | wire::kAck),
                  trace_of(4000, 30, SynReceived, Established, false, wire::kAck)};
  const std::string text = ladders_text(rows, true);
  for (const char* part : {"10.0.0.1:4000", "10.0.0.2:80", "SYN-RECEIVED", "ESTABLISHED"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  for (const char c : text) EXPECT_EQ(static_cast<unsigned char>(c) & 0x80, 0) << text;
  EXPECT_NE(ladders_text(json::array(), true).find("empty"), std::string::npos);
}

TEST(Views, Version_InAFewLines) {
  const json reply{
      {"version", "0.1.0"},
      {"protocol", 1},
      {"dpdk", "22.11.11"},
      {"pid", 4711},
      {"uptime_us", 75'000'000},
      {"draining", true},
      {"config", "endpoint.conf"},
      {"shards", 2},
      {"addresses", {"10.0.0.2/24", "2001:db8::2/64"}},
      {"ports",
       {{{"name", "p0"},
         {"device", "net_tap0"},
         {"driver", "net_tap"},
         {"mac", "02:00:00:00:00:01"},
         {"mtu_bytes", 1500},
         {"queues", 1}}}},
      {"services", {{{"name", "web"}, {"kind", "http"}, {"listen", {"0.0.0.0:80", "[::]:80"}}}}}};
  EXPECT_EQ(version_text(reply),
            "Millrace 0.1.0 (process 4711, up 1m15s, draining)\n"
            "DPDK       22.11.11\n"
            "config     endpoint.conf\n"
            "shards     2\n"
            "addresses  10.0.0.2/24 2001:db8::2/64\n"
            "port       p0: net_tap0 (net_tap), 02:00:00:00:00:01, MTU 1500, queues 1\n"
            "service    web: http on 0.0.0.0:80 [::]:80\n");
}

}  // namespace
}  // namespace millrace::control::cli

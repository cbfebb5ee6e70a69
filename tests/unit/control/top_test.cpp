// `top`: its numbers and its text over looks that were made up; its keys on a terminal that is none.
#include "control/cli/top.h"

#include <gmock/gmock.h>

#include <sstream>

#include "control/cli/run.h"
#include "control/cli/terminal.h"
#include "control/cli/views.h"
#include "control/socket/server.h"
#include "fake_endpoint.h"
#include "raw_client.h"

namespace millrace::control::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// `bursts` of 20 frames; each kept the loop busy for 10 ms.
json values(uint64_t segments, uint64_t bursts, uint64_t dropped) {
  return {{"counters", {{"tcp_segments_received", segments}, {"rx_packets", segments}}},
          {"histograms",
           {{"rx_burst_packets", {{"count", bursts}, {"sum", 20 * bursts}}},
            {"loop_time_us", {{"count", 3 * bursts}, {"sum", 10'000 * bursts}}}}},
          {"gauges", {{"connections", 2}, {"established_connections", 1}}},
          {"drops", {{"tcp_paws", dropped}, {"no_route", dropped / 2}, {"not_our_mac", 0}}}};
}

Look look_at(int64_t at_us, uint64_t segments, uint64_t bursts, uint64_t dropped) {
  json shard = values(segments, bursts, dropped);
  shard["shard"] = 0;
  Look out;
  out.stats = {{"at_us", at_us}, {"total", values(segments, bursts, dropped)}, {"shards", {shard}}};
  out.version = {{"version", "9.9"}, {"uptime_us", 75'000'000}, {"draining", false}};
  return out;
}

json row(const std::string& id, int port, uint64_t sent, uint64_t srtt) {
  return {{"id", id},           {"state", "ESTABLISHED"}, {"local_address", "10.0.0.2"},
          {"local_port", 80},   {"remote_port", port},    {"remote_address", "2001:db8::1"},
          {"sent_bytes", sent}, {"received_bytes", 10},   {"srtt_us", srtt}};
}

TEST(Top, RatesAreOfTheTimeBetweenTheLooks) {
  const json view = top_view(look_at(3'000'000, 1100, 60, 8), look_at(1'000'000, 100, 10, 0), kByRate, 10);
  EXPECT_DOUBLE_EQ(view["rates"]["segments_received_per_second"].get<double>(), 500);
  EXPECT_EQ(view["interval_us"], 2'000'000);
  EXPECT_DOUBLE_EQ(view["shards"][0]["busy_share"].get<double>(), 0.25);
  EXPECT_DOUBLE_EQ(view["shards"][0]["packets_a_burst"].get<double>(), 20);
  EXPECT_DOUBLE_EQ(view["drops_per_second"].get<double>(), 6);
  ASSERT_EQ(view["drops"].size(), 2U);
  EXPECT_EQ(view["drops"][0]["name"], "tcp_paws");
}

TEST(Top, AnEndpointThatWasRestarted_HasNoRates) {
  const json view = top_view(look_at(3'000'000, 5, 1, 0), look_at(1'000'000, 1000, 10, 7), kByRate, 10);
  EXPECT_DOUBLE_EQ(view["rates"]["segments_received_per_second"].get<double>(), 0);
  EXPECT_DOUBLE_EQ(view["drops_per_second"].get<double>(), 0);
}

TEST(Top, Connections_ByTheirOctetsASecond_OrAColumn) {
  Look before = look_at(1'000'000, 0, 0, 0), now = look_at(2'000'000, 0, 0, 0);
  before.rows = {row("0-1", 1, 1000, 5), row("0-2", 2, 5'000'000, 9)};
  // The second has sent much, but long ago; the third is new; the fourth is another with an old id.
  now.rows = {row("0-1", 1, 3000, 5), row("0-2", 2, 5'000'000, 9), row("0-3", 3, 100, 1)};
  json view = top_view(now, before, kByRate, 10);
  ASSERT_EQ(view["connections"].size(), 3U);
  EXPECT_EQ(view["connections"][0]["id"], "0-1");
  EXPECT_DOUBLE_EQ(view["connections"][0]["sent_bytes_per_second"].get<double>(), 2000);
  EXPECT_EQ(view["connections"][1]["id"], "0-3");
  EXPECT_DOUBLE_EQ(view["connections"][2]["sent_bytes_per_second"].get<double>(), 0);
  view = top_view(now, before, "rtt", 1);
  ASSERT_EQ(view["connections"].size(), 1U);
  EXPECT_EQ(view["connections"][0]["id"], "0-2");
  now.rows = {row("0-2", 77, 500, 9)};  // the id has got another connection
  EXPECT_DOUBLE_EQ(top_view(now, before, kByRate, 1)["connections"][0]["sent_bytes_per_second"].get<double>(),
                   500);
}

TEST(Top, Text_IsWhatOneLooksAt) {
  Look now = look_at(2'000'000, 12'345, 50, 1000);
  now.rows = {row("0-1", 4711, 2'500'000, 412)};
  now.more = true;
  const std::string text = top_text(top_view(now, look_at(1'000'000, 0, 0, 0), kByRate, 5), kByRate);
  EXPECT_THAT(
      text, StartsWith("millrace 9.9, up 1m15s   2 connections, 1 established, 0 half-open, 0 in TIME-WAIT\n"
                       "segments a second      12.3k in       0 out       0 retransmitted\n"));
  EXPECT_THAT(text, HasSubstr("drops a second          1.5k   tcp_paws 1.0k, no_route 500\n"));
  EXPECT_THAT(text, HasSubstr("    0  50 %           20.0        12.3k             0            2\n"));
  EXPECT_THAT(text, HasSubstr("Connections by rate, of the 1024 that were looked at:\n"));
  EXPECT_THAT(
      text,
      HasSubstr("  10   2.5M  412us        0       0  ESTABLISHED  10.0.0.2:80  [2001:db8::1]:4711  0-1\n"));
}

TEST(Top, ALookWithoutConnections_SaysWhy_AndTheNextInventsNoRates) {
  Look silent = look_at(1'000'000, 0, 0, 0), now = look_at(2'000'000, 0, 0, 0);
  silent.problem = "An lcore did not answer.";
  EXPECT_THAT(top_text(top_view(silent, silent, kByRate, 5), kByRate),
              HasSubstr("Connections by rate: An lcore did not answer.\n"));
  now.rows = {row("0-1", 1, 3000, 5)};
  EXPECT_DOUBLE_EQ(top_view(now, silent, kByRate, 5)["connections"][0]["sent_bytes_per_second"].get<double>(),
                   0);
}

TEST(Top, Text_IsCutToTheScreen) {
  EXPECT_EQ(fitted("abc\nde\nf\n", 2, 2), "ab\nde\n");
  EXPECT_EQ(fitted("", 5, 5), "");
  EXPECT_EQ(fitted("a", 0, 5), "");
}

TEST(Top, Sort_GoesThroughAllColumnsAndBack) {
  std::string_view sort = kByRate;
  for (size_t i = 0; i <= std::size(kSortKeys); ++i) sort = next_sort(sort);
  EXPECT_EQ(sort, kByRate);
}

// Presses the keys it is given, then nothing; it counts how often it was waited for.
class FakeTerminal final : public Terminal {
 public:
  FakeTerminal(std::string keys, bool& given_back) : keys_(std::move(keys)), given_back_(given_back) {}
  ~FakeTerminal() override { given_back_ = true; }
  char key(std::chrono::milliseconds) override {
    if (keys_.empty()) return kEnd;
    const char pressed = keys_.front();
    keys_.erase(0, 1);
    return pressed;
  }
  ScreenSize size() const override { return {12, 60}; }

 private:
  std::string keys_;
  bool& given_back_;
};

class TopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    endpoint.shard(0).connect(3);
    endpoint.start_lcore();
    server.emplace(endpoint, ServerParams{path, 0660, "", {.request_time = 10s}, {}});
    ASSERT_EQ(server->start(), std::nullopt);
  }
  int run_with(std::vector<std::string> arguments, const std::string& keys = "") {
    World world{out,
                err,
                [](const char*) -> const char* { return nullptr; },
                [](std::chrono::milliseconds) {},
                !keys.empty(),
                [this, keys] { return std::make_unique<FakeTerminal>(keys, given_back); }};
    arguments.insert(arguments.begin(), {"--socket", path});
    return cli::run(arguments, world);
  }

  test::TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  test::FakeEndpoint endpoint{2};
  std::optional<Server> server;
  std::ostringstream out, err;
  bool given_back = false;
};

TEST_F(TopTest, Keys_ChooseTheColumnAndEnd) {
  EXPECT_EQ(run_with({"top"}, "xsq"), kOk) << err.str();
  EXPECT_TRUE(given_back);
  EXPECT_THAT(out.str(), HasSubstr("\033[Hmillrace "));
  EXPECT_THAT(out.str(), HasSubstr("\033[Jq quit"));
}

TEST_F(TopTest, ATerminalThatWentAway_Ends) { EXPECT_EQ(run_with({"top"}, "x"), kOk) << err.str(); }

TEST_F(TopTest, WithoutATerminal_IsOneLookAsText) {
  EXPECT_EQ(run_with({"top"}), kOk) << err.str();
  EXPECT_THAT(out.str(), StartsWith("millrace "));
  EXPECT_THAT(out.str(), HasSubstr("SYN-SENT"));
  EXPECT_EQ(out.str().find('\033'), std::string::npos);
}

TEST_F(TopTest, Once_IsTextOnATerminalToo) {
  EXPECT_EQ(run_with({"top", "--once"}, "q"), kOk) << err.str();
  EXPECT_EQ(out.str().find('\033'), std::string::npos);
}

TEST_F(TopTest, Json_IsALineALook) {
  EXPECT_EQ(run_with({"--json", "top", "-n", "3"}), kOk) << err.str();
  EXPECT_EQ(std::ranges::count(out.str(), '\n'), 3);
  EXPECT_TRUE(json::parse(out.str().substr(0, out.str().find('\n')), nullptr, false).is_object());
}

TEST_F(TopTest, WrongUsage_IsOneSentence) {
  EXPECT_EQ(run_with({"top", "--sort", "colour"}), kUsage);
  EXPECT_EQ(run_with({"top", "--interval", "0"}), kUsage);
  EXPECT_EQ(run_with({"top", "--count", "0"}), kUsage);
  EXPECT_THAT(err.str(), HasSubstr("--sort is one of rate|age|cwnd|"));
}

}  // namespace
}  // namespace millrace::control::cli

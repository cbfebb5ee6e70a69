// millracectl from arguments to exit code, against a server in the same process.
#include <gtest/gtest.h>

#include <sstream>

#include "control/cli/listing.h"
#include "control/cli/run.h"
#include "control/socket/filter.h"
#include "control/socket/server.h"
#include "fake_endpoint.h"
#include "raw_client.h"

namespace millrace::control::cli {
namespace {

struct Ran {
  int code;
  std::string out;
  std::string err;
};

class CliTest : public ::testing::Test {
 protected:
  void start() {
    endpoint.start_lcore();
    server.emplace(endpoint, ServerParams{path, 0660, "", {.request_time = 10s}, {}});
    ASSERT_EQ(server->start(), std::nullopt);
  }
  // With the socket in the environment.
  Ran run_with(std::vector<std::string> arguments) {
    std::ostringstream out, err;
    World world{out, err,
                [this](const char* name) {
                  return std::string_view(name) == "MILLRACE_SOCKET" ? path.c_str() : nullptr;
                },
                [this](std::chrono::milliseconds time) { slept += time; }, false};
    const int code = cli::run(arguments, world);
    return {code, out.str(), err.str()};
  }

  test::TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  test::FakeEndpoint endpoint{2};
  std::optional<Server> server;
  std::chrono::milliseconds slept{};
};

TEST_F(CliTest, EveryCommand_Works_ForPeopleAndForPrograms) {
  endpoint.shard(0).listen(80, "web");
  endpoint.shard(0).connect(3);
  start();
  for (const Command& command : commands()) {
    if (command.name == "conn" || command.name == "kill" || command.name == "log")
      continue;  // they need a word
    const Ran people = run_with({std::string(command.name)});
    EXPECT_EQ(people.code, kOk) << command.name << people.err;
    EXPECT_FALSE(people.out.empty()) << command.name;
    EXPECT_EQ(people.err, "") << command.name;
    const Ran programs = run_with({"--json", std::string(command.name)});
    EXPECT_EQ(programs.code, kOk) << command.name << programs.err;
    EXPECT_TRUE(json::parse(programs.out, nullptr, false).is_object()) << command.name << programs.out;
  }
  EXPECT_TRUE(endpoint.drained);
}

TEST_F(CliTest, OneConnection_IsShownWhole_AndKilled) {
  endpoint.shard(0).connect(3);
  start();
  const json rows = json::parse(run_with({"conns", "--json"}).out)["rows"];
  const auto id = rows[1]["id"].get<std::string>();
  const Ran shown = run_with({"conn", id});
  EXPECT_EQ(shown.code, kOk) << shown.err;
  EXPECT_NE(shown.out.find("SYN-SENT"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("snd_nxt"), std::string::npos) << shown.out;
  const Ran killed = run_with({"kill", id});
  EXPECT_EQ(killed.code, kOk) << killed.err;
  EXPECT_NE(killed.out.find("Reset: " + id + " SYN-SENT"), std::string::npos) << killed.out;
  for (int i = 0; i < 100 && json::parse(run_with({"conns", "--json"}).out)["rows"].size() == 3; ++i)
    endpoint.shard(0).shard.counters();
  EXPECT_EQ(run_with({"conn"}).code, kUsage);
  EXPECT_EQ(run_with({"conn", "0-99999"}).code, kEndpointError);
  EXPECT_EQ(run_with({"kill", "nonsense"}).code, kEndpointError);
  EXPECT_EQ(run_with({"conn", id, "more"}).code, kUsage);
}

TEST_F(CliTest, Config_IsShown_BySectionAndKey) {
  start();
  EXPECT_NE(run_with({"config", "get"}).out.find("lcores.burst"), std::string::npos);
  const Ran section = run_with({"config", "get", "tcp"});
  EXPECT_NE(section.out.find("tcp.rto_min"), std::string::npos);
  EXPECT_EQ(section.out.find("lcores"), std::string::npos);
  EXPECT_EQ(json::parse(run_with({"config", "get", "tcp.msl", "--json"}).out)["rows"].size(), 1U);
  const Ran typo = run_with({"config", "get", "tcp.mls"});
  EXPECT_EQ(typo.code, kEndpointError);
  EXPECT_NE(typo.err.find("tcp.msl"), std::string::npos) << typo.err;
}

TEST_F(CliTest, Changes_SayWhatCameOfThem_ByTheirExitCodeToo) {
  start();
  const Ran good = run_with({"config", "set", "tcp.msl", "5s"});
  EXPECT_EQ(good.code, kOk);
  EXPECT_EQ(good.out, "Changed, on every shard:\n  tcp.msl: 30s -> 5s\n");
  const Ran bad = run_with({"config", "set", "lcores.burst", "64"});
  EXPECT_EQ(bad.code, kEndpointError);
  EXPECT_NE(bad.err.find("needs a restart"), std::string::npos);
  EXPECT_NE(bad.err.find("Nothing has changed."), std::string::npos);
  EXPECT_EQ(run_with({"config", "set", "tcp.msl"}).code, kUsage);
  EXPECT_EQ(run_with({"config", "put"}).code, kUsage);
  EXPECT_EQ(run_with({"log", "level", "debug"}).code, kOk);
  EXPECT_EQ(run_with({"log"}).code, kUsage);
  EXPECT_NE(run_with({"reload", "--check"}).out.find("Would change at once"), std::string::npos);
}

TEST_F(CliTest, Connections_ByAFilter) {
  endpoint.shard(0).connect(20);
  start();
  EXPECT_EQ(
      json::parse(run_with({"conns", "--json", "-f", "rport >= 1005 and rport < 1010"}).out)["rows"].size(),
      5U);
  const Ran wrong = run_with({"conns", "-f", "rtt > fast"});
  EXPECT_EQ(wrong.code, kEndpointError);
  EXPECT_NE(wrong.err.find("a duration"), std::string::npos) << wrong.err;
}

TEST_F(CliTest, Connections_GoThroughManyPages) {
  endpoint.shard(0).connect(700);
  start();
  const json all = json::parse(run_with({"conns", "--json"}).out);
  EXPECT_EQ(all["rows"].size(), 700U);
  EXPECT_EQ(all["more"], false);
  const json some = json::parse(run_with({"conns", "--json", "--limit", "300"}).out);
  EXPECT_EQ(some["rows"].size(), 300U);
  EXPECT_EQ(some["more"], true);
  EXPECT_TRUE(run_with({"conns", "--limit", "300"}).out.ends_with("\nThere are more than these 300 (--limit).\n"));
}

// Rows are not kept: who wants a million gets them a table after the other, or a line each.
TEST_F(CliTest, Connections_ByTheThousand_ArePrintedAsTheyCome) {
  endpoint.shard(0).connect(4096);
  endpoint.shard(1).connect(10);
  start();
  const std::string text = run_with({"conns", "--limit", "100000"}).out;
  size_t titles = 0;
  for (size_t at = text.find("STATE "); at != std::string::npos; at = text.find("STATE ", at + 1)) ++titles;
  EXPECT_EQ(titles, 2U);
  EXPECT_EQ(std::ranges::count(text, '\n'), 2 + 2 * 4106);
  const Ran lines = run_with({"conns", "--json", "--limit", "100000"});
  EXPECT_EQ(std::ranges::count(lines.out, '\n'), 1 + 4106 + 1);
  EXPECT_EQ(json::parse(lines.out)["rows"].size(), 4106U);
  EXPECT_EQ(json::parse(run_with({"conns", "--json", "-s", "established"}).out)["rows"], json::array());
}

TEST_F(CliTest, Connections_FilterSortAndLimit) {
  endpoint.shard(0).connect(20);
  start();
  EXPECT_EQ(json::parse(run_with({"conns", "--json", "-p", "1007"}).out)["rows"].size(), 1U);
  EXPECT_EQ(run_with({"conns", "--state", "established"}).out, "No connections.\n");
  const json sorted = json::parse(run_with({"conns", "--json", "--sort", "age", "-l", "5"}).out);
  EXPECT_EQ(sorted["rows"].size(), 5U);
  EXPECT_EQ(sorted["more"], true);
}

TEST_F(CliTest, Connections_Sorted_LookBeyondTheLimit) {
  endpoint.shard(0).connect(2, Instant(5s));
  endpoint.shard(1).connect(1, Instant());
  endpoint.shard(1).pass_to(Instant(5s));
  start();
  const json rows = json::parse(run_with({"conns", "--json", "--sort", "age", "--limit", "1"}).out)["rows"];
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["shard"], 1);
  EXPECT_EQ(rows[0]["age_us"], 5'000'000);
}

// Once enough are known only those that come before them are asked for: the same rows, and fewer are sent.
TEST_F(CliTest, Connections_Sorted_AreTheFirstOfAll_WhateverTheFilter) {
  for (unsigned i = 0; i < 30; ++i) {
    const bool young = i < 15;  // and listed first
    endpoint.shard(young ? 0 : 1).connect(20, Instant((young ? 15 + i : i - 15) * 10ms), 20 * i);
  }
  for (unsigned i : {0U, 1U}) endpoint.shard(i).pass_to(Instant(300ms));
  start();
  const auto ages = [this](const std::vector<std::string>& more) {
    std::vector<std::string> words{"conns", "--json", "--sort", "age"};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = run_with(words);
    EXPECT_EQ(ran.code, kOk) << ran.err;
    const json reply = json::parse(ran.out);
    std::vector<int64_t> out;
    for (const json& row : reply["rows"]) out.push_back(row["age_us"].get<int64_t>() / 10'000);
    return out;
  };
  const std::vector<int64_t> all = ages({"--limit", "100000"});
  ASSERT_EQ(all.size(), 600U);
  EXPECT_TRUE(std::ranges::is_sorted(all, std::greater<>()));
  EXPECT_EQ(ages({"--limit", "30"}), std::vector<int64_t>(all.begin(), all.begin() + 30));
  const std::vector<int64_t> young = ages({"--limit", "30", "-f", "age < 200ms or age = 250ms"});
  EXPECT_EQ(young.front(), 25);
  EXPECT_EQ(young[19], 25);
  EXPECT_EQ(young[20], 19);
}

TEST(FirstRows, KeepNoMoreThanTheyShow_AndSayWhatGetsIn) {
  const auto row = [](uint64_t rtt, int number) { return json{{"srtt_us", rtt}, {"number", number}}; };
  const SortKey& key = *std::ranges::find(kSortKeys, "rtt", &SortKey::name);
  FirstRows first(key, 3);
  EXPECT_EQ(first.condition(), std::nullopt);
  for (int i = 0; i < 3; ++i) first.add(row(10, i));
  EXPECT_FALSE(first.full());
  first.add(row(10, 3));  // those that came first stay
  EXPECT_TRUE(first.full());
  EXPECT_EQ(first.condition(), "rtt > 10us");
  first.add(row(30, 4));
  first.add(row(20, 5));
  first.add(row(40, 6));
  EXPECT_EQ(first.condition(), "rtt > 20us");
  const json rows = first.take();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["number"], 6);
  EXPECT_EQ(rows[1]["number"], 4);
  EXPECT_EQ(rows[2]["number"], 5);
}

// Each key of numbers has a field of the filter that means the same.
TEST(FirstRows, Conditions_AreUnderstoodByTheFilter) {
  for (const SortKey& key : kSortKeys) {
    FirstRows first(key, 1);
    for (const uint64_t value : {5, 6}) first.add({{std::string(key.field), value}});
    const auto condition = first.condition();
    EXPECT_EQ(condition.has_value(), key.name != "state");
    if (!condition) continue;
    EXPECT_TRUE(std::holds_alternative<ConnectionFilter>(parse_filter(*condition))) << *condition;
  }
}

TEST_F(CliTest, Trace_DrawsTheLastConnection) {
  endpoint.shard(0).connect(2);
  start();
  const Ran ran = run_with({"trace", "--ascii"});
  EXPECT_NE(ran.out.find("10.0.0.9:1001"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.out.find("10.0.0.9:1000"), std::string::npos) << ran.out;
  const Ran both = run_with({"trace", "--last", "2"});
  EXPECT_NE(both.out.find("10.0.0.9:1000"), std::string::npos) << both.out;
}

TEST_F(CliTest, Watch_LooksAsOftenAsToldAndShowsRates) {
  endpoint.shard(0).shard.counters().rx_packets.add(1);
  start();
  const Ran ran = run_with({"stats", "--watch", "--interval", "0.5", "--count", "3"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(slept, std::chrono::milliseconds(1000));
  EXPECT_NE(ran.out.find("PER SECOND"), std::string::npos) << ran.out;
}

// Whoever reads line by line gets changes in the first line already.
TEST_F(CliTest, WatchForPrograms_IsAnObjectALine) {
  endpoint.shard(0).listen(80, "web");
  start();
  for (const char* by : {"", "shard", "service", "port"}) {
    std::vector<std::string> words{"stats", "--watch", "-n", "2", "--json"};
    if (*by != '\0') words.insert(words.end(), {"--by", by});
    const Ran lines = run_with(words);
    EXPECT_EQ(lines.code, kOk) << lines.err;
    std::istringstream in(lines.out);
    std::string line;
    int count = 0;
    for (; std::getline(in, line); ++count) {
      const json object = json::parse(line);
      EXPECT_GT(object.at("interval_us").get<int64_t>(), 0);
      EXPECT_FALSE(object.at("rows").empty()) << line;
      EXPECT_EQ(object.at("rows").back().contains(by), *by != '\0') << line;
      EXPECT_TRUE(object.at("rows").back().at("counters").begin()->at("change").is_number()) << line;
    }
    EXPECT_EQ(count, 2);
  }
  EXPECT_EQ(slept, std::chrono::milliseconds(8000));
}

TEST_F(CliTest, StatsBy_WithWhatDoesNotGoTogether_IsTwo) {
  start();
  EXPECT_NE(run_with({"stats", "--by", "service"}).out, "");
  for (const auto& words : {std::vector<std::string>{"stats", "--by", "colour"},
                            {"stats", "--by", "port", "--histograms"},
                            {"stats", "--by", "shard", "--per-shard"}}) {
    const Ran ran = run_with(words);
    EXPECT_EQ(ran.code, kUsage);
    EXPECT_NE(ran.err, "");
  }
}

TEST_F(CliTest, NoEndpoint_IsOneSentenceAndThree) {
  const Ran ran = run_with({"stats"});
  EXPECT_EQ(ran.code, kUnreachable);
  EXPECT_EQ(ran.err,
            "millracectl: No endpoint is reachable: there is no socket " + path +
                ". Is `millrace serve` running? --socket or MILLRACE_SOCKET names another socket.\n");
}

TEST_F(CliTest, DeadSocket_IsThree) {
  const auto address = unix_address(path);
  const int crashed = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(crashed, address->get(), address->size()), 0);
  close(crashed);
  const Ran ran = run_with({"stats"});
  EXPECT_EQ(ran.code, kUnreachable);
  EXPECT_NE(ran.err.find("has ended"), std::string::npos) << ran.err;
}

TEST_F(CliTest, Socket_OptionIsStrongerThanTheEnvironment) {
  start();
  for (const auto& arguments : {std::vector<std::string>{"--socket", "/nowhere/s", "stats"},
                                {"stats", "--socket", "/nowhere/s"},
                                {"--socket=/nowhere/s", "stats"}}) {
    const Ran ran = run_with(arguments);
    EXPECT_EQ(ran.code, kUnreachable);
    EXPECT_NE(ran.err.find("/nowhere/s"), std::string::npos) << ran.err;
  }
  EXPECT_EQ(run_with({"--socket", std::string(200, 'x'), "stats"}).code, kUsage);
}

TEST_F(CliTest, ErrorOfTheEndpoint_IsOne) {
  start();
  const Ran ran = run_with({"stats", "--shard", "7"});
  EXPECT_EQ(ran.code, kEndpointError);
  EXPECT_EQ(ran.err, "millracectl: There is no shard 7: there are 2, numbered from 0.\n");
}

TEST_F(CliTest, WrongUsage_IsTwoAndOneSentence) {
  start();
  for (const auto& arguments : std::vector<std::vector<std::string>>{{},
                                                                     {"--json"},
                                                                     {"stat"},
                                                                     {"frobnicate"},
                                                                     {"stats", "--wacth"},
                                                                     {"stats", "extra"},
                                                                     {"stats", "--count", "3"},
                                                                     {"stats", "--watch", "--count", "0"},
                                                                     {"stats", "--interval", "nan"},
                                                                     {"stats", "--interval", "0"},
                                                                     {"stats", "--shard", "-1"},
                                                                     {"stats", "--shard", "x"},
                                                                     {"stats", "--shard"},
                                                                     {"conns", "--port", "0"},
                                                                     {"conns", "--port", "65536"},
                                                                     {"conns", "--state", "open"},
                                                                     {"conns", "--limit", "0"},
                                                                     {"conns", "--sort", "colour"},
                                                                     {"trace", "--last", "0"},
                                                                     {"help", "stats", "conns"},
                                                                     {"help", "nothing"},
                                                                     {"--frobnicate"}}) {
    const Ran ran = run_with(arguments);
    const std::string shown = ::testing::PrintToString(arguments);
    EXPECT_EQ(ran.code, kUsage) << shown << ran.err;
    EXPECT_EQ(ran.out, "") << shown;
    EXPECT_TRUE(ran.err.starts_with("millracectl: ")) << shown << ran.err;
    EXPECT_EQ(ran.err.find('\n'), ran.err.size() - 1) << shown << ran.err;
  }
}

TEST_F(CliTest, Typos_AreAnsweredWithTheNearest) {
  EXPECT_EQ(run_with({"cons"}).err, "millracectl: There is no command 'cons'. Did you mean 'conns'?\n");
  EXPECT_NE(run_with({"stats", "--wacth"}).err.find("Did you mean '--watch'?"), std::string::npos);
}

TEST_F(CliTest, Help_NeedsNoEndpoint) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"help"}, {"--help"}, {"-h"}, {"help", "help"}}) {
    const Ran ran = run_with(arguments);
    EXPECT_EQ(ran.code, kOk);
    for (const Command& command : commands()) EXPECT_NE(ran.out.find(command.name), std::string::npos);
  }
  for (const Command& command : commands()) {
    const std::string name(command.name);
    const Ran ran = run_with({name, "--help"});
    EXPECT_EQ(ran.code, kOk) << name;
    EXPECT_EQ(ran.out, run_with({"help", name}).out);
    EXPECT_NE(ran.out.find("Examples:\n  millracectl " + name), std::string::npos) << ran.out;
  }
}

TEST_F(CliTest, Version_OptionIsThisProgramsOwn) {
  EXPECT_EQ(run_with({"--version"}).out, "millracectl " + std::string(control::version()) + "\n");
}

// ---- an endpoint that is none, or another version's
// --------------------------------------------------------

class StrangeEndpoint : public CliTest {
 protected:
  // Says `hello` to the one who comes, and `reply` to what he asks.
  void pretend(std::string greeting, std::string reply) {
    ASSERT_EQ(listening.open(path, 0660, ""), std::nullopt);
    stranger = std::thread([this, greeting = std::move(greeting), reply = std::move(reply)] {
      pollfd ready{listening.fd(), POLLIN, 0};
      poll(&ready, 1, 10'000);
      const int fd = accept(listening.fd(), nullptr, nullptr);
      Session::say(fd, greeting);
      ready.fd = fd;
      std::array<char, 4096> request;
      if (!reply.empty() && poll(&ready, 1, 10'000) > 0 && recv(fd, request.data(), request.size(), 0) > 0)
        Session::say(fd, reply);
      close(fd);
    });
  }
  void TearDown() override {
    if (stranger.joinable()) stranger.join();
  }

  const std::string hello = hello_line(1);
  ListeningSocket listening;
  std::thread stranger;
};

TEST_F(StrangeEndpoint, OfAnotherProtocol_IsThree) {
  pretend("{\"millrace\":\"9.0.0\",\"protocol\":99,\"pid\":1}\n", "");
  const Ran ran = run_with({"stats"});
  EXPECT_EQ(ran.code, kUnreachable);
  EXPECT_NE(ran.err.find("another version"), std::string::npos) << ran.err;
}

TEST_F(StrangeEndpoint, ThatIsNoMillrace_IsThree) {
  pretend("220 mail.example.org ESMTP\r\n", "");
  EXPECT_EQ(run_with({"stats"}).code, kUnreachable);
}

TEST_F(StrangeEndpoint, ThatRefusesTheConnection_IsOne) {
  pretend(error_line(nullptr, {ErrorCode::TooManyClients, "Too many."}), "");
  const Ran ran = run_with({"stats"});
  EXPECT_EQ(ran.code, kEndpointError);
  EXPECT_EQ(ran.err, "millracectl: Too many.\n");
}

TEST_F(StrangeEndpoint, ThatDiesInsteadOfAnswering_IsThree) {
  pretend(hello, "{\"id\":1,\"resu");
  EXPECT_EQ(run_with({"stats"}).code, kUnreachable);
}

TEST_F(StrangeEndpoint, WhoseReplyLacksFields_IsOneAndNoCrash) {
  pretend(hello, "{\"id\":1,\"result\":{}}\n");
  const Ran ran = run_with({"stats"});
  EXPECT_EQ(ran.code, kEndpointError);
  EXPECT_NE(ran.err.find("another version"), std::string::npos) << ran.err;
}

TEST_F(StrangeEndpoint, WhoseErrorIsATerminalSequence_IsShownHarmless) {
  pretend(hello, error_line(1, {ErrorCode::Busy, "\033[2J"}));
  const Ran ran = run_with({"stats"});
  EXPECT_EQ(ran.code, kEndpointError);
  EXPECT_EQ(ran.err.find('\033'), std::string::npos);
}

}  // namespace
}  // namespace millrace::control::cli

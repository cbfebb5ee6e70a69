// The server and well-behaved clients.
#include "control/socket/server.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>

#include "fake_endpoint.h"
#include "raw_client.h"

namespace millrace::control {
namespace {

using namespace std::chrono_literals;

class ServerTest : public ::testing::Test {
 protected:
  void start() {
    server.emplace(endpoint, ServerParams{path, 0660, "", limits, log});
    ASSERT_EQ(server->start(), std::nullopt);
  }

  test::TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  test::FakeEndpoint endpoint{2};
  Limits limits;
  Session::Log log;
  std::optional<Server> server;
};

TEST_F(ServerTest, Connect_IsGreeted) {
  start();
  test::RawClient client(path);
  const json hello = client.next();
  EXPECT_EQ(hello["protocol"], kProtocol);
  EXPECT_EQ(hello["pid"], getpid());
}

TEST_F(ServerTest, Stats_AreReadWithoutAnLcore) {
  endpoint.shard(0).shard.counters().rx_packets.add(5);
  endpoint.shard(1).shard.counters().rx_packets.add(7);
  endpoint.shard(1).shard.counters().drop(DropReason::NotOurMac);
  start();
  test::RawClient client(path);
  const json stats = client.ask(R"({"id":1,"method":"stats"})")["result"];
  EXPECT_EQ(stats["total"]["counters"]["rx_packets"], 12);
  EXPECT_EQ(stats["shards"][1]["counters"]["rx_packets"], 7);
  EXPECT_EQ(stats["total"]["drops"]["not_our_mac"], 1);
  EXPECT_EQ(stats["total"]["counters"].size() + stats["total"]["gauges"].size(), kCounterInfos.size());
  EXPECT_EQ(stats["total"]["drops"].size(), kDropReasons);
}

// Shards may have met services in different orders; the row of a name has them all.
TEST_F(ServerTest, Stats_AreByServiceAndPortToo) {
  endpoint.shard(0).listen(80, "web");
  endpoint.shard(0).listen(7, "echo");
  endpoint.shard(1).listen(7, "echo");
  endpoint.shard(0).shard.counters().services[2].bytes_sent.add(5);
  endpoint.shard(1).shard.counters().services[1].bytes_sent.add(7);
  endpoint.shard(1).connect(3);
  endpoint.shard(1).shard.counters().drop(DropReason::NotOurMac);
  start();
  test::RawClient client(path);
  const json stats = client.ask(R"({"id":1,"method":"stats"})")["result"];
  ASSERT_EQ(stats["services"].size(), 3U);
  const auto row = [&](const std::string& name) {
    for (const json& one : stats["services"])
      if (one["service"] == name) return one;
    return json();
  };
  EXPECT_EQ(row("")["counters"]["accepted"], 3);
  EXPECT_EQ(row("")["gauges"]["connections"], 3);
  EXPECT_EQ(row("echo")["counters"]["bytes_sent"], 12);
  ASSERT_EQ(row("echo")["shards"].size(), 2U);
  EXPECT_EQ(row("echo")["shards"][1]["shard"], 1);
  EXPECT_EQ(row("echo")["shards"][1]["counters"]["bytes_sent"], 7);
  EXPECT_EQ(row("web")["shards"].size(), 1U);
  EXPECT_EQ(row("web")["counters"].size() + row("web")["gauges"].size(), kServiceCounterInfos.size());
  ASSERT_EQ(stats["ports"].size(), 1U);
  EXPECT_EQ(stats["ports"][0]["port"], "p0");
  EXPECT_EQ(stats["ports"][0]["gauges"]["link_up"], 1);
  EXPECT_EQ(stats["ports"][0]["drops"]["not_our_mac"], 1);
  EXPECT_EQ(stats["ports"][0]["counters"].size(), kPortCounterInfos.size());
}

TEST_F(ServerTest, OneShardOfStats_KeepsItsNumber) {
  start();
  test::RawClient client(path);
  const json stats = client.ask(R"({"method":"stats","params":{"shard":1}})")["result"];
  ASSERT_EQ(stats["shards"].size(), 1U);
  EXPECT_EQ(stats["shards"][0]["shard"], 1);
}

TEST_F(ServerTest, Drops_HaveNamesSentencesAndCounts) {
  endpoint.shard(1).shard.counters().drop(DropReason::TcpPaws);
  start();
  test::RawClient client(path);
  const json reasons = client.ask(R"({"method":"drops"})")["result"]["reasons"];
  ASSERT_EQ(reasons.size(), kDropReasons);
  const json& paws = reasons[static_cast<size_t>(DropReason::TcpPaws)];
  EXPECT_EQ(paws["name"], "tcp_paws");
  EXPECT_EQ(paws["shards"], json({0, 1}));
}

TEST_F(ServerTest, Totals_AreTheSumsOfTheirRows_WhileTheLcoreCounts) {
  endpoint.start_lcore();
  start();
  test::RawClient client(path);
  for (int i = 0; i < 50; ++i) {
    const json stats = client.ask(R"({"method":"stats"})")["result"];
    uint64_t sum = 0;
    for (const json& shard : stats["shards"]) sum += shard["counters"]["loop_iterations"].get<uint64_t>();
    EXPECT_EQ(stats["total"]["counters"]["loop_iterations"], sum);
  }
}

TEST_F(ServerTest, Connections_AreCopiedByTheLcore) {
  endpoint.shard(0).connect(100);
  endpoint.start_lcore();
  start();
  test::RawClient client(path);
  const json reply = client.ask(R"({"id":"x","method":"conns"})");
  EXPECT_EQ(reply["id"], "x");
  EXPECT_EQ(reply["result"]["rows"].size(), 100U);
}

TEST_F(ServerTest, Version_TellsWhatRuns) {
  start();
  test::RawClient client(path);
  const json reply = client.ask(R"({"method":"version"})")["result"];
  EXPECT_EQ(reply["version"], version());
  EXPECT_EQ(reply["dpdk"], "22.11.11");
  EXPECT_EQ(reply["shards"], 2);
  EXPECT_EQ(reply["services"][0]["listen"][1], "[::]:80");
  EXPECT_EQ(reply["ports"][0]["mtu_bytes"], 1500);
}

TEST_F(ServerTest, PipelinedRequests_AreAnsweredInOrder) {
  endpoint.start_lcore();
  start();
  test::RawClient client(path);
  client.next();
  std::string requests;
  for (int i = 0; i < 60; ++i)
    requests +=
        R"({"id":)" + std::to_string(i) + R"(,"method":")" + (i % 2 == 0 ? "conns" : "version") + "\"}\n";
  client.send(requests);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(client.next()["id"], i);
}

TEST_F(ServerTest, LastRequestWithoutNewline_IsAnsweredBeforeTheEnd) {
  start();
  test::RawClient client(path);
  client.next();
  client.send(R"({"id":1,"method":"version"})");
  client.finish_sending();
  EXPECT_EQ(client.next()["result"]["uptime_us"], 75'000'000);
  EXPECT_TRUE(client.closed_by_endpoint());
}

TEST_F(ServerTest, Drain_ReachesTheEndpointAndIsLogged) {
  std::mutex mutex;
  std::string told;
  log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    told += line;
  };
  start();
  test::RawClient client(path);
  EXPECT_EQ(client.ask(R"({"method":"drain"})")["result"]["draining"], true);
  EXPECT_TRUE(endpoint.drained);
  const std::lock_guard lock(mutex);
  EXPECT_NE(told.find("'drain' asked for by process " + std::to_string(getpid())), std::string::npos) << told;
}

TEST_F(ServerTest, RequestSentByAClientThatLeavesAtOnce_IsCarriedOut) {
  start();
  test::RawClient client(path);
  client.send("{\"method\":\"drain\"}\n");
  client.leave();
  for (int i = 0; i < 1000 && !endpoint.drained; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(endpoint.drained);
}

TEST_F(ServerTest, UnknownMethod_NamesTheNearest) {
  start();
  test::RawClient client(path);
  const json error = client.ask(R"({"id":1,"method":"stat"})")["error"];
  EXPECT_EQ(error["code"], "unknown_method");
  EXPECT_EQ(error["message"], "There is no method 'stat'. Did you mean 'stats'?");
}

TEST_F(ServerTest, LcoreThatDoesNotAnswer_TimesOutAndHoldsNobody) {
  limits.request_time = 300ms;
  start();  // no lcore runs
  test::RawClient stuck(path), other(path);
  stuck.next();
  stuck.send("{\"id\":1,\"method\":\"conns\"}\n");
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(other.ask(R"({"method":"stats"})").contains("result"));
  const auto took = std::chrono::steady_clock::now() - before;
  const json reply = stuck.next();
  EXPECT_EQ(reply["error"]["code"], "timed_out");
  EXPECT_LT(took, std::chrono::steady_clock::now() - before);
  // The connection is none the worse for it.
  EXPECT_TRUE(stuck.ask(R"({"method":"stats"})").contains("error") == false);
}

TEST_F(ServerTest, Kill_HitsOnlyTheConnectionThatWasMeant) {
  endpoint.shard(0).connect(1);
  endpoint.start_lcore();
  start();
  test::RawClient client(path);
  const json row = client.ask(R"({"method":"conns"})")["result"]["rows"][0];
  json params{{"id", row["id"]}};
  for (const char* field : {"local_address", "local_port", "remote_address", "remote_port"})
    params[field] = row[field];
  json other = params;
  other["remote_port"] = 7;
  EXPECT_EQ(client.ask(dump({{"method", "kill"}, {"params", other}}))["error"]["code"], "not_found");
  EXPECT_EQ(client.ask(R"({"method":"conns"})")["result"]["rows"].size(), 1U);
  EXPECT_EQ(client.ask(dump({{"method", "kill"}, {"params", params}}))["result"]["killed"], true);
  EXPECT_EQ(client.ask(dump({{"method", "kill"}, {"params", {{"id", row["id"]}}}}))["error"]["code"],
            "bad_params");
}

TEST_F(ServerTest, AChangeThatNobodyCarriesOut_TimesOutAndHoldsNobody) {
  endpoint.mode = test::FakeEndpoint::Lcore::Full;
  start();
  test::RawClient client(path);
  EXPECT_EQ(client.ask(R"({"method":"reload"})")["error"]["code"], "busy");
  endpoint.mode = test::FakeEndpoint::Lcore::Silent;
  test::RawClient stuck(path);
  stuck.send("{\"method\":\"reload\"}\n");
  EXPECT_TRUE(client.ask(R"({"method":"stats"})").contains("result"));
}

// The file's permissions were loosened behind our back.
TEST_F(ServerTest, AStrangerWhoCameThroughTheFile_IsDenied) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  start();
  std::filesystem::permissions(path, std::filesystem::perms(0666));
  std::filesystem::permissions(std::filesystem::path(path).parent_path(), std::filesystem::perms(0755));
  json said;
  std::thread stranger([&] {
    // By system call: these change the calling thread alone.
    constexpr int kNobody = 65534;
    syscall(SYS_setgroups, 0, nullptr);
    syscall(SYS_setresgid, kNobody, kNobody, kNobody);
    syscall(SYS_setresuid, kNobody, kNobody, kNobody);
    test::RawClient client(path);
    if (client.connected()) said = client.next();
  });
  stranger.join();
  EXPECT_EQ(said["error"]["code"], "denied") << said;
}

TEST_F(ServerTest, Stop_WithClientsAndAQuestionUnderWay_EndsAndLeavesNoFile) {
  start();
  test::RawClient idle(path), waiting(path);
  waiting.send("{\"method\":\"conns\"}\n");
  idle.next();
  waiting.next();
  server->stop();
  EXPECT_TRUE(idle.closed_by_endpoint());
  EXPECT_FALSE(std::filesystem::exists(path));
  endpoint.serve();  // the question outlived its asker
  server->stop();
}

TEST_F(ServerTest, ASecondServerOnThePath_IsRefused) {
  start();
  Server second(endpoint, ServerParams{path, 0660, "", {}, {}});
  EXPECT_TRUE(second.start());
  EXPECT_TRUE(test::RawClient(path).connected());
}

TEST_F(ServerTest, StartedAgainAfterStop_Serves) {
  start();
  server->stop();
  start();
  EXPECT_TRUE(test::RawClient(path).ask(R"({"method":"help"})")["result"].contains("methods"));
}

}  // namespace
}  // namespace millrace::control

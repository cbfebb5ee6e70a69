// The server and clients that mean no good, or have died. In every case the others are still served.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <random>

#include "control/socket/server.h"
#include "fake_endpoint.h"
#include "raw_client.h"

namespace millrace::control {
namespace {

using namespace std::chrono_literals;

class Hostile : public ::testing::Test {
 protected:
  void start() {
    endpoint.start_lcore();
    server.emplace(endpoint, ServerParams{path, 0660, "", limits, {}});
    ASSERT_EQ(server->start(), std::nullopt);
  }
  void expect_service() {
    test::RawClient client(path);
    EXPECT_TRUE(client.ask(R"({"method":"stats"})").contains("result"));
  }

  test::TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  test::FakeEndpoint endpoint{1};
  Limits limits;
  std::optional<Server> server;
};

TEST_F(Hostile, Garbage_IsAnsweredLineByLine) {
  start();
  test::RawClient client(path);
  for (const char* line :
       {"garbage", "{\"method\":\"st\xc3\x28\"}", "[[[[[[[[[[[[[[[", "null", "{\"method\":\"\\u0000\"}"})
    EXPECT_TRUE(client.ask(line).contains("error")) << line;
  EXPECT_TRUE(client.ask(R"({"method":"stats"})").contains("result"));
}

TEST_F(Hostile, RandomOctets_NeverHurt) {
  start();
  std::mt19937 random(20);
  for (int round = 0; round < 30; ++round) {
    std::string bytes(random() % 5000, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    test::RawClient client(path);
    client.send(bytes);
  }
  expect_service();
}

TEST_F(Hostile, MutatedRequests_NeverHurt) {
  start();
  const std::string good =
      R"({"id":1,"method":"conns","params":{"state":"ESTABLISHED","port":80,"cursor":"0.1"}})";
  std::mt19937 random(21);
  test::RawClient client(path);
  client.next();
  for (int round = 0; round < 500; ++round) {
    std::string line = good;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      char c = static_cast<char>(random());
      line[random() % line.size()] = c == '\n' ? '.' : c;
    }
    client.send(line + "\n");
    const json reply = client.next();
    EXPECT_TRUE(reply.contains("error") || reply.contains("result")) << line;
  }
}

TEST_F(Hostile, LineWithoutEnd_IsRefusedAtItsBound) {
  start();
  test::RawClient client(path);
  client.next();
  client.send(std::string(10 * kMaxRequestBytes, 'x'));
  EXPECT_EQ(client.next()["error"]["code"], "too_large");
  EXPECT_TRUE(client.closed_by_endpoint());
  expect_service();
}

TEST_F(Hostile, LineOfTheBound_IsStillRead) {
  start();
  std::string line = R"({"id":1,"method":"stats"})";
  line.insert(1, std::string(kMaxRequestBytes - line.size(), ' '));
  test::RawClient client(path);
  EXPECT_TRUE(client.ask(line).contains("result"));
  EXPECT_EQ(client.ask(" " + line)["error"]["code"], "too_large");
}

TEST_F(Hostile, HalfARequestThenSilence_IsEnded) {
  limits.stall_time = 200ms;
  start();
  test::RawClient client(path);
  client.next();
  client.send(R"({"id":1,"met)");
  EXPECT_EQ(client.next()["error"]["code"], "timed_out");
  EXPECT_TRUE(client.closed_by_endpoint());
}

TEST_F(Hostile, ARequestDrippedOctetByOctet_IsEnded) {
  limits.stall_time = 200ms;
  start();
  test::RawClient client(path);
  client.next();
  json last;
  for (int i = 0; i < 100 && last.is_null(); ++i) {
    client.send("x");
    last = client.next(20ms);
  }
  EXPECT_EQ(last["error"]["code"], "timed_out");
}

TEST_F(Hostile, SilenceBetweenRequests_IsNobodysFault) {
  limits.stall_time = 100ms;
  start();
  test::RawClient client(path);
  EXPECT_TRUE(client.ask(R"({"method":"stats"})").contains("result"));
  std::this_thread::sleep_for(400ms);
  EXPECT_TRUE(client.ask(R"({"method":"stats"})").contains("result"));
}

// The replies to what it keeps asking would fill any memory: it is read no further, then dropped.
TEST_F(Hostile, ClientThatNeverReads_IsHeldBackAndDropped) {
  limits.stall_time = 500ms;
  start();
  test::RawClient client(path);
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += "{\"method\":\"stats\"}\n";
  size_t sent = 0;
  for (int i = 0; i < 500; ++i) {
    const size_t count = client.send(requests);
    sent += count;
    if (count < requests.size()) break;
  }
  EXPECT_LT(sent, 500 * requests.size());
  expect_service();
  std::this_thread::sleep_for(limits.stall_time + 500ms);
  EXPECT_EQ(client.send("\n"), 0U);
}

TEST_F(Hostile, DisconnectInMidReply_HurtsNobody) {
  endpoint.shard(0).connect(256);
  start();
  for (int i = 0; i < 50; ++i) {
    test::RawClient client(path);
    client.send("{\"method\":\"conns\"}\n{\"method\":\"stats\"}\n{\"method\":\"conns\"}\n");
    if (i % 2 == 0) client.line(1ms);
  }
  expect_service();
}

TEST_F(Hostile, AFlood_IsServedAtItsRate) {
  limits.requests_per_second = 100;
  start();
  test::RawClient client(path);
  client.next();
  std::string requests;
  for (int i = 0; i < 150; ++i) requests += "{\"method\":\"nothing\"}\n";
  const auto before = std::chrono::steady_clock::now();
  client.send(requests);
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(client.next().contains("error"));
  // The first hundred at once, the other fifty in half a second.
  EXPECT_GT(std::chrono::steady_clock::now() - before, 400ms);
  expect_service();
}

TEST_F(Hostile, AThousandClientsAtOnce_AreAllServed) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;  // both ends are this process's
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2200) GTEST_SKIP() << "at most " << files.rlim_cur << " open files are allowed";
  start();
  std::vector<std::unique_ptr<test::RawClient>> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(std::make_unique<test::RawClient>(path));
  for (auto& client : clients) client->send("{\"id\":1,\"method\":\"listeners\"}\n");
  for (auto& client : clients) {
    EXPECT_TRUE(client->next().contains("millrace"));
    EXPECT_TRUE(client->next().contains("result"));
  }
}

TEST_F(Hostile, TooManyClients_AreToldSo) {
  limits.clients = 3;
  limits.idle_time = 1h;
  start();
  std::vector<std::unique_ptr<test::RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<test::RawClient>(path));
    clients.back()->next();
  }
  test::RawClient fourth(path);
  EXPECT_EQ(fourth.next()["error"]["code"], "too_many_clients");
  clients.pop_back();
  std::this_thread::sleep_for(100ms);
  expect_service();
}

TEST_F(Hostile, IdleClients_MakeRoomForNewOnes) {
  limits.clients = 2;
  limits.idle_time = 0ms;
  start();
  test::RawClient idle(path), other(path);
  idle.next();
  EXPECT_TRUE(other.ask(R"({"method":"stats"})").contains("result"));
  test::RawClient third(path);
  EXPECT_TRUE(third.ask(R"({"method":"version"})").contains("result"));
  EXPECT_TRUE(idle.closed_by_endpoint());
}

}  // namespace
}  // namespace millrace::control

// One session, its time in our hand: bounds of memory, rate and patience.
#include "control/socket/session.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "fake_endpoint.h"

namespace millrace::control {
namespace {

using namespace std::chrono_literals;

class SessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    client = ends[0];
    session.emplace(ends[1], Peer{}, limits, log, now);
  }
  void TearDown() override { close(client); }

  void step() { session->step(endpoint, now, false); }
  void write(const std::string& bytes) {
    ASSERT_EQ(send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // Everything that has come.
  std::string read() {
    std::string out;
    std::array<char, 65536> chunk;
    for (ssize_t count = 0; (count = recv(client, chunk.data(), chunk.size(), 0)) > 0;)
      out.append(chunk.data(), static_cast<size_t>(count));
    return out;
  }
  size_t lines(const std::string& text) { return static_cast<size_t>(std::ranges::count(text, '\n')); }
  std::string requests(int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += "{\"method\":\"nothing\"}\n";
    return out;
  }

  Limits limits;
  Session::Log log;
  test::FakeEndpoint endpoint{1};
  Moment now{1000s};
  int client = -1;
  std::optional<Session> session;
};

TEST_F(SessionTest, OneStep_AnswersAFewRequests_AndAsksForAnother) {
  write(requests(40));
  step();
  EXPECT_EQ(lines(read()), 1U + 16U);
  EXPECT_EQ(session->wake_at(now), now);
  step();
  step();
  EXPECT_EQ(lines(read()), 24U);
  EXPECT_EQ(session->wake_at(now), std::nullopt);
}

TEST_F(SessionTest, CaptureThatBegins_TakesTheConnection_AndWhatIsBehindItIsNotAnswered) {
  endpoint.captured = {'s', 'e', 'c', 't', 'i', 'o', 'n'};
  std::vector<std::string> told;
  log = [&](const std::string& sentence) { told.push_back(sentence); };
  write(
      "{\"id\":1,\"method\":\"capture\",\"params\":{\"direction\":\"out\",\"count\":3}}\n{\"id\":2,"
      "\"method\":\"nothing\"}\n");
  step();
  EXPECT_TRUE(session->finished());
  session.reset();
  const std::string got = read();
  EXPECT_TRUE(got.ends_with("{\"id\":1,\"result\":{\"pcapng\":true}}\nsection")) << got;
  EXPECT_FALSE(endpoint.asked.in);
  EXPECT_TRUE(endpoint.asked.out);
  EXPECT_EQ(endpoint.asked.frames, 3U);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("'capture' asked for"), std::string::npos) << told[0];
}

TEST_F(SessionTest, CaptureThatIsRefused_LeavesTheConnectionToItsSession) {
  write(
      "{\"method\":\"capture\",\"params\":{\"port\":\"none\"}}\n"
      "{\"method\":\"capture\",\"params\":{\"direction\":\"up\"}}\n"
      "{\"method\":\"capture\",\"params\":{\"filter\":\"tcp\"}}\n"
      "{\"method\":\"capture\",\"params\":{\"snap_length\":5}}\n{\"method\":\"help\"}\n");
  step();
  const std::string got = read();
  EXPECT_EQ(lines(got), 6U);
  EXPECT_NE(got.find("There is no such port."), std::string::npos);
  EXPECT_NE(got.find("'direction' is in, out or both"), std::string::npos);
  EXPECT_NE(got.find("'program' is what is run"), std::string::npos);
  EXPECT_NE(got.find("'snap_length' is an integer from 14"), std::string::npos);
  EXPECT_FALSE(session->finished());
}

TEST_F(SessionTest, Requests_BeyondTheRate_WaitForTheirTime) {
  limits.requests_per_second = 10;
  step();
  read();
  now += 1h;  // a long silence saves up one second's worth and no more
  write(requests(15));
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(lines(read()), 10U);
  const auto at = session->wake_at(now);
  ASSERT_TRUE(at);
  EXPECT_GT(*at, now + 90ms);
  EXPECT_LT(*at, now + 110ms);
  now = *at;
  step();
  step();
  EXPECT_EQ(lines(read()), 1U);
}

TEST_F(SessionTest, RepliesThatNobodyReads_StopTheAnswering) {
  limits.requests_per_second = 1'000'000'000;
  now += 1s;
  const std::string many = requests(1000);
  for (int i = 0; i < 3000; ++i) {
    static_cast<void>(send(client, many.data(), many.size(), MSG_NOSIGNAL));
    step();
  }
  // It reads no further: the kernel's buffers and ours are full, and stay so.
  EXPECT_FALSE(session->wants_input());
  EXPECT_TRUE(session->wants_output());
  EXPECT_LT(session->held_bytes(), limits.output_bytes + 2 * kMaxRequestBytes);
  EXPECT_EQ(session->wake_at(now), now + limits.stall_time);
  // Once it is read it goes on.
  EXPECT_GT(lines(read()), 1U);
  step();
  EXPECT_GT(lines(read()), 1U);
}

TEST_F(SessionTest, RepliesNeverRead_EndTheSessionInTime) {
  limits.requests_per_second = 1'000'000'000;
  now += 1s;
  const std::string many = requests(1000);
  for (int i = 0; i < 3000; ++i) {
    static_cast<void>(send(client, many.data(), many.size(), MSG_NOSIGNAL));
    step();
  }
  now += limits.stall_time - 1ms;
  step();
  EXPECT_FALSE(session->finished());
  now += 1ms;
  step();
  EXPECT_TRUE(session->finished());
}

TEST_F(SessionTest, HalfARequest_HasItsTimeFromItsFirstOctet) {
  step();
  now += 1h;
  write("{\"meth");
  step();
  EXPECT_EQ(session->wake_at(now), now + limits.stall_time);
  now += limits.stall_time - 1ms;
  write("od");
  step();
  EXPECT_FALSE(session->finished());
  now += 1ms;
  step();
  EXPECT_NE(read().find("timed_out"), std::string::npos);
  step();
  EXPECT_TRUE(session->finished());
}

TEST_F(SessionTest, HalfARequestBehindAWholeOne_HasItsTimeFromThen) {
  step();
  write("{");
  step();
  now += limits.stall_time - 1ms;
  write("}\n{\"method\"");
  step();
  now += limits.stall_time - 1ms;
  step();
  EXPECT_EQ(read().find("timed_out"), std::string::npos);
  now += 1ms;
  step();
  EXPECT_NE(read().find("timed_out"), std::string::npos);
}

TEST_F(SessionTest, Question_HasItsTime) {
  write("{\"id\":5,\"method\":\"conns\"}\n");
  step();
  EXPECT_TRUE(session->busy());
  EXPECT_LE(*session->wake_at(now), now + 1ms);
  now += limits.request_time - 1us;
  step();
  EXPECT_TRUE(session->busy());
  now += 1us;
  step();
  EXPECT_FALSE(session->busy());
  const std::string text = read();
  EXPECT_NE(text.find("{\"id\":5,\"error\":{\"code\":\"timed_out\""), std::string::npos) << text;
}

TEST_F(SessionTest, PeerThatHangsUp_EndsItWhateverIsUnderWay) {
  write("{\"id\":5,\"method\":\"conns\"}\n");
  step();
  session->step(endpoint, now, true);
  EXPECT_TRUE(session->finished());
}

}  // namespace
}  // namespace millrace::control

// epoll: level, edge, one-shot.
#include "bench.h"

namespace millrace::socket::test {
namespace {

class Polling : public Bench {
 protected:
  void watch(uint32_t events) {
    establish();
    epoll = static_cast<int>(server.epoll_create(0).value);
    epoll_event event{.events = events, .data = {.fd = far}};
    EXPECT_EQ(server.epoll_control(epoll, EPOLL_CTL_ADD, far, &event).error, 0);
  }
  // What is ready now; 0: nothing.
  uint32_t ready(int limit_ms = 0) {
    epoll_event event{};
    const Outcome outcome = finish(right, [&](Call& call) {
      return server.epoll_wait(epoll, {&event, 1}, call, limit_ms);
    });
    return outcome.value == 1 ? event.events : 0;
  }
  void arrive(const std::string& octets) {
    write(left, near, octets);
    world.run_for(100ms);
  }
  int epoll = -1;
};
INSTANTIATE_TEST_SUITE_P(Both, Polling, testing::Values(Family::V4, Family::V6), family_name);

TEST_P(Polling, Level_SaysItAgain) {
  watch(EPOLLIN);
  EXPECT_EQ(ready(), 0U);
  arrive("abc");
  EXPECT_EQ(ready(), EPOLLIN);
  EXPECT_EQ(ready(), EPOLLIN);
  std::string got;
  read(right, far, got, 10);
  EXPECT_EQ(ready(), 0U);
}

TEST_P(Polling, Edge_SaysItOncePerArrival) {
  watch(EPOLLIN | EPOLLOUT | EPOLLET);
  EXPECT_EQ(ready(), EPOLLOUT);
  EXPECT_EQ(ready(), 0U);
  arrive("abc");
  EXPECT_EQ(ready(), EPOLLIN | EPOLLOUT);
  EXPECT_EQ(ready(), 0U);
  arrive("def");  // nothing has been read in between
  EXPECT_EQ(ready(), EPOLLIN | EPOLLOUT);
  EXPECT_EQ(ready(), 0U);
}

TEST_P(Polling, OneShot_IsSilentUntilModified) {
  watch(EPOLLIN | EPOLLONESHOT);
  arrive("abc");
  EXPECT_EQ(ready(), EPOLLIN);
  arrive("def");
  EXPECT_EQ(ready(), 0U);
  epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.fd = far}};
  EXPECT_EQ(server.epoll_control(epoll, EPOLL_CTL_MOD, far, &event).error, 0);
  EXPECT_EQ(ready(), EPOLLIN);
}

TEST_P(Polling, Waits_AndWakes) {
  watch(EPOLLIN);
  const Instant began = world.now();
  EXPECT_EQ(ready(500), 0U);
  EXPECT_EQ(world.now() - began, 500ms);
  world.at(left, world.now() + 2s, [&] {
    const iovec from{const_cast<char*>("x"), 1};
    Call call;
    client.send(near, {&from, 1}, 0, call);
  });
  EXPECT_EQ(ready(-1), EPOLLIN);
}

TEST_P(Polling, HalfClosedPeer_ReadHangUp) {
  watch(EPOLLIN | EPOLLRDHUP);
  once(left, [&] { return client.shutdown(near, SHUT_WR); });
  world.run_for(100ms);
  EXPECT_EQ(ready(), EPOLLIN | EPOLLRDHUP);
}

TEST_P(Polling, Reset_ErrorAndHangUpUnasked) {
  watch(0);
  const ::linger now{.l_onoff = 1, .l_linger = 0};
  client.set_option(near, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  once(left, [&] { return client.close(near); });
  world.run_for(100ms);
  EXPECT_EQ(ready(), EPOLLERR | EPOLLHUP);
}

TEST_P(Polling, Listener_IsReadableWhenAConnectionWaits) {
  listener = listen();
  epoll = static_cast<int>(server.epoll_create(0).value);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  server.epoll_control(epoll, EPOLL_CTL_ADD, listener, &event);
  EXPECT_EQ(ready(), 0U);
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  EXPECT_EQ(ready(-1), EPOLLIN);
}

TEST_P(Polling, Control_Errors) {
  watch(EPOLLIN);
  epoll_event event{.events = EPOLLIN, .data = {.fd = far}};
  EXPECT_EQ(server.epoll_control(epoll, EPOLL_CTL_ADD, far, &event).error, EEXIST);
  EXPECT_EQ(server.epoll_control(epoll, EPOLL_CTL_DEL, far, nullptr).error, 0);
  EXPECT_EQ(server.epoll_control(epoll, EPOLL_CTL_DEL, far, nullptr).error, ENOENT);
  EXPECT_EQ(server.epoll_control(epoll, EPOLL_CTL_ADD, 77, &event).error, EBADF);
  EXPECT_EQ(server.epoll_control(far, EPOLL_CTL_ADD, far, &event).error, EINVAL);
}

TEST_P(Polling, ClosedDescriptor_LeavesTheSet) {
  watch(EPOLLIN);
  arrive("abc");
  once(right, [&] { return server.close(far); });
  EXPECT_EQ(ready(), 0U);
}

}  // namespace
}  // namespace millrace::socket::test

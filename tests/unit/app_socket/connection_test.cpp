// Opening and closing: bind, listen, accept, connect, shutdown, close.
#include "bench.h"

namespace millrace::socket::test {
namespace {

using Connecting = Bench;
INSTANTIATE_TEST_SUITE_P(Both, Connecting, testing::Values(Family::V4, Family::V6), family_name);

TEST_P(Connecting, Blocking_ConnectWaitsForTheHandshake) {
  listen();
  const int fd = make(left);
  const Instant began = world.now();
  EXPECT_EQ(connect(fd).error, 0);
  EXPECT_GE(world.now() - began, 20ms);
  EXPECT_EQ(connect(fd).error, EISCONN);
}

TEST_P(Connecting, Nonblocking_InProgressThenAlreadyThenDone) {
  listen();
  const int fd = make(left, SOCK_STREAM | SOCK_NONBLOCK);
  EXPECT_EQ(connect(fd).error, EINPROGRESS);
  EXPECT_EQ(connect(fd).error, EALREADY);
  world.run_for(100ms);
  pollfd polled{.fd = fd, .events = POLLOUT, .revents = 0};
  EXPECT_EQ(finish(left, [&](Call& call) { return client.poll({&polled, 1}, call, 0); }).value, 1);
  EXPECT_EQ(polled.revents, POLLOUT);
  EXPECT_EQ(get(left, fd, SOL_SOCKET, SO_ERROR), 0);
  EXPECT_EQ(connect(fd).error, 0);
  EXPECT_EQ(connect(fd).error, EISCONN);
}

TEST_P(Connecting, NobodyListens_RefusedAndReusable) {
  const int fd = make(left);
  EXPECT_EQ(connect(fd).error, ECONNREFUSED);
  listen();
  EXPECT_EQ(connect(fd).error, 0);
}

TEST_P(Connecting, NonblockingRefused_SoErrorTellsOnce) {
  const int fd = make(left, SOCK_STREAM | SOCK_NONBLOCK);
  EXPECT_EQ(connect(fd).error, EINPROGRESS);
  world.run_for(100ms);
  pollfd polled{.fd = fd, .events = POLLIN | POLLOUT, .revents = 0};
  finish(left, [&](Call& call) { return client.poll({&polled, 1}, call, 0); });
  EXPECT_EQ(polled.revents, POLLIN | POLLOUT | POLLERR | POLLHUP);
  EXPECT_EQ(get(left, fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
  EXPECT_EQ(get(left, fd, SOL_SOCKET, SO_ERROR), 0);
}

TEST_P(Connecting, SendTimeout_EndsTheWaitNotTheAttempt) {
  listen();
  world.link(left, right).set_params({.delay = 5s});
  const int fd = make(left);
  const timeval limit{.tv_sec = 1, .tv_usec = 0};
  client.set_option(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const Instant began = world.now();
  EXPECT_EQ(connect(fd).error, EINPROGRESS);
  EXPECT_EQ(world.now() - began, 1s);
  world.run_for(10s);
  EXPECT_EQ(connect(fd).error, 0);
}

TEST_P(Connecting, Accept_NonblockingHasNothingThenBlockingWaits) {
  const int fd = listen();
  set_nonblocking(right, fd);
  Call call;
  EXPECT_EQ(once(right, [&] { return server.accept(fd, nullptr, nullptr, 0, call); }).error, EAGAIN);
  server.fcntl(fd, F_SETFL, 0);
  const int near_fd = make(left, SOCK_STREAM | SOCK_NONBLOCK);
  connect(near_fd);
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  const Outcome accepted = finish(right, [&](Call& again) {
    return server.accept(fd, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK, again);
  });
  EXPECT_GT(accepted.value, 0);
  const ReadAddress read =
      read_address(GetParam() == Family::V4 ? AF_INET : AF_INET6, reinterpret_cast<sockaddr*>(&peer), length);
  EXPECT_EQ(read.endpoint.address, sim::host_address(1, GetParam()));
  EXPECT_EQ(server.fcntl(static_cast<int>(accepted.value), F_GETFL, 0).value, O_RDWR | O_NONBLOCK);
}

TEST_P(Connecting, ResetBeforeAccept_IsAcceptedAllTheSame) {
  const int fd = listen();
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  world.run_for(100ms);
  const ::linger now{.l_onoff = 1, .l_linger = 0};
  client.set_option(near, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  once(left, [&] { return client.close(near); });
  world.run_for(100ms);
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  const Outcome accepted = finish(right, [&](Call& call) {
    return server.accept(fd, reinterpret_cast<sockaddr*>(&peer), &length, 0, call);
  });
  ASSERT_GT(accepted.value, 0);
  const ReadAddress from =
      read_address(GetParam() == Family::V4 ? AF_INET : AF_INET6, reinterpret_cast<sockaddr*>(&peer), length);
  EXPECT_EQ(from.endpoint.address, sim::host_address(1, GetParam()));
  std::string got;
  EXPECT_EQ(read(right, static_cast<int>(accepted.value), got, 10).error, ECONNRESET);
}

TEST_P(Connecting, DeferAccept_WaitsForText) {
  const int fd = listen();
  set(right, fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
  set_nonblocking(right, fd);
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  world.run_for(1s);
  Call call;
  EXPECT_EQ(once(right, [&] { return server.accept(fd, nullptr, nullptr, 0, call); }).error, EAGAIN);
  write(left, near, "text");
  world.run_for(100ms);
  EXPECT_GT(once(right, [&] { return server.accept(fd, nullptr, nullptr, 0, call); }).value, 0);
}

TEST_P(Connecting, DeferAccept_EndsWithItsTime) {
  const int fd = listen();
  set(right, fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  const Instant from = world.now();
  pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
  EXPECT_EQ(finish(right, [&](Call& call) { return server.poll({&polled, 1}, call, -1); }).value, 1);
  EXPECT_GT(world.now() - from, 4s);
  EXPECT_LT(world.now() - from, 6s);
  EXPECT_GT(accept(fd), 0);
}

TEST_P(Connecting, DeferAccept_ListenerClosedMeanwhile_Resets) {
  const int fd = listen();
  set(right, fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  world.run_for(100ms);
  once(right, [&] { return server.close(fd); });
  world.run_for(100ms);
  EXPECT_EQ(get(left, near, SOL_SOCKET, SO_ERROR), ECONNRESET);
}

TEST_P(Connecting, AcceptTimeout_EndsTheWait) {
  const int fd = listen();
  const timeval limit{.tv_sec = 2, .tv_usec = 0};
  server.set_option(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const Instant began = world.now();
  EXPECT_EQ(finish(right, [&](Call& call) { return server.accept(fd, nullptr, nullptr, 0, call); }).error,
            EAGAIN);
  EXPECT_EQ(world.now() - began, 2s);
}

TEST_P(Connecting, ListenerCloses_WaitingConnectionsAreReset) {
  const int fd = listen();
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  world.run_for(100ms);
  EXPECT_EQ(once(right, [&] { return server.close(fd); }).error, 0);
  std::string got;
  EXPECT_EQ(read(left, near, got, 10).error, ECONNRESET);
  const int again = make(left);
  EXPECT_EQ(connect(again).error, ECONNREFUSED);
  listen();  // the endpoint is free again
  EXPECT_EQ(connect(again).error, 0);
}

// Programs run before connections are told: the handshake has ended, and nobody knows yet.
TEST_P(Connecting, ListenerClosesBeforeItIsTold_TheConnectionIsReset) {
  class Closer final : public app::Program {
   public:
    Closer(const shard::Shard& shard, Sockets& sockets, int fd) : shard_(shard), sockets_(sockets), fd_(fd) {}
    void run(app::Stack&, Instant) override {
      if (!sockets_.owns(fd_) || shard_.counters().tcp_established.value() == 0) return;
      EXPECT_EQ(shard_.usage().connections, 1U);
      sockets_.close(fd_);
    }
    Instant next_call() const override { return kNever; }

   private:
    const shard::Shard& shard_;
    Sockets& sockets_;
    int fd_;
  };
  listener = listen();
  program = std::make_unique<Closer>(world.shard(right), server, listener);
  world.shard(right).add_program(*program);
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  std::string got;
  EXPECT_EQ(read(left, near, got, 10).error, ECONNRESET);
  EXPECT_FALSE(server.owns(listener));
}

TEST_P(Connecting, AddressInUse_UnlessBothReuseAndNobodyListens) {
  listener = listen();
  const int other = make(right);
  Address local = address(right);
  EXPECT_EQ(once(right, [&] { return server.bind(other, local.get(), local.length); }).error, EADDRINUSE);
  EXPECT_EQ(set(right, other, SOL_SOCKET, SO_REUSEADDR, 1), 0);
  EXPECT_EQ(once(right, [&] { return server.bind(other, local.get(), local.length); }).error, EADDRINUSE);
  Address foreign = address(left);
  EXPECT_EQ(once(right, [&] { return server.bind(other, foreign.get(), foreign.length); }).error,
            EADDRNOTAVAIL);
  server.close(listener);
  EXPECT_EQ(once(right, [&] { return server.bind(other, local.get(), local.length); }).error, 0);
  EXPECT_EQ(once(right, [&] { return server.bind(other, local.get(), local.length); }).error, EINVAL);
}

TEST_P(Connecting, NamesOfBothEnds) {
  establish();
  sockaddr_storage a{}, b{};
  socklen_t a_length = sizeof a, b_length = sizeof b;
  EXPECT_EQ(client.local_name(near, reinterpret_cast<sockaddr*>(&a), &a_length).error, 0);
  EXPECT_EQ(server.peer_name(far, reinterpret_cast<sockaddr*>(&b), &b_length).error, 0);
  EXPECT_EQ(a_length, b_length);
  EXPECT_EQ(std::memcmp(&a, &b, a_length), 0);
  EXPECT_EQ(server.peer_name(listener, reinterpret_cast<sockaddr*>(&b), &b_length).error, ENOTCONN);
}

TEST_P(Connecting, HalfClose_TheOtherWayGoesOn) {
  establish();
  EXPECT_EQ(once(left, [&] { return client.shutdown(near, SHUT_WR); }).error, 0);
  EXPECT_EQ(write(left, near, "x").error, EPIPE);
  std::string got;
  EXPECT_EQ(read(right, far, got, 10).value, 0);
  EXPECT_EQ(write(right, far, "still here").value, 10);
  EXPECT_EQ(read(left, near, got, 10).value, 10);
  EXPECT_EQ(got, "still here");
}

TEST_P(Connecting, LingerZero_CloseResets) {
  establish();
  const ::linger now{.l_onoff = 1, .l_linger = 0};
  EXPECT_EQ(client.set_option(near, SOL_SOCKET, SO_LINGER, &now, sizeof now).error, 0);
  once(left, [&] { return client.close(near); });
  std::string got;
  EXPECT_EQ(read(right, far, got, 10).error, ECONNRESET);
}

TEST_P(Connecting, CloseWithUnreadData_Resets) {
  establish();
  write(right, far, "unread");
  world.run_for(100ms);
  once(left, [&] { return client.close(near); });
  std::string got;
  EXPECT_EQ(read(right, far, got, 10).error, ECONNRESET);
}

TEST_P(Connecting, Disconnect_MakesTheSocketNew) {
  establish();
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  Call call;
  EXPECT_EQ(once(left, [&] { return client.connect(near, &none, sizeof none, call); }).error, 0);
  std::string got;
  EXPECT_EQ(read(right, far, got, 10).error, ECONNRESET);
  EXPECT_EQ(connect(near).error, 0);
}

// An AF_INET6 socket serves IPv4 peers under their mapped addresses, unless IPV6_V6ONLY.
class Mapped : public Bench {};
INSTANTIATE_TEST_SUITE_P(Both, Mapped, testing::Values(Family::V4), family_name);

TEST_P(Mapped, DualStackListener_SeesAMappedPeer) {
  const auto fd =
      static_cast<int>(once(right, [&] { return server.socket(AF_INET6, SOCK_STREAM, 0); }).value);
  Address any(Family::V6, {IpAddress(), kPort});
  EXPECT_EQ(once(right, [&] { return server.bind(fd, any.get(), any.length); }).error, 0);
  EXPECT_EQ(once(right, [&] { return server.listen(fd, 4); }).error, 0);
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  sockaddr_in6 peer{};
  socklen_t length = sizeof peer;
  finish(right,
         [&](Call& call) { return server.accept(fd, reinterpret_cast<sockaddr*>(&peer), &length, 0, call); });
  EXPECT_EQ(peer.sin6_family, AF_INET6);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
}

TEST_P(Mapped, V6Only_LeavesIPv4Alone) {
  const auto fd =
      static_cast<int>(once(right, [&] { return server.socket(AF_INET6, SOCK_STREAM, 0); }).value);
  EXPECT_EQ(set(right, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
  Address any(Family::V6, {IpAddress(), kPort});
  once(right, [&] { return server.bind(fd, any.get(), any.length); });
  EXPECT_EQ(once(right, [&] { return server.listen(fd, 4); }).error, 0);
  near = make(left);
  EXPECT_EQ(connect(near).error, ECONNREFUSED);
}

}  // namespace
}  // namespace millrace::socket::test

// The errno of what goes wrong.
#include "bench.h"

namespace millrace::socket::test {
namespace {

using Errors = Bench;

sim::LinkParams dead() {
  sim::LinkParams params;
  params.faults.loss_ppm = 1'000'000;
  return params;
}

INSTANTIATE_TEST_SUITE_P(Both, Errors, testing::Values(Family::V4, Family::V6), family_name);

TEST_P(Errors, Socket_OfAnotherKind) {
  EXPECT_EQ(client.socket(AF_UNIX, SOCK_STREAM, 0).error, EAFNOSUPPORT);
  EXPECT_EQ(client.socket(AF_INET, SOCK_DGRAM, 0).error, EPROTONOSUPPORT);
  EXPECT_EQ(client.socket(AF_INET, SOCK_STREAM, IPPROTO_UDP).error, EPROTONOSUPPORT);
}

TEST_P(Errors, DescriptorOfNothing) {
  EXPECT_EQ(client.listen(99, 1).error, EBADF);
  EXPECT_EQ(client.close(99).error, EBADF);
  const auto epoll = static_cast<int>(client.epoll_create(0).value);
  EXPECT_EQ(client.listen(epoll, 1).error, ENOTSOCK);
  client.close(epoll);
}

TEST_P(Errors, Address_OfTheWrongFamilyOrTooShort) {
  const int fd = make(left);
  Address other(GetParam() == Family::V4 ? Family::V6 : Family::V4, {sim::host_address(1, GetParam()), 1});
  EXPECT_EQ(client.bind(fd, other.get(), other.length).error, EAFNOSUPPORT);
  Address good = address(left);
  EXPECT_EQ(client.bind(fd, good.get(), 4).error, EINVAL);
}

// Linux's errno says whether the network had reported trouble: here nobody answers for the neighbour.
TEST_P(Errors, PeerVanishes_TimedOutOrUnreachable) {
  establish();
  world.link(left, right).set_params(dead());
  write(left, near, "into the void");
  std::string got;
  const int error = read(left, near, got, 10).error;
  EXPECT_TRUE(error == ETIMEDOUT || error == EHOSTUNREACH) << error;
  EXPECT_EQ(read(left, near, got, 10).value, 0);
  EXPECT_EQ(write(left, near, "x").error, EPIPE);
  world.link(left, right).set_params({});
}

TEST_P(Errors, SynUnanswered_TimedOut) {
  listen();
  world.link(left, right).set_params(dead());
  const int fd = make(left);
  const int error = connect(fd).error;
  EXPECT_TRUE(error == ETIMEDOUT || error == EHOSTUNREACH) << error;
}

TEST_P(Errors, WriteToAReset_ConnectionResetThenPipe) {
  establish();
  const ::linger now{.l_onoff = 1, .l_linger = 0};
  server.set_option(far, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  once(right, [&] { return server.close(far); });
  world.run_for(100ms);
  EXPECT_EQ(write(left, near, "x").error, ECONNRESET);
  EXPECT_EQ(write(left, near, "x").error, EPIPE);
}

TEST_P(Errors, SendUnconnected_Pipe) {
  const int fd = make(left);
  EXPECT_EQ(write(left, fd, "x").error, EPIPE);
  EXPECT_EQ(write(left, fd, "x", MSG_FASTOPEN).error, EDESTADDRREQ);
  EXPECT_EQ(client.shutdown(fd, SHUT_RDWR).error, ENOTCONN);
}

TEST_P(Errors, BackToBackListen_AndListenWhenConnected) {
  establish();
  EXPECT_EQ(once(right, [&] { return server.listen(listener, 2); }).error, 0);
  EXPECT_EQ(once(left, [&] { return client.listen(near, 2); }).error, EINVAL);
  Call call;
  EXPECT_EQ(client.accept(near, nullptr, nullptr, 0, call).error, EINVAL);
}

TEST_P(Errors, BadBuffers) {
  establish();
  const iovec hole{nullptr, 5};
  Call call, other;
  EXPECT_EQ(client.send(near, {&hole, 1}, 0, call).error, EFAULT);
  EXPECT_EQ(client.receive(near, {&hole, 1}, 0, other).error, EFAULT);
  const iovec huge{&call, SIZE_MAX};
  Call third;
  EXPECT_EQ(client.send(near, {&huge, 1}, 0, third).error, EINVAL);
}

}  // namespace
}  // namespace millrace::socket::test

// send and its buffer.
#include "bench.h"

namespace millrace::socket::test {
namespace {

using Sending = Bench;
INSTANTIATE_TEST_SUITE_P(Both, Sending, testing::Values(Family::V4, Family::V6), family_name);

TEST_P(Sending, MoreThanTheBuffer_BlocksUntilRead) {
  establish();
  set(left, near, SOL_SOCKET, SO_SNDBUF, 10'000);
  const std::string sent = text(300'000);
  std::string got;
  world.at(right, world.now() + 1s, [&] { server.fcntl(far, F_SETFL, O_NONBLOCK); });
  const iovec from{const_cast<char*>(sent.data()), sent.size()};
  // The reader takes what there is each time the writer waits.
  Call call;
  Outcome outcome;
  do {
    outcome = once(left, [&] { return client.send(near, {&from, 1}, 0, call); });
    world.run_for(200ms);
    std::string part;
    if (read(right, far, part, 50'000, MSG_DONTWAIT).error == 0) got += part;
  } while (outcome.blocked);
  EXPECT_EQ(outcome.value, 300'000);
  while (got.size() < sent.size()) {
    std::string part;
    ASSERT_GT(read(right, far, part, 50'000).value, 0);
    got += part;
  }
  EXPECT_EQ(got, sent);
}

TEST_P(Sending, Nonblocking_TakesAPartThenNothing) {
  establish();
  set(left, near, SOL_SOCKET, SO_SNDBUF, 10'000);
  set_nonblocking(left, near);
  EXPECT_EQ(write(left, near, text(30'000)).value, 10'000);
  EXPECT_EQ(write(left, near, "x").error, EAGAIN);
  pollfd polled{.fd = near, .events = POLLOUT, .revents = 0};
  EXPECT_EQ(finish(left, [&](Call& call) { return client.poll({&polled, 1}, call, 0); }).value, 0);
  EXPECT_EQ(finish(left, [&](Call& call) { return client.poll({&polled, 1}, call, -1); }).value, 1);
}

TEST_P(Sending, NotSentLowWater_LimitsWhatIsQueued) {
  establish();
  set_nonblocking(left, near);
  world.link(right, left).set_params({.delay = 10s});  // no acknowledgement for long
  set(left, near, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4'000);
  const int64_t first = write(left, near, text(4'000)).value;
  EXPECT_EQ(first, 4'000);
  world.run_for(1ms);
  int64_t queued = first;
  for (int i = 0; i < 20; ++i) queued += std::max<int64_t>(0, write(left, near, text(4'000)).value);
  int unsent = 0;
  client.ioctl(near, 0x894B /* SIOCOUTQNSD */, &unsent);
  EXPECT_LE(unsent, 4'000);
  EXPECT_LT(queued, 24'000);  // the initial window and the low water
}

TEST_P(Sending, Cork_HoldsThePartialSegment) {
  establish();
  set(left, near, IPPROTO_TCP, TCP_CORK, 1);
  write(left, near, "a");
  write(left, near, "b");
  world.run_for(100ms);
  int octets = 0;
  server.ioctl(far, 0x541B, &octets);
  EXPECT_EQ(octets, 0);
  set(left, near, IPPROTO_TCP, TCP_CORK, 0);
  world.run_for(100ms);
  server.ioctl(far, 0x541B, &octets);
  EXPECT_EQ(octets, 2);
}

TEST_P(Sending, More_HoldsUntilTheNextSend) {
  establish();
  write(left, near, "a", MSG_MORE);
  world.run_for(100ms);
  int octets = 0;
  server.ioctl(far, 0x541B, &octets);
  EXPECT_EQ(octets, 0);
  write(left, near, "b");
  world.run_for(100ms);
  server.ioctl(far, 0x541B, &octets);
  EXPECT_EQ(octets, 2);
}

TEST_P(Sending, Corked_LeavesByItselfAfterATimeout) {
  establish();
  set(left, near, IPPROTO_TCP, TCP_CORK, 1);
  write(left, near, "forgotten");
  world.run_for(2s);
  int octets = 0;
  server.ioctl(far, 0x541B, &octets);
  EXPECT_EQ(octets, 9);
}

TEST_P(Sending, Gathered_GoesInOrder) {
  establish();
  std::string a = "abc", b = "defgh";
  const iovec from[2] = {{a.data(), a.size()}, {b.data(), b.size()}};
  EXPECT_EQ(finish(left, [&](Call& call) { return client.send(near, from, 0, call); }).value, 8);
  std::string got;
  EXPECT_EQ(read(right, far, got, 8, MSG_WAITALL).value, 8);
  EXPECT_EQ(got, "abcdefgh");
}

TEST_P(Sending, WhileConnecting_WaitsOrSaysAgain) {
  listen();
  const int fd = make(left, SOCK_STREAM | SOCK_NONBLOCK);
  EXPECT_EQ(connect(fd).error, EINPROGRESS);
  EXPECT_EQ(write(left, fd, "x").error, EAGAIN);
  client.fcntl(fd, F_SETFL, 0);
  EXPECT_EQ(write(left, fd, "x").value, 1);
}

class FastOpen : public Bench {
 protected:
  Outcome send_fast(int fd, std::span<const iovec> from) {
    Address remote = address(right);
    return finish(left, [&](Call& call) {
      return client.send(fd, from, MSG_FASTOPEN, call, remote.get(), remote.length);
    });
  }
  // A listener that grants cookies, and a client that has one.
  void learn_cookie() {
    listener = listen();
    set(right, listener, IPPROTO_TCP, TCP_FASTOPEN, 8);
    const int fd = make(left, SOCK_STREAM | SOCK_NONBLOCK);
    EXPECT_EQ(send_fast(fd, {}).error, EINPROGRESS);
    world.run_for(100ms);
  }
};
INSTANTIATE_TEST_SUITE_P(Both, FastOpen, testing::Values(Family::V4, Family::V6), family_name);

TEST_P(FastOpen, Nonblocking_TakesWhatTheSynCarriesOfAllBuffers) {
  learn_cookie();
  const std::string sent = text(3'000);
  const iovec from[2] = {{const_cast<char*>(sent.data()), 500}, {const_cast<char*>(sent.data()) + 500, 2'500}};
  const int fd = make(left, SOCK_STREAM | SOCK_NONBLOCK);
  const int64_t room = GetParam() == Family::V4 ? 1'420 : 1'400;  // the MSS without room for options
  EXPECT_EQ(send_fast(fd, from).value, room);
  EXPECT_EQ(write(left, fd, "x").error, EAGAIN) << "the rest waits for the connection";
  accept(listener);
  far = accept(listener);
  std::string got;
  EXPECT_EQ(read(right, far, got, 5'000).value, room);
  EXPECT_EQ(got, sent.substr(0, static_cast<size_t>(room)));
}

TEST_P(FastOpen, Blocking_SendsTheRestAfterTheHandshake) {
  learn_cookie();
  const std::string sent = text(3'000);
  const iovec from{const_cast<char*>(sent.data()), sent.size()};
  EXPECT_EQ(send_fast(make(left), {&from, 1}).value, 3'000);
  world.run_for(100ms);
  accept(listener);
  far = accept(listener);
  std::string got;
  EXPECT_EQ(read(right, far, got, 5'000).value, 3'000);
  EXPECT_EQ(got, sent);
}

TEST_P(FastOpen, Blocking_RefusedSynTellsTheError) {
  learn_cookie();
  once(right, [&] { return server.close(listener); });
  world.run_for(100ms);
  const iovec from{const_cast<char*>("request"), 7};
  EXPECT_EQ(send_fast(make(left), {&from, 1}).error, ECONNREFUSED) << "what the SYN carried was not taken";
}

TEST_P(FastOpen, WhereItIsOff_IsNotSupported) {
  ShardParams params = sim::host_params(1);
  params.tcp.fast_open = false;
  world.shard(left).set_tcp_params(params.tcp);
  const int fd = make(left, SOCK_STREAM | SOCK_NONBLOCK);
  const iovec from{const_cast<char*>("request"), 7};
  EXPECT_EQ(send_fast(fd, {&from, 1}).error, EOPNOTSUPP);
  EXPECT_EQ(set(left, fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), EOPNOTSUPP);
}

}  // namespace
}  // namespace millrace::socket::test

// recv and its flags.
#include "bench.h"

namespace millrace::socket::test {
namespace {

using Receiving = Bench;
INSTANTIATE_TEST_SUITE_P(Both, Receiving, testing::Values(Family::V4, Family::V6), family_name);

TEST_P(Receiving, ShortData_IsReturnedAsItIs) {
  establish();
  write(left, near, "hello");
  std::string got;
  EXPECT_EQ(read(right, far, got, 100).value, 5);
  EXPECT_EQ(got, "hello");
}

TEST_P(Receiving, WaitAll_WaitsForEverything) {
  establish();
  write(left, near, "first ");
  world.at(left, world.now() + 3s, [&] {
    const std::string more = "second";
    const iovec from{const_cast<char*>(more.data()), more.size()};
    Call call;
    EXPECT_EQ(client.send(near, {&from, 1}, 0, call).value, 6);
  });
  std::string got;
  EXPECT_EQ(read(right, far, got, 12, MSG_WAITALL).value, 12);
  EXPECT_EQ(got, "first second");
}

TEST_P(Receiving, WaitAll_EndOfStreamGivesWhatThereIs) {
  establish();
  write(left, near, "part");
  once(left, [&] { return client.close(near); });
  std::string got;
  EXPECT_EQ(read(right, far, got, 100, MSG_WAITALL).value, 4);
  EXPECT_EQ(read(right, far, got, 100, MSG_WAITALL).value, 0);
}

TEST_P(Receiving, Peek_LeavesTheData) {
  establish();
  const std::string sent = text(5000);  // several segments
  write(left, near, sent);
  world.run_for(1s);
  std::string got;
  EXPECT_EQ(read(right, far, got, 5000, MSG_PEEK).value, 5000);
  EXPECT_EQ(got, sent);
  EXPECT_EQ(read(right, far, got, 5000).value, 5000);
  EXPECT_EQ(got, sent);
}

TEST_P(Receiving, DontWait_HasNothing) {
  establish();
  std::string got;
  EXPECT_EQ(read(right, far, got, 10, MSG_DONTWAIT).error, EAGAIN);
}

TEST_P(Receiving, Timeout_EndsTheWait) {
  establish();
  const timeval limit{.tv_sec = 0, .tv_usec = 700'000};
  server.set_option(far, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const Instant began = world.now();
  std::string got;
  EXPECT_EQ(read(right, far, got, 10).error, EAGAIN);
  EXPECT_EQ(world.now() - began, 700ms);
}

TEST_P(Receiving, LowWater_HoldsBackReadAndPoll) {
  establish();
  set(right, far, SOL_SOCKET, SO_RCVLOWAT, 8);
  write(left, near, "four");
  world.run_for(1s);
  pollfd polled{.fd = far, .events = POLLIN, .revents = 0};
  EXPECT_EQ(finish(right, [&](Call& call) { return server.poll({&polled, 1}, call, 0); }).value, 0);
  write(left, near, "more");
  std::string got;
  EXPECT_EQ(read(right, far, got, 100).value, 8);
}

TEST_P(Receiving, Trunc_Discards) {
  establish();
  write(left, near, "discarded kept");
  world.run_for(1s);
  const iovec nowhere{nullptr, 10};
  EXPECT_EQ(finish(right,
                   [&](Call& call) {
                     return server.receive(far, {&nowhere, 1}, MSG_TRUNC, call);
                   })
                .value,
            10);
  std::string got;
  read(right, far, got, 10);
  EXPECT_EQ(got, "kept");
}

TEST_P(Receiving, Scattered_FillsTheBuffersInOrder) {
  establish();
  write(left, near, "abcdefgh");
  world.run_for(1s);
  char first[3], second[10];
  iovec into[2] = {{first, 3}, {second, 10}};
  msghdr message{};
  message.msg_iov = into;
  message.msg_iovlen = 2;
  EXPECT_EQ(finish(right, [&](Call& call) { return server.receive_message(far, &message, 0, call); }).value,
            8);
  EXPECT_EQ(std::string(first, 3) + std::string(second, 5), "abcdefgh");
}

TEST_P(Receiving, Inquire_TellsWhatIsLeft) {
  establish();
  set(right, far, IPPROTO_TCP, 36 /* TCP_INQ */, 1);
  write(left, near, "abcdefgh");
  world.run_for(1s);
  char octets[3];
  iovec into{octets, 3};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  finish(right, [&](Call& call) { return server.receive_message(far, &message, 0, call); });
  int left_over = 0;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  ASSERT_NE(header, nullptr);
  std::memcpy(&left_over, CMSG_DATA(header), sizeof left_over);
  EXPECT_EQ(left_over, 5);

  // The end of the stream counts as one octet, as Linux has it.
  once(left, [&] { return client.shutdown(near, SHUT_WR); });
  world.run_for(1s);
  char rest[5];
  into = {rest, 5};
  message.msg_controllen = sizeof control;
  finish(right, [&](Call& call) { return server.receive_message(far, &message, 0, call); });
  header = CMSG_FIRSTHDR(&message);
  ASSERT_NE(header, nullptr);
  std::memcpy(&left_over, CMSG_DATA(header), sizeof left_over);
  EXPECT_EQ(left_over, 1);
}

TEST_P(Receiving, ResetBehindData_DataFirstThenTheErrorThenTheEnd) {
  establish();
  write(left, near, "last words");
  world.run_for(100ms);
  const ::linger now{.l_onoff = 1, .l_linger = 0};
  client.set_option(near, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  once(left, [&] { return client.close(near); });
  world.run_for(100ms);
  std::string got;
  EXPECT_EQ(read(right, far, got, 4).value, 4);
  EXPECT_EQ(read(right, far, got, 100).value, 6);
  EXPECT_EQ(got, " words");
  EXPECT_EQ(read(right, far, got, 100).error, ECONNRESET);
  EXPECT_EQ(read(right, far, got, 100).value, 0);
}

TEST_P(Receiving, Queues_AreCounted) {
  establish();
  write(left, near, "abcdefgh");
  int octets = -1;
  client.ioctl(near, 0x5411 /* SIOCOUTQ */, &octets);
  EXPECT_EQ(octets, 8);
  world.run_for(1s);
  client.ioctl(near, 0x5411, &octets);
  EXPECT_EQ(octets, 0);
  server.ioctl(far, 0x541B /* SIOCINQ */, &octets);
  EXPECT_EQ(octets, 8);
}

TEST_P(Receiving, Unconnected_SaysSo) {
  const int fd = make(left);
  std::string got;
  EXPECT_EQ(read(left, fd, got, 10).error, ENOTCONN);
}

}  // namespace
}  // namespace millrace::socket::test

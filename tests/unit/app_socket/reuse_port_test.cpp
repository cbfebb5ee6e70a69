// SO_REUSEPORT: several listening sockets on one endpoint.
#include "bench.h"

namespace millrace::socket::test {
namespace {

class ReusePorts : public Bench {
 protected:
  int bound(bool reuse, int* error = nullptr) {
    const int fd = make(right);
    if (reuse) set(right, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    Address local = address(right);
    const int said = once(right, [&] { return server.bind(fd, local.get(), local.length); }).error;
    if (error != nullptr)
      *error = said;
    else
      EXPECT_EQ(said, 0);
    return fd;
  }
  int listen_on(int fd, int backlog = 16) {
    return once(right, [&] { return server.listen(fd, backlog); }).error;
  }
  // So many connections, each from a port of its own; returns how many could be opened.
  int open(int count) {
    int opened = 0;
    for (int i = 0; i < count; ++i) {
      const int fd = make(left);
      if (connect(fd).error != 0) {
        once(left, [&] { return client.close(fd); });
        continue;
      }
      ++opened;
      clients.push_back(fd);
    }
    world.run_for(1s);
    return opened;
  }
  // Those in the queue of `fd`, which are taken.
  int take_all(int fd) {
    server.fcntl(fd, F_SETFL, O_NONBLOCK);
    int count = 0;
    for (;;) {
      Call call;
      const Outcome taken = once(right, [&] { return server.accept(fd, nullptr, nullptr, 0, call); });
      if (taken.error != 0) return count;
      ++count;
    }
  }
  std::vector<int> clients;
};
INSTANTIATE_TEST_SUITE_P(Both, ReusePorts, testing::Values(Family::V4, Family::V6), family_name);

TEST_P(ReusePorts, EachConnectionIsForOneOfThem) {
  const int first = bound(true), second = bound(true);
  EXPECT_EQ(listen_on(first), 0);
  EXPECT_EQ(listen_on(second), 0);
  EXPECT_EQ(open(14), 14);
  const int of_first = take_all(first), of_second = take_all(second);
  EXPECT_EQ(of_first + of_second, 14);
  EXPECT_GT(of_first, 0);
  EXPECT_GT(of_second, 0);
}

TEST_P(ReusePorts, WithoutIt_TheEndpointIsInUse) {
  const int first = bound(true);
  int error = 0;
  bound(false, &error);
  EXPECT_EQ(error, EADDRINUSE) << "both must have asked for it";
  EXPECT_EQ(listen_on(first), 0);
  bound(false, &error);
  EXPECT_EQ(error, EADDRINUSE);
}

TEST_P(ReusePorts, OneGoes_TheOtherListensOn) {
  const int first = bound(true), second = bound(true);
  listen_on(first);
  listen_on(second);
  once(right, [&] { return server.close(first); });
  EXPECT_EQ(open(4), 4);
  EXPECT_EQ(take_all(second), 4);
  once(right, [&] { return server.close(second); });
  EXPECT_EQ(open(1), 0) << "nobody listens any longer";
  const int third = bound(false);
  EXPECT_EQ(listen_on(third), 0) << "and the endpoint is free";
  EXPECT_EQ(open(1), 1);
}

TEST_P(ReusePorts, OneIsFull_TheOtherTakesWhatWasForIt) {
  const int first = bound(true), second = bound(true);
  listen_on(first, 0);  // holds one
  listen_on(second, 30);
  EXPECT_EQ(open(10), 10);
  EXPECT_EQ(take_all(first), 1);
  EXPECT_EQ(take_all(second), 9);
}

TEST_P(ReusePorts, WhatWaitsForTheOneThatGoes_IsResetAndNothingElse) {
  const int first = bound(true), second = bound(true);
  listen_on(first);
  listen_on(second);
  EXPECT_EQ(open(12), 12);
  once(right, [&] { return server.close(first); });
  world.run_for(1s);
  const int left_over = take_all(second);
  int reset = 0;
  for (const int fd : clients) reset += get(left, fd, SOL_SOCKET, SO_ERROR) == ECONNRESET ? 1 : 0;
  EXPECT_EQ(reset + left_over, 12);
  EXPECT_GT(reset, 0);
  EXPECT_GT(left_over, 0);
}

}  // namespace
}  // namespace millrace::socket::test

// Two hosts of the simulation with a descriptor layer each. A call that would block is made again until it
// need not, while the world runs.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/socket/address.h"
#include "app/socket/sockets.h"
#include "sim/world.h"

namespace millrace::socket::test {

constexpr uint16_t kPort = 8080;

struct Address {
  Address(Family family, const Endpoint& endpoint) {
    socket::write_address(family == Family::V4 ? AF_INET : AF_INET6, endpoint, get(), &length);
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
};

class Bench : public testing::TestWithParam<Family> {
 protected:
  Bench() { world.set_links({.delay = 10ms}); }

  // Every test ends with nothing left behind.
  void TearDown() override {
    for (int fd = 3; fd < 40; ++fd) {
      if (client.owns(fd)) client.close(fd);
      if (server.owns(fd)) server.close(fd);
    }
    world.run_for(400s);
    for (const sim::HostId host : {left, right}) {
      const shard::Shard::Usage usage = world.shard(host).usage();
      EXPECT_EQ(usage.connections + usage.syn_records + usage.time_wait_records + usage.timers, 0U);
      EXPECT_EQ(usage.buffer_bytes + usage.held_packets, 0U);
      EXPECT_EQ(world.outstanding_packets(host), 0U);
    }
  }

  using Attempt = std::function<Outcome(Call&)>;
  // One attempt inside an iteration of `host`.
  Outcome once(sim::HostId host, const std::function<Outcome()>& call) {
    Outcome outcome;
    bool made = false;
    world.in(host, 0us, [&] { outcome = call(), made = true; });
    EXPECT_TRUE(world.run_until([&] { return made; }, 1s));
    return outcome;
  }
  // As a blocking caller would.
  Outcome finish(sim::HostId host, const Attempt& attempt, Micros limit = 1000s) {
    Call call;
    Outcome outcome;
    const Instant end = world.now() + limit;
    for (;;) {
      outcome = once(host, [&] { return attempt(call); });
      if (!outcome.blocked || world.now() >= end) return outcome;
      Sockets& sockets = host == left ? client : server;
      const uint64_t changes = sockets.changes();
      const Instant until = earlier(outcome.until, end);
      world.run_until([&] { return sockets.changes() != changes; }, until - world.now());
    }
  }

  int make(sim::HostId host, int type = SOCK_STREAM) {
    const int domain = GetParam() == Family::V4 ? AF_INET : AF_INET6;
    Sockets& sockets = host == left ? client : server;
    return static_cast<int>(once(host, [&] { return sockets.socket(domain, type, 0); }).value);
  }
  Address address(sim::HostId host, uint16_t port = kPort) {
    return {GetParam(), {sim::host_address(host == left ? 1 : 2, GetParam()), port}};
  }
  int listen(int backlog = 8) {
    const int fd = make(right);
    Address local = address(right);
    EXPECT_EQ(once(right, [&] { return server.bind(fd, local.get(), local.length); }).error, 0);
    EXPECT_EQ(once(right, [&] { return server.listen(fd, backlog); }).error, 0);
    return fd;
  }
  Outcome connect(int fd, uint16_t port = kPort) {
    Address remote = address(right, port);
    return finish(left, [&](Call& call) { return client.connect(fd, remote.get(), remote.length, call); });
  }
  int accept(int fd, int flags = 0) {
    return static_cast<int>(
        finish(right, [&](Call& call) { return server.accept(fd, nullptr, nullptr, flags, call); }).value);
  }
  // An established connection: `near` at the client, `far` at the server.
  void establish() {
    listener = listen();
    near = make(left);
    ASSERT_EQ(connect(near).error, 0);
    far = accept(listener);
    ASSERT_GT(far, 0);
  }

  static std::string text(size_t octets) {
    std::string made(octets, ' ');
    for (size_t i = 0; i < octets; ++i) made[i] = static_cast<char>('a' + i % 23);
    return made;
  }
  Outcome write(sim::HostId host, int fd, const std::string& octets, int flags = 0) {
    const iovec from{const_cast<char*>(octets.data()), octets.size()};
    Sockets& sockets = host == left ? client : server;
    return finish(host, [&](Call& call) { return sockets.send(fd, {&from, 1}, flags, call); });
  }
  Outcome read(sim::HostId host, int fd, std::string& out, size_t octets, int flags = 0) {
    out.assign(octets, '\0');
    const iovec into{out.data(), octets};
    Sockets& sockets = host == left ? client : server;
    const Outcome outcome = finish(host, [&](Call& call) {
      return sockets.receive(fd, {&into, 1}, flags, call);
    });
    out.resize(outcome.error == 0 && !outcome.blocked ? static_cast<size_t>(outcome.value) : 0);
    return outcome;
  }
  void set_nonblocking(sim::HostId host, int fd) { of(host).fcntl(fd, F_SETFL, O_NONBLOCK); }
  Sockets& of(sim::HostId host) { return host == left ? client : server; }
  int set(sim::HostId host, int fd, int level, int name, int value) {
    return once(host, [&] { return of(host).set_option(fd, level, name, &value, sizeof value); }).error;
  }
  int get(sim::HostId host, int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    EXPECT_EQ(once(host, [&] { return of(host).get_option(fd, level, name, &value, &length); }).error, 0);
    return value;
  }

  std::unique_ptr<app::Program> program;  // as long as the world that calls it
  sim::World world{1};
  sim::HostId left = world.add_host("left", sim::host_params(1));
  sim::HostId right = world.add_host("right", sim::host_params(2));
  SmallestNumbers client_numbers, server_numbers;
  Sockets client{world.shard(left), client_numbers};
  Sockets server{world.shard(right), server_numbers};
  int listener = -1, near = -1, far = -1;
};

inline std::string family_name(const testing::TestParamInfo<Family>& info) {
  return info.param == Family::V4 ? "v4" : "v6";
}

}  // namespace millrace::socket::test

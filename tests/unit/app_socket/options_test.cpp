// Options and TCP_INFO.
#include "app/socket/tcp_info.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "bench.h"

namespace millrace::socket::test {
namespace {

using Options = Bench;
INSTANTIATE_TEST_SUITE_P(Both, Options, testing::Values(Family::V4, Family::V6), family_name);

TEST_P(Options, NumbersComeBack) {
  const int fd = make(left);
  const struct {
    int level, name, value;
  } kNumbers[] = {
      {SOL_SOCKET, SO_KEEPALIVE, 1},
      {SOL_SOCKET, SO_RCVLOWAT, 5},
      {IPPROTO_TCP, TCP_NODELAY, 1},
      {IPPROTO_TCP, TCP_KEEPIDLE, 30},
      {IPPROTO_TCP, TCP_KEEPINTVL, 3},
      {IPPROTO_TCP, TCP_KEEPCNT, 4},
      {IPPROTO_TCP, TCP_SYNCNT, 2},
      {IPPROTO_TCP, TCP_LINGER2, 7},
      {IPPROTO_TCP, TCP_DEFER_ACCEPT, 6},
      {IPPROTO_TCP, TCP_WINDOW_CLAMP, 9000},
      {IPPROTO_TCP, TCP_USER_TIMEOUT, 2500},
      {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1000},
      {IPPROTO_IP, IP_TOS, 0x28},
      {IPPROTO_IP, IP_TTL, 12},
      {IPPROTO_IP, IP_MTU_DISCOVER, 2},
      {SOL_SOCKET, SO_PRIORITY, 4},
      {SOL_SOCKET, SO_REUSEPORT, 1},
  };
  for (const auto& number : kNumbers) {
    EXPECT_EQ(set(left, fd, number.level, number.name, number.value), 0) << number.name;
    EXPECT_EQ(get(left, fd, number.level, number.name), number.value) << number.name;
  }
}

TEST_P(Options, OfIpv6_AreThoseOfAnIpv6SocketAlone) {
  const int fd = make(left);
  const bool v4 = GetParam() == Family::V4;
  for (const auto& [name, value] : {std::pair{IPV6_V6ONLY, 1}, {IPV6_TCLASS, 0x28}, {IPV6_UNICAST_HOPS, 12}}) {
    EXPECT_EQ(set(left, fd, IPPROTO_IPV6, name, value), v4 ? ENOPROTOOPT : 0) << name;
    int read = -1;
    socklen_t length = sizeof read;
    const Outcome got = client.get_option(fd, IPPROTO_IPV6, name, &read, &length);
    EXPECT_EQ(got.error, v4 ? EOPNOTSUPP : 0) << name;
    EXPECT_EQ(read, v4 ? -1 : value) << name;
  }
}

// ---- what goes into the headers

class Headers : public Bench {
 protected:
  int ip() const { return GetParam() == Family::V4 ? IPPROTO_IP : IPPROTO_IPV6; }
  int diffserv() const { return GetParam() == Family::V4 ? IP_TOS : IPV6_TCLASS; }
  int discover() const { return GetParam() == Family::V4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER; }
  int recverr() const { return GetParam() == Family::V4 ? IP_RECVERR : IPV6_RECVERR; }
  const ConnectionParams& settings(int fd) { return client.find_socket(fd)->connection()->settings(); }
};
INSTANTIATE_TEST_SUITE_P(Both, Headers, testing::Values(Family::V4, Family::V6), family_name);

// RFC 9293 §3.9.2.1 MUST-48, SHLD-21.
TEST_P(Headers, DiffservField_IsOnTheSegmentsThatFollow) {
  establish();
  set(left, near, ip(), diffserv(), 0x2b);
  EXPECT_EQ(get(left, near, ip(), diffserv()), 0x28) << "the bits of ECN are TCP's own";
  write(left, near, text(100));
  world.run_for(1s);
  EXPECT_EQ(server.find_socket(far)->connection()->received_dscp(), 0x28 >> 2);
}

TEST_P(Headers, DiffservFieldOfZero_IsAChoiceToo) {
  TcpParams tcp = sim::host_params(1).tcp;
  tcp.dscp = 46;
  world.shard(left).set_tcp_params(tcp);
  establish();
  EXPECT_EQ(get(left, near, ip(), diffserv()), 46 << 2) << "as the shard has it";
  set(left, near, ip(), diffserv(), 0);
  write(left, near, text(100));
  world.run_for(1s);
  EXPECT_EQ(server.find_socket(far)->connection()->received_dscp(), 0);
  if (GetParam() == Family::V6) {
    set(left, near, ip(), diffserv(), -1);
    EXPECT_EQ(get(left, near, ip(), diffserv()), 46 << 2);
    EXPECT_EQ(set(left, near, ip(), diffserv(), 256), EINVAL);
  }
}

TEST_P(Headers, Priority_IsTheVlanTags) {
  establish();
  EXPECT_EQ(set(left, near, SOL_SOCKET, SO_PRIORITY, 6), 0);
  EXPECT_EQ(get(left, near, SOL_SOCKET, SO_PRIORITY), 6);
  EXPECT_EQ(settings(near).priority, 6);
  EXPECT_EQ(set(left, near, SOL_SOCKET, SO_PRIORITY, 7), EPERM);
  EXPECT_EQ(set(left, near, SOL_SOCKET, SO_PRIORITY, -1), EPERM);
  EXPECT_EQ(settings(near).priority, 6);
}

TEST_P(Headers, Mark_IsRefused) {
  const int fd = make(left);
  EXPECT_EQ(set(left, fd, SOL_SOCKET, SO_MARK, 1), ENOPROTOOPT);
  int value = 0;
  socklen_t length = sizeof value;
  EXPECT_EQ(client.get_option(fd, SOL_SOCKET, SO_MARK, &value, &length).error, ENOPROTOOPT);
}

TEST_P(Headers, MtuDiscover_IsTheConnections) {
  establish();
  EXPECT_EQ(get(left, near, ip(), discover()), IP_PMTUDISC_WANT);
  const auto without_df =
      GetParam() == Family::V4 ? PathMtuDiscovery::Fragment : PathMtuDiscovery::Ignored;
  const struct {
    int value;
    PathMtuDiscovery discovery;
  } kRows[] = {{IP_PMTUDISC_PROBE, PathMtuDiscovery::Ignored},
               {IP_PMTUDISC_INTERFACE, without_df},
               {IP_PMTUDISC_OMIT, without_df},
               {IP_PMTUDISC_DO, PathMtuDiscovery::On},
               {IP_PMTUDISC_WANT, PathMtuDiscovery::On}};
  for (const auto& row : kRows) {
    EXPECT_EQ(set(left, near, ip(), discover(), row.value), 0);
    EXPECT_EQ(get(left, near, ip(), discover()), row.value);
    EXPECT_EQ(settings(near).path_mtu_discovery, row.discovery) << row.value;
  }
  EXPECT_EQ(set(left, near, ip(), discover(), 6), EINVAL);
  EXPECT_EQ(set(left, near, ip(), discover(), -1), EINVAL);
  // Over IPv6 only the sender fragments, and we do not.
  EXPECT_EQ(set(left, near, ip(), discover(), IP_PMTUDISC_DONT), GetParam() == Family::V4 ? 0 : EINVAL);
}

TEST_P(Headers, SoftErrors_AreToldWhereTheyAreAskedFor) {
  establish();
  const auto trouble = [&] {
    once(left, [&] {
      app::Connection& connection = *client.find_socket(near)->connection();
      connection.tcb().cold.soft_error = tcp::SoftError::None;
      tcp::note_soft_error(connection.tcb(), tcp::SoftError::NetUnreachable, world.now());
      connection.set_cork(true);
      connection.set_cork(false);  // it is looked at
      return Outcome::ok();
    });
    world.run_for(1s);
  };
  trouble();
  EXPECT_EQ(get(left, near, SOL_SOCKET, SO_ERROR), 0);
  set(left, near, ip(), recverr(), 1);
  EXPECT_EQ(get(left, near, ip(), recverr()), 1);
  trouble();
  EXPECT_EQ(get(left, near, SOL_SOCKET, SO_ERROR), ENETUNREACH);
  EXPECT_EQ(get(left, near, SOL_SOCKET, SO_ERROR), 0);
  std::string got;
  write(left, near, text(10));
  EXPECT_EQ(read(right, far, got, 10).value, 10) << "and the connection goes on";
}

TEST_P(Options, OutOfBounds_Invalid) {
  const int fd = make(left);
  EXPECT_EQ(set(left, fd, IPPROTO_TCP, TCP_MAXSEG, 40), EINVAL);
  EXPECT_EQ(set(left, fd, IPPROTO_TCP, TCP_KEEPCNT, 0), EINVAL);
  EXPECT_EQ(set(left, fd, IPPROTO_TCP, TCP_SYNCNT, 128), EINVAL);
  EXPECT_EQ(set(left, fd, IPPROTO_TCP, 9999, 1), ENOPROTOOPT);
  EXPECT_EQ(set(left, fd, SOL_SOCKET, SO_ERROR, 1), ENOPROTOOPT);
  int value = 1;
  EXPECT_EQ(client.set_option(fd, IPPROTO_TCP, TCP_NODELAY, &value, 2).error, EINVAL);
  EXPECT_EQ(client.set_option(fd, IPPROTO_TCP, TCP_NODELAY, nullptr, 4).error, EFAULT);
}

TEST_P(Options, Buffers_AreShownDoubled) {
  const int fd = make(left);
  set(left, fd, SOL_SOCKET, SO_SNDBUF, 21'000);
  EXPECT_EQ(get(left, fd, SOL_SOCKET, SO_SNDBUF), 42'000);
  set(left, fd, SOL_SOCKET, SO_RCVBUF, 1);
  EXPECT_EQ(get(left, fd, SOL_SOCKET, SO_RCVBUF), 2304);
}

TEST_P(Options, ShortLength_GivesTheFrontOnly) {
  const int fd = make(left);
  uint8_t octets[4] = {0xaa, 0xaa, 0xaa, 0xaa};
  socklen_t length = 1;
  EXPECT_EQ(client.get_option(fd, SOL_SOCKET, SO_TYPE, octets, &length).error, 0);
  EXPECT_EQ(length, 1U);
  EXPECT_EQ(octets[0], SOCK_STREAM);
  EXPECT_EQ(octets[1], 0xaa);
}

TEST_P(Options, Accepted_InheritsFromTheListener) {
  listener = listen();
  set(right, listener, IPPROTO_TCP, TCP_NODELAY, 1);
  set(right, listener, IPPROTO_TCP, TCP_KEEPIDLE, 77);
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  far = accept(listener);
  EXPECT_EQ(get(right, far, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(get(right, far, IPPROTO_TCP, TCP_KEEPIDLE), 77);
}

// What nobody has set is what the shard has, and follows it.
TEST_P(Options, Unset_IsAsTheShardHasIt) {
  TcpParams tcp = sim::host_params(1).tcp;
  tcp.keepalive = true;
  tcp.keepalive_idle = 600s;
  tcp.keepalive_interval = 20s;
  tcp.keepalive_probes = 4;
  tcp.syn_retries = 3;
  tcp.nagle = false;
  tcp.hop_limit = 99;
  tcp.fin_wait_2_timeout = 30s;
  world.shard(left).set_tcp_params(tcp);
  listener = listen();
  near = make(left);
  ASSERT_EQ(connect(near).error, 0);
  far = accept(listener);
  EXPECT_EQ(get(left, near, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(get(left, near, IPPROTO_TCP, TCP_KEEPIDLE), 600);
  EXPECT_EQ(get(left, near, IPPROTO_TCP, TCP_KEEPINTVL), 20);
  EXPECT_EQ(get(left, near, IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_EQ(get(left, near, IPPROTO_TCP, TCP_SYNCNT), 3);
  EXPECT_EQ(get(left, near, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(get(left, near, IPPROTO_TCP, TCP_LINGER2), 30);
  EXPECT_EQ(get(left, near, IPPROTO_IP, IP_TTL), 99);
  EXPECT_TRUE(client.find_socket(near)->connection()->tcb().hot.flags.no_delay);
  set(left, near, SOL_SOCKET, SO_KEEPALIVE, 0);
  set(left, near, IPPROTO_TCP, TCP_KEEPCNT, 9);  // TcpParams' own default is a choice, too
  EXPECT_EQ(client.find_socket(near)->connection()->settings().keepalive, false);
  EXPECT_EQ(client.find_socket(near)->connection()->settings().keepalive_probes, 9U);
  set(left, near, IPPROTO_TCP, TCP_LINGER2, -1);
  EXPECT_LE(*client.find_socket(near)->connection()->settings().fin_wait_2_timeout, 1ms) << "not at all";
}

TEST_P(Options, Congestion_ByName) {
  const int fd = make(left);
  EXPECT_EQ(client.set_option(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4).error, 0);
  EXPECT_EQ(client.set_option(fd, IPPROTO_TCP, TCP_CONGESTION, "none such", 9).error, ENOENT);
  char name[16] = {};
  socklen_t length = sizeof name;
  EXPECT_EQ(client.get_option(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length).error, 0);
  EXPECT_STREQ(name, "reno");
}

TEST_P(Options, Congestion_IsTheStacksUntilItIsSetAndCountsAtOnce) {
  establish();
  char name[16] = {};
  socklen_t length = sizeof name;
  EXPECT_EQ(client.get_option(near, IPPROTO_TCP, TCP_CONGESTION, name, &length).error, 0);
  EXPECT_STREQ(name, "cubic");
  EXPECT_EQ(client.set_option(near, IPPROTO_TCP, TCP_CONGESTION, "reno", 4).error, 0);
  EXPECT_EQ(client.find_socket(near)->connection()->congestion_control(), CongestionControl::NewReno);
  length = sizeof name;
  EXPECT_EQ(client.get_option(near, IPPROTO_TCP, TCP_CONGESTION, name, &length).error, 0);
  EXPECT_STREQ(name, "reno");
}

// As an unsigned long or as 32 bits; all ones are no limit.
TEST_P(Options, MaxPacingRate_LimitsWhatLeaves) {
  establish();
  uint64_t rate = 0;
  socklen_t length = sizeof rate;
  EXPECT_EQ(client.get_option(near, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &length).error, 0);
  EXPECT_EQ(length, 8U);
  EXPECT_EQ(rate, ~uint64_t{0});
  EXPECT_EQ(static_cast<uint32_t>(get(left, near, SOL_SOCKET, SO_MAX_PACING_RATE)), ~uint32_t{0});
  set(left, near, SOL_SOCKET, SO_MAX_PACING_RATE, 50'000);
  EXPECT_EQ(get(left, near, SOL_SOCKET, SO_MAX_PACING_RATE), 50'000);
  length = sizeof rate;
  EXPECT_EQ(client.get_option(near, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &length).error, 0);
  EXPECT_EQ(rate, 50'000U);
  write(left, near, text(100'000));
  world.run_for(1s);
  const uint64_t sent = client.find_socket(near)->connection()->tcb().cold.bytes_sent;
  EXPECT_GE(sent, 48'000U);
  EXPECT_LE(sent, 56'000U);
  TcpInfo info;
  length = sizeof info;
  EXPECT_EQ(client.get_option(near, IPPROTO_TCP, TCP_INFO, &info, &length).error, 0);
  EXPECT_EQ(info.max_pacing_rate, 50'000U);
  EXPECT_EQ(info.pacing_rate, 50'000U);
  rate = ~uint64_t{0};
  EXPECT_EQ(client.set_option(near, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate).error, 0);
  world.run_for(200ms);
  EXPECT_EQ(client.find_socket(near)->connection()->tcb().cold.bytes_sent, 100'000U);
}

TEST_P(Options, Info_InLinuxLayout) {
  establish();
  write(left, near, text(1000));
  world.run_for(1s);
  TcpInfo info;
  socklen_t length = sizeof info;
  EXPECT_EQ(client.get_option(near, IPPROTO_TCP, TCP_INFO, &info, &length).error, 0);
  EXPECT_EQ(length, sizeof info);
  EXPECT_EQ(info.state, TCP_ESTABLISHED);
  EXPECT_GE(info.rtt, 15'000U);
  EXPECT_LE(info.rtt, 45'000U);  // the first round trip has the neighbour's in it
  EXPECT_EQ(info.bytes_acked, 1000U);
  EXPECT_GE(info.snd_cwnd, 10U);
  ::tcp_info theirs{};  // as the system's header has it
  length = sizeof theirs;
  EXPECT_EQ(client.get_option(near, IPPROTO_TCP, TCP_INFO, &theirs, &length).error, 0);
  EXPECT_EQ(length, sizeof theirs);
  EXPECT_EQ(theirs.tcpi_rtt, info.rtt);
  EXPECT_EQ(theirs.tcpi_snd_cwnd, info.snd_cwnd);
  length = sizeof info;
  server.get_option(listener, IPPROTO_TCP, TCP_INFO, &info, &length);
  EXPECT_EQ(info.state, TCP_LISTEN);
}

// RFC 3168, as Linux tells of it: both took part, and the server has seen ECT.
TEST_P(Options, Info_TellsOfEcn) {
  constexpr int kSeen = 16;  // TCPI_OPT_ECN_SEEN
  TcpParams asking = world.shard(left).tcp_params();
  asking.ecn = EcnMode::On;
  world.shard(left).set_tcp_params(asking);
  establish();
  write(left, near, text(3000));
  world.run_for(500ms);
  TcpInfo ours, theirs;
  socklen_t length = sizeof ours;
  EXPECT_EQ(client.get_option(near, IPPROTO_TCP, TCP_INFO, &ours, &length).error, 0);
  EXPECT_EQ(server.get_option(far, IPPROTO_TCP, TCP_INFO, &theirs, &length).error, 0);
  EXPECT_EQ(ours.options & (TCPI_OPT_ECN | kSeen), TCPI_OPT_ECN);
  EXPECT_EQ(theirs.options & (TCPI_OPT_ECN | kSeen), TCPI_OPT_ECN | kSeen);
  EXPECT_EQ(ours.delivered_ce, 0U);
}

// Linux goes on telling of a connection that has ended.
TEST_P(Options, Info_OutlivesTheConnection) {
  establish();
  write(left, near, text(3000));
  world.run_for(500ms);
  const ::linger now{.l_onoff = 1, .l_linger = 0};
  server.set_option(far, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  once(right, [&] { return server.close(far); });
  world.run_for(100ms);
  TcpInfo info;
  socklen_t length = sizeof info;
  ASSERT_EQ(client.get_option(near, IPPROTO_TCP, TCP_INFO, &info, &length).error, 0);
  EXPECT_EQ(info.state, TCP_CLOSE);
  EXPECT_EQ(info.bytes_acked, 3000U);
  EXPECT_EQ(info.delivered, 1 + (3000 + info.snd_mss - 1) / info.snd_mss) << "the SYN and the text";
  EXPECT_GT(info.rtt, 0U);
  EXPECT_EQ(info.unacked, 0U);
}

// Lost and sent again: counted as both until it arrives.
TEST_P(Options, Info_TellsOfLossRecovery) {
  establish();
  write(left, near, text(4000));
  world.run_for(500ms);
  world.set_links({.delay = 10ms, .faults = {.loss_ppm = 1'000'000}});
  write(left, near, text(8000));
  world.run_for(800ms);
  TcpInfo info;
  socklen_t length = sizeof info;
  ASSERT_EQ(client.get_option(near, IPPROTO_TCP, TCP_INFO, &info, &length).error, 0);
  EXPECT_EQ(info.ca_state, 4) << "TCP_CA_Loss";
  EXPECT_EQ(info.retrans, 1U);
  EXPECT_EQ(info.lost, info.unacked);
  EXPECT_EQ(info.sacked, 0U);
  EXPECT_GT(info.backoff, 0U);
  world.set_links({.delay = 10ms});
}

TEST_P(Options, QuickAckOff_DelaysTheAcknowledgement) {
  for (const bool quick : {true, false}) {
    establish();
    write(left, near, "w");  // its acknowledgement opens the window, too
    world.run_for(100ms);
    set(right, far, IPPROTO_TCP, TCP_QUICKACK, quick ? 1 : 0);
    EXPECT_EQ(get(right, far, IPPROTO_TCP, TCP_QUICKACK), quick ? 1 : 0);
    write(left, near, "x");
    world.run_for(30ms);
    int unacknowledged = -1;
    client.ioctl(near, SIOCOUTQ, &unacknowledged);
    EXPECT_EQ(unacknowledged, quick ? 0 : 1);
    if (!quick) set(right, far, IPPROTO_TCP, TCP_QUICKACK, 1);  // and now at once
    world.run_for(15ms);
    client.ioctl(near, SIOCOUTQ, &unacknowledged);
    EXPECT_EQ(unacknowledged, 0);
    client.close(near);
    server.close(far);
    server.close(listener);
    world.run_for(200s);
  }
}

TEST_P(Options, WindowClamp_BoundsWhatIsOffered) {
  listener = listen();
  near = make(left);
  set(left, near, IPPROTO_TCP, TCP_WINDOW_CLAMP, 3000);
  ASSERT_EQ(connect(near).error, 0);
  far = accept(listener);
  set_nonblocking(right, far);
  EXPECT_EQ(write(right, far, text(10'000)).value, 10'000);
  world.run_for(1s);
  int readable = 0;
  client.ioctl(near, SIOCINQ, &readable);
  EXPECT_GT(readable, 0);
  EXPECT_LE(readable, 3000 + 256) << "the window scale's unit";
  EXPECT_EQ(set(left, near, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0), EINVAL) << "Linux allows it when closed alone";
}

}  // namespace
}  // namespace millrace::socket::test

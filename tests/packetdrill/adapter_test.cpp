// The shared object as packetdrill sees it: loaded, and driven through its table by two threads.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "base/packet.h"
#include "base/time.h"
#include "interface.h"
#include "wire/build.h"
#include "wire/parse.h"

namespace millrace::packetdrill {
namespace {

constexpr uint16_t kOurPort = 8080, kPeerPort = 40000;

struct Seen {
  wire::Segment segment;
  Micros at{};
};

class Adapter : public testing::TestWithParam<Family> {
 protected:
  void load(std::string flags = "") {
    object = ::dlopen(ADAPTER, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(object, nullptr) << ::dlerror();
    const auto init = reinterpret_cast<Init>(::dlsym(object, "packetdrill_interface_init"));
    ASSERT_NE(init, nullptr);
    flags = std::string("local=") + ours().text() + ",gateway=" + gateway().text() + "," + flags;
    init(flags.c_str(), &table);
    self = table.self;
    timeval time{};
    table.gettimeofday(self, &time, nullptr);
    began = micros(time);
  }
  void TearDown() override {
    if (object == nullptr) return;
    table.free(self);
    ::dlclose(object);
  }

  bool v4() const { return GetParam() == Family::V4; }
  IpAddress ours() const { return *IpAddress::parse(v4() ? "192.168.0.1" : "fd3d:fa7b:d17d::1"); }
  IpAddress gateway() const { return *IpAddress::parse(v4() ? "192.168.0.2" : "fd3d:fa7b:d17d::2"); }
  IpAddress peer() const { return *IpAddress::parse(v4() ? "192.0.2.1" : "2001:db8::1"); }
  static Micros micros(const timeval& time) { return Micros(time.tv_sec * 1'000'000 + time.tv_usec); }
  Micros now() {
    timeval time{};
    table.gettimeofday(self, &time, nullptr);
    return micros(time);
  }

  struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  };
  static Address address(const IpAddress& ip, uint16_t port) {
    Address made;
    if (ip.is_v4()) {
      sockaddr_in in{};
      in.sin_family = AF_INET;
      in.sin_port = htons(port);
      std::memcpy(&in.sin_addr, ip.v4_wire(), 4);
      std::memcpy(&made.storage, &in, made.length = sizeof in);
    } else {
      sockaddr_in6 in{};
      in.sin6_family = AF_INET6;
      in.sin6_port = htons(port);
      std::memcpy(&in.sin6_addr, ip.v6_wire(), 16);
      std::memcpy(&made.storage, &in, made.length = sizeof in);
    }
    return made;
  }

  int make() { return table.socket(self, v4() ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP); }
  int listen() {
    const int fd = make();
    Address local = address(ours(), kOurPort);
    EXPECT_EQ(table.bind(self, fd, local.get(), local.length), 0);
    EXPECT_EQ(table.listen(self, fd, 4), 0);
    return fd;
  }

  // A segment of the peer.
  void inject(wire::Flags flags, Seq seq, Seq ack, const std::string& text = "",
              const wire::TcpOptions& options = {}, uint16_t local_port = kOurPort) {
    wire::Segment segment;
    segment.flow = {.local = {peer(), kPeerPort}, .remote = {ours(), local_port}};
    segment.seq = seq;
    segment.ack = ack;
    segment.flags = flags;
    segment.window = WireWindow(32792);
    segment.options = options;
    segment.payload_length = static_cast<uint32_t>(text.size());
    Packet packet = pool.allocate();
    const uint32_t headers = wire::tcp_headers_length(GetParam(), options, flags.syn());
    std::memcpy(packet.data() + headers, text.data(), text.size());
    wire::build_segment(packet, {.destination = mac, .source = mac}, segment, wire::Checksum::Software);
    const auto bytes = packet.bytes().subspan(14);
    EXPECT_EQ(table.netdev_send(self, bytes.data(), bytes.size()), 0);
  }
  // The stack's next packet; nothing: it is idle.
  std::optional<Seen> receive() {
    uint8_t octets[65536];
    size_t length = sizeof octets;
    long long time = 0;
    EXPECT_EQ(table.netdev_receive(self, octets, &length, &time), 0);
    if (length == 0) return std::nullopt;
    Packet packet = pool.allocate();
    std::memcpy(packet.data(), mac.octets().data(), 6);
    std::memcpy(packet.data() + 6, mac.octets().data(), 6);
    packet.data()[12] = v4() ? 0x08 : 0x86;
    packet.data()[13] = v4() ? 0x00 : 0xdd;
    std::memcpy(packet.data() + 14, octets, length);
    packet.set_length(static_cast<uint32_t>(length) + 14);
    wire::Frame frame;
    wire::parse_frame(packet, {.mac = mac, .mtu = 65535}, frame);
    EXPECT_EQ(frame.kind, wire::FrameKind::Tcp);
    frame.tcp.payload = nullptr;
    return Seen{frame.tcp, Micros(time)};
  }
  Seen must_receive() {
    const auto seen = receive();
    EXPECT_TRUE(seen.has_value());
    return seen.value_or(Seen{});
  }
  // From SYN to the connection's descriptor.
  int establish(int listener) {
    wire::TcpOptions options;
    options.mss = Mss(1000);
    inject(wire::kSyn, Seq(100), Seq(0), "", options);
    iss = must_receive().segment.seq;
    inject(wire::kAck, Seq(101), iss + 1);
    const int fd = table.accept(self, listener, nullptr, nullptr);
    EXPECT_GT(fd, 2);
    return fd;
  }

  // Thread S: runs `body` and M waits as the tool does, until S has ended or sleeps.
  template <typename F>
  void in_second_thread(F&& body) {
    std::atomic<pid_t> id{0};
    second = std::thread([&id, this, body] {
      id = static_cast<pid_t>(::syscall(SYS_gettid));
      body();
      ended = true;
    });
    while (id == 0) std::this_thread::yield();
    while (!ended && !sleeps(id)) std::this_thread::yield();
  }
  static bool sleeps(pid_t id) {
    std::ifstream file("/proc/self/task/" + std::to_string(id) + "/stat");
    std::string text;
    std::getline(file, text);
    const size_t end = text.rfind(") ");
    return end != std::string::npos && text[end + 2] == 'S';
  }
  void join() { second.join(); }

  Interface table{};
  void* self = nullptr;
  void* object = nullptr;
  Micros began{};
  Seq iss;
  MacAddress mac{{2, 0, 0, 0, 0, 9}};
  HeapPool pool{8, 70'000};
  std::thread second;
  std::atomic<bool> ended{false};
};

INSTANTIATE_TEST_SUITE_P(Both, Adapter, testing::Values(Family::V4, Family::V6),
                         [](const auto& given) { return given.param == Family::V4 ? "v4" : "v6"; });

TEST_P(Adapter, PassiveOpen_SynAckLeavesAtOnce) {
  load();
  const int listener = listen();
  wire::TcpOptions options;
  options.mss = Mss(1000);
  const Micros before = now();
  inject(wire::kSyn, Seq(100), Seq(0), "", options);
  const Seen answer = must_receive();
  EXPECT_EQ(answer.segment.flags, wire::kSyn | wire::kAck);
  EXPECT_EQ(answer.segment.ack, Seq(101));
  EXPECT_EQ(answer.at, before);
  inject(wire::kAck, Seq(101), answer.segment.seq + 1);
  Address from = address(ours(), 0);
  const int fd = table.accept(self, listener, from.get(), &from.length);
  EXPECT_GT(fd, 2);
  Address expected = address(peer(), kPeerPort);
  EXPECT_EQ(std::memcmp(&from.storage, &expected.storage, expected.length), 0);
}

TEST_P(Adapter, BlockingConnect_SleepsInItsThreadUntilTheSynAck) {
  load();
  const int fd = make();
  int result = -2;
  Micros returned{};
  in_second_thread([&] {
    Address remote = address(peer(), kPeerPort);
    result = table.connect(self, fd, remote.get(), remote.length);
    returned = now();
  });
  EXPECT_FALSE(ended);
  const Seen syn = must_receive();
  EXPECT_EQ(syn.segment.flags, wire::kSyn);
  table.usleep(self, 100'000);
  const Micros before = now();
  inject(
      wire::kSyn | wire::kAck, Seq(500), syn.segment.seq + 1, "", {},
      syn.segment.flow.remote.port == kPeerPort ? syn.segment.flow.local.port : syn.segment.flow.remote.port);
  table.usleep(self, 50'000);  // S is behind: it is told when it was woken all the same
  join();
  EXPECT_EQ(result, 0);
  EXPECT_EQ(returned, before);
  EXPECT_EQ(must_receive().segment.flags, wire::kAck);
}

TEST_P(Adapter, BlockingAcceptAndRead_WakeOnInput) {
  load();
  const int listener = listen();
  int fd = -2;
  ssize_t got = -2;
  char octets[10] = {};
  in_second_thread([&] {
    fd = table.accept(self, listener, nullptr, nullptr);
    got = table.read(self, fd, octets, sizeof octets);
  });
  wire::TcpOptions options;
  options.mss = Mss(1000);
  inject(wire::kSyn, Seq(100), Seq(0), "", options);
  iss = must_receive().segment.seq;
  inject(wire::kAck, Seq(101), iss + 1);
  EXPECT_FALSE(ended);
  inject(wire::kAck | wire::kPsh, Seq(101), iss + 1, "hello");
  join();
  EXPECT_GT(fd, 2);
  EXPECT_EQ(got, 5);
  EXPECT_STREQ(octets, "hello");
}

TEST_P(Adapter, TimeLimitOfASleepingCall_IsATimer) {
  load();
  const int listener = listen();
  const timeval limit{.tv_sec = 3, .tv_usec = 0};
  EXPECT_EQ(table.setsockopt(self, listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  int result = 0, error = 0;
  Micros returned{};
  const Micros before = now();
  in_second_thread([&] {
    result = table.accept(self, listener, nullptr, nullptr);
    error = errno;
    returned = now();
  });
  table.usleep(self, 10'000'000);
  join();
  EXPECT_EQ(result, -1);
  EXPECT_EQ(error, EAGAIN);
  EXPECT_EQ(returned - before, 3s);
}

TEST_P(Adapter, Receive_JumpsFromTimerToTimer) {
  load();
  const int fd = make();
  table.fcntl(self, fd, F_SETFL, O_RDWR | O_NONBLOCK);
  Address remote = address(peer(), kPeerPort);
  EXPECT_EQ(table.connect(self, fd, remote.get(), remote.length), -1);
  EXPECT_EQ(errno, EINPROGRESS);
  const Micros first = must_receive().at, second_at = must_receive().at, third = must_receive().at;
  // The wheel's tick is about a millisecond.
  EXPECT_NEAR(static_cast<double>((second_at - first).count()), 1'000'000, 2'000);
  EXPECT_NEAR(static_cast<double>((third - second_at).count()), 2'000'000, 2'000);
  while (receive()) {
  }  // and at last nothing will ever come
  int error = 0;
  socklen_t length = sizeof error;
  EXPECT_EQ(table.getsockopt(self, fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, ETIMEDOUT);
}

TEST_P(Adapter, Sleep_RunsTimersAndStopsThere) {
  load();
  const Micros before = now();
  table.usleep(self, 2'500'000);
  EXPECT_EQ(now() - before, 2'500'001us);
  EXPECT_GT(now(), before);
}

TEST_P(Adapter, NothingToCome_IsIdle) {
  load();
  listen();
  EXPECT_FALSE(receive().has_value());
}

TEST_P(Adapter, BlockingCallOnTheScriptsThread_RunsTheClockOrFails) {
  load();
  const int listener = listen();
  EXPECT_EQ(table.accept(self, listener, nullptr, nullptr), -1);
  EXPECT_EQ(errno, EDEADLK);
  pollfd polled{.fd = listener, .events = POLLIN, .revents = 0};
  const Micros before = now();
  EXPECT_EQ(table.poll(self, &polled, 1, 700), 0);
  EXPECT_NEAR(static_cast<double>((now() - before).count()), 700'000, 5);
}

TEST_P(Adapter, Epoll_TellsWhatArrives) {
  load();
  const int fd = establish(listen());
  const int epoll = table.epoll_create(self, 1);
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = fd}};
  EXPECT_EQ(table.epoll_ctl(self, epoll, EPOLL_CTL_ADD, fd, &event), 0);
  EXPECT_EQ(table.epoll_wait(self, epoll, &event, 1, 0), 0);
  inject(wire::kAck | wire::kPsh, Seq(101), iss + 1, "hello");
  EXPECT_EQ(table.epoll_wait(self, epoll, &event, 1, 0), 1);
  EXPECT_EQ(event.events, static_cast<uint32_t>(EPOLLIN));
  EXPECT_EQ(event.data.fd, fd);
  EXPECT_EQ(table.epoll_wait(self, epoll, &event, 1, 0), 0);
}

TEST_P(Adapter, LargePacket_IsTakenAsOne) {
  load();
  const int fd = establish(listen());
  const std::string sent(20'000, 'x');
  inject(wire::kAck | wire::kPsh, Seq(101), iss + 1, sent);
  EXPECT_EQ(must_receive().segment.ack, Seq(101) + 20'000);
  std::string got(30'000, ' ');
  EXPECT_EQ(table.recv(self, fd, got.data(), got.size(), 0), 20'000);
}

TEST_P(Adapter, Close_FinAndNothingLeft) {
  load();
  const int fd = establish(listen());
  EXPECT_EQ(table.close(self, fd), 0);
  const Seen fin = must_receive();
  EXPECT_EQ(fin.segment.flags, wire::kFin | wire::kAck);
  inject(wire::kAck | wire::kFin, Seq(101), fin.segment.seq + 1);
  EXPECT_EQ(must_receive().segment.ack, Seq(102));
  EXPECT_EQ(table.close(self, fd), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_P(Adapter, Leftovers_AreFreed) {
  load();
  establish(listen());
  make();
  table.epoll_create(self, 1);
}

TEST_P(Adapter, Descriptors_AreTheKernels) {
  load();
  const int fd = make();
  EXPECT_GE(::fcntl(fd, F_GETFD), 0);
  EXPECT_EQ(table.fcntl(self, fd, F_GETFL), O_RDWR);
  table.close(self, fd);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST_P(Adapter, TcpInfo_IsAsLongAsAsked) {
  load();
  const int fd = establish(listen());
  uint8_t octets[400];
  std::memset(octets, 0xaa, sizeof octets);
  socklen_t length = 350;
  EXPECT_EQ(table.getsockopt(self, fd, IPPROTO_TCP, TCP_INFO, octets, &length), 0);
  EXPECT_EQ(length, 350U);
  EXPECT_EQ(octets[0], TCP_ESTABLISHED);
  EXPECT_EQ(octets[349], 0);
  EXPECT_EQ(octets[350], 0xaa);
}

TEST_P(Adapter, Flags_AreKeysOfTheSchema) {
  load("tcp.timestamps=off,tcp.window_scaling=off,unheard.of=1");
  const int fd = make();
  table.fcntl(self, fd, F_SETFL, O_NONBLOCK);
  Address remote = address(peer(), kPeerPort);
  table.connect(self, fd, remote.get(), remote.length);
  const Seen syn = must_receive();
  EXPECT_FALSE(syn.segment.options.timestamps.has_value());
  EXPECT_FALSE(syn.segment.options.window_scale.has_value());
}

TEST_P(Adapter, ControlDirectory_TakesSysctlsAndShowsConnections) {
  char folder[] = "/tmp/millrace-adapter-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  load(std::string("ctl=") + folder);
  std::ofstream(std::string(folder) + "/sysctl", std::ios::app)
      << "net.ipv4.tcp_timestamps=0\nnet.ipv4.none=1\n";
  const int fd = make();
  table.fcntl(self, fd, F_SETFL, O_NONBLOCK);
  Address remote = address(peer(), kPeerPort);
  table.connect(self, fd, remote.get(), remote.length);
  EXPECT_FALSE(must_receive().segment.options.timestamps.has_value());
  std::ifstream file(std::string(folder) + "/conns");
  std::string line;
  std::getline(file, line);
  std::istringstream words(line);
  std::string kind, owned, local, local_port, to, to_port, state;
  words >> kind >> owned >> local >> local_port >> to >> to_port >> state;
  EXPECT_EQ(kind, v4() ? "tcp4" : "tcp6");
  EXPECT_EQ(owned, "1");
  EXPECT_EQ(local, ours().text());
  EXPECT_EQ(to_port, std::to_string(kPeerPort));
  EXPECT_EQ(state, "SYN_SENT");
  ::unlink((std::string(folder) + "/conns").c_str());
  ::unlink((std::string(folder) + "/sysctl").c_str());
  ::rmdir(folder);
}

TEST_P(Adapter, PipesAndSplice_AreNotThere) {
  load();
  int ends[2];
  EXPECT_EQ(table.pipe(self, ends), -1);
  EXPECT_EQ(errno, ENOSYS);
}

}  // namespace
}  // namespace millrace::packetdrill

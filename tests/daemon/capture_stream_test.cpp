// A capture's thread between lanes and a client that reads, stops reading, goes. The lcores are commands that
// this test runs, or does not.
#include "control/capture/captures.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <rte_mbuf.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "base/entropy.h"
#include "base/packet.h"
#include "shard/shard.h"

namespace millrace::control {
namespace {

using namespace std::chrono_literals;

// Lcores that run each command at once, in the thread that posts it.
struct Lcores {
  explicit Lcores(size_t count) : points(count) {}

  std::vector<dpdk::CapturePoint*> all() {
    std::vector<dpdk::CapturePoint*> out;
    for (dpdk::CapturePoint& point : points) out.push_back(&point);
    return out;
  }
  CaptureLanes::Post post() {
    return [this](unsigned, const Question& question) {
      if (full) return false;
      const std::lock_guard lock(mutex);
      question(shard);
      return true;
    };
  }
  // A frame of so many octets, that say which it is, passes an lcore. False: no capture looks there.
  bool pass(size_t lcore, uint32_t number, size_t length = 100) {
    const std::lock_guard lock(mutex);
    dpdk::CaptureLane* lane = points[lcore].lane();
    if (lane == nullptr) return false;
    std::vector<uint8_t> octets(length);
    std::memcpy(octets.data(), &number, sizeof number);
    rte_mbuf mbuf{};
    mbuf.buf_addr = octets.data();
    mbuf.data_len = static_cast<uint16_t>(length);
    mbuf.pkt_len = mbuf.data_len;
    mbuf.nb_segs = 1;
    rte_mbuf* const burst[] = {&mbuf};
    lane->take(burst, dpdk::CaptureDirection::In);
    return true;
  }

  std::mutex mutex;
  std::vector<dpdk::CapturePoint> points;
  std::atomic<bool> full{false};
  ShardParams params;
  HeapPool pool{8, 2048};
  SeededEntropy entropy{1};
  shard::Shard shard{params, wire::Checksum::Software, pool, entropy, Instant{1s}};
};

struct Client {
  Client() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    fd = ends[0];
    theirs = ends[1];
  }
  ~Client() { leave(); }
  Client(const Client&) = delete;
  void leave() {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  void finish() { shutdown(fd, SHUT_WR); }

  // The next block that is no statistics on the way; nothing: the end, or none came.
  std::optional<pcapng::Block> block() {
    for (;;) {
      std::span<const uint8_t> left = std::span<const uint8_t>(input).subspan(taken);
      bool broken = false;
      const auto found = pcapng::take_block(left, broken);
      EXPECT_FALSE(broken);
      if (found) {
        taken = input.size() - left.size();
        if (found->type == pcapng::BlockType::InterfaceStatistics) {
          last = pcapng::read_statistics(*found).value();
          if (last.end.empty()) continue;
        }
        return found;
      }
      pollfd ready{fd, POLLIN, 0};
      if (poll(&ready, 1, 20'000) <= 0) return std::nullopt;
      std::array<uint8_t, 65536> chunk;
      const ssize_t count = recv(fd, chunk.data(), chunk.size(), 0);
      if (count <= 0) return std::nullopt;
      input.insert(input.end(), chunk.begin(), chunk.begin() + count);
    }
  }
  // The number of the next frame; nothing: it is no frame.
  std::optional<uint32_t> frame() {
    const auto found = block();
    if (!found || found->type != pcapng::BlockType::EnhancedPacket) return std::nullopt;
    uint32_t number = 0;
    std::memcpy(&number, found->octets.data() + 28, sizeof number);
    return number;
  }
  void expect_head() {
    ASSERT_EQ(block().value().type, pcapng::BlockType::SectionHeader);
    ASSERT_EQ(block().value().type, pcapng::BlockType::InterfaceDescription);
  }

  int fd = -1;
  int theirs = -1;
  std::vector<uint8_t> input;
  size_t taken = 0;
  pcapng::Statistics last;
};

bool soon(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  return condition();
}

TEST(CaptureStream, Frames_OfAllLcores_ComeInTheOrderOfTime_UntilTheClientHasEnough) {
  Lcores lcores(3);
  Client client;
  CaptureStream stream({}, lcores.all(), lcores.post());
  EXPECT_FALSE(lcores.pass(0, 0));
  stream.start(client.theirs, "");
  client.expect_head();  // from here on everything is captured
  for (uint32_t i = 0; i < 300; ++i) ASSERT_TRUE(lcores.pass(i % 3, i));
  for (uint32_t i = 0; i < 300; ++i) ASSERT_EQ(client.frame(), i);
  for (uint32_t i = 300; i < 310; ++i) ASSERT_TRUE(lcores.pass(i % 3, i));
  client.finish();
  for (uint32_t i = 300; i < 310; ++i) ASSERT_EQ(client.frame(), i) << "what came before the end";
  EXPECT_EQ(client.frame(), std::nullopt);
  EXPECT_EQ(client.last.end, pcapng::kClientDone);
  EXPECT_EQ(client.last.received, 310U);
  EXPECT_EQ(client.last.dropped, 0U);
  EXPECT_TRUE(soon([&] { return stream.ended(); }));
  EXPECT_FALSE(lcores.pass(0, 0));
}

TEST(CaptureStream, Count_IsKeptExactly) {
  Lcores lcores(1);
  Client client;
  StreamParams params;
  params.frames = 5;
  CaptureStream stream(params, lcores.all(), lcores.post());
  stream.start(client.theirs, "");
  client.expect_head();
  for (uint32_t i = 0; i < 50; ++i) lcores.pass(0, i);
  for (uint32_t i = 0; i < 5; ++i) ASSERT_EQ(client.frame(), i);
  EXPECT_EQ(client.frame(), std::nullopt);
  EXPECT_EQ(client.last.end, pcapng::kCountReached);
}

TEST(CaptureStream, ClientThatGoes_EndsTheCapture) {
  Lcores lcores(1);
  Client client;
  CaptureStream stream({}, lcores.all(), lcores.post());
  stream.start(client.theirs, "");
  client.expect_head();
  client.leave();
  EXPECT_TRUE(soon([&] { return stream.ended(); }));
  EXPECT_FALSE(lcores.pass(0, 0));
}

TEST(CaptureStream, ClientThatReadsNothing_CostsFramesThatAreCounted) {
  Lcores lcores(1);
  Client client;
  CaptureStream stream({}, lcores.all(), lcores.post());
  stream.start(client.theirs, "");
  client.expect_head();
  constexpr uint32_t kFrames = 10'000;  // of 1500 octets: more than lane and socket hold
  for (uint32_t i = 0; i < kFrames; ++i) ASSERT_TRUE(lcores.pass(0, i, 1500));
  client.finish();
  uint32_t seen = 0;
  while (client.frame()) ++seen;
  EXPECT_EQ(client.last.end, pcapng::kClientDone);
  EXPECT_GT(client.last.dropped, 0U);
  EXPECT_GT(seen, 2000U);
  EXPECT_EQ(client.last.received, kFrames);
  EXPECT_EQ(seen + client.last.dropped, kFrames);
}

TEST(CaptureStream, ClientThatReadsNothingForLong_HasGone) {
  Lcores lcores(1);
  Client client;
  StreamParams params;
  params.stall = 200ms;
  CaptureStream stream(params, lcores.all(), lcores.post());
  stream.start(client.theirs, "");
  client.expect_head();
  for (uint32_t i = 0; i < 5000; ++i) lcores.pass(0, i, 1500);
  EXPECT_TRUE(soon([&] { return stream.ended(); }));
}

TEST(CaptureStream, LcoresThatDoNotCome_EndIt_WithAReason) {
  Lcores lcores(2);
  lcores.full = true;
  Client client;
  CaptureStream stream({}, lcores.all(), lcores.post());
  stream.start(client.theirs, "");
  client.expect_head();
  EXPECT_EQ(client.frame(), std::nullopt);
  EXPECT_NE(client.last.end.find("lcore"), std::string::npos) << client.last.end;
  EXPECT_TRUE(soon([&] { return stream.ended(); }));
}

// An lcore that never takes its lane down goes on copying into memory that is still there.
TEST(CaptureStream, LcoreThatNeverLetsGo_KeepsItsLane) {
  Lcores lcores(1);
  Client client;
  {
    CaptureStream stream({}, lcores.all(), lcores.post());
    stream.start(client.theirs, "");
    client.expect_head();
    lcores.full = true;
  }
  EXPECT_TRUE(lcores.pass(0, 1));
  EXPECT_EQ(client.frame(), std::nullopt);
  EXPECT_EQ(client.last.end, "the endpoint stops");
}

TEST(Captures, OneAtATime_AndTheNextWhenItHasEnded) {
  Lcores lcores(1);
  Captures captures({"p0", "net_x"}, lcores.all(), lcores.post());
  Client first, second;
  auto begun = captures.open({});
  std::get<CaptureStart>(begun)(first.theirs, "");
  first.expect_head();
  auto refused = captures.open({});
  EXPECT_EQ(std::get<CaptureRefusal>(refused).kind, CaptureRefusal::Kind::Busy);
  first.finish();
  EXPECT_EQ(first.frame(), std::nullopt);
  CaptureRequest wrong;
  EXPECT_TRUE(soon([&] {
    wrong.port = "p1";
    const auto answer = captures.open(wrong);
    return std::get<CaptureRefusal>(answer).kind == CaptureRefusal::Kind::NotFound;
  }));
  wrong.port = "p0";
  wrong.program = "nonsense";
  EXPECT_EQ(std::get<CaptureRefusal>(captures.open(wrong)).kind, CaptureRefusal::Kind::Wrong);
  std::get<CaptureStart>(captures.open({}))(second.theirs, "");
  second.expect_head();
  captures.stop();
  EXPECT_EQ(second.frame(), std::nullopt);
  EXPECT_EQ(second.last.end, "the endpoint stops");
}

}  // namespace
}  // namespace millrace::control

// Seeded mutations of good frames, so that ctest runs the same inputs everywhere. Every second frame gets its
// sums set right again, or hardly any would come past the checksums. The parser is checked by parse.h, the
// host above it by staying within its bounds.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/entropy.h"
#include "ip/host.h"
#include "parse.h"

namespace millrace::fuzz {
namespace {

using wire::test::Octets;

constexpr int kRounds = 300'000;

// MILLRACE_FUZZ_SEED tries other inputs; a failure names its seed and round.
uint64_t seed() {
  const char* text = std::getenv("MILLRACE_FUZZ_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

void mutate_once(Octets& frame, SeededEntropy& entropy) {
  static constexpr uint8_t kTelling[] = {0, 1, 2, 4, 5, 6, 8, 43, 44, 58, 60, 127, 128, 255};
  const size_t at = entropy.next() % frame.size();
  switch (entropy.next() % 6) {
    case 0:
      frame[at] = static_cast<uint8_t>(frame[at] ^ (1U << (entropy.next() % 8)));
      break;
    case 1:
      frame[at] = kTelling[entropy.next() % std::size(kTelling)];
      break;
    case 2:
      frame[at] = static_cast<uint8_t>(entropy.next());
      break;
    case 3:
      if (frame.size() > 20)
        frame.resize(frame.size() - entropy.next() % std::min<size_t>(frame.size() - 20, 40));
      break;
    case 4:
      frame.insert(frame.begin() + static_cast<ptrdiff_t>(at), 8 * (1 + entropy.next() % 3),
                   kTelling[entropy.next() % std::size(kTelling)]);
      break;
    default:
      frame.insert(frame.end(), entropy.next() % 64, static_cast<uint8_t>(entropy.next()));
  }
}

std::vector<Octets> good_frames() {
  std::vector<Octets> frames = wire::test::all_frames();
  frames.push_back(wire::test::router_advertisement());
  wire::test::fix(frames.back());
  frames.push_back(wire::test::listener_query());
  wire::test::fix(frames.back(), 62, 58);
  return frames;
}

Octets mutated(SeededEntropy& entropy) {
  static const std::vector<Octets> kSeeds = good_frames();
  Octets frame = kSeeds[entropy.next() % kSeeds.size()];
  for (uint64_t n = 1 + entropy.next() % 4; n > 0; --n) mutate_once(frame, entropy);
  const bool ip = wire::test::is_ip4(frame) || (frame[12] == 0x86 && frame[13] == 0xdd);
  if (ip && entropy.next() % 2 == 0 && frame.size() >= wire::test::transport_at(frame) + 20) {
    if (entropy.next() % 2 == 0) wire::test::fix_length(frame);
    const bool options = !wire::test::is_ip4(frame) && frame[20] == 0 && frame.size() >= 62 + 20;
    options ? wire::test::fix(frame, 62, 58) : wire::test::fix(frame);
  }
  return frame;
}

TEST(FuzzParse, MutatedFrames_KeepEveryProperty) {
  SeededEntropy entropy(seed());
  uint64_t taken = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Octets frame = mutated(entropy);
    check(frame, round % 4 == 0 ? RxChecksum::Good : RxChecksum::Unknown);
    taken += wire::test::Parsed(frame)->kind != wire::FrameKind::Dropped ? 1U : 0U;
  }
  EXPECT_GT(taken, uint64_t{kRounds} / 20) << "mutations so wild reach nothing beyond the checksums";
}

TEST(FuzzHost, HostileFrames_StayWithinTheBounds) {
  SeededEntropy entropy(seed() + 1);
  InterfaceParams interface;
  interface.mac = wire::test::kOurMac;
  interface.addresses = {{wire::test::kOur4, 24}, {wire::test::kOur6, 64}};
  const NeighborParams neighbor{.entries = 16};
  const IcmpParams icmp;
  Counters counters;
  HeapPool pool(256, 2048);
  PacketBatch out(32);
  Instant now{1s};
  {
    ip::Host host(interface, neighbor, icmp, pool, entropy, counters);
    for (int round = 0; round < kRounds; ++round) {
      const Octets octets = mutated(entropy);
      wire::test::Parsed parsed(octets);
      if (parsed->kind == wire::FrameKind::Dropped)
        host.send_error(parsed.frame, parsed->error_type, parsed->error_code, now, out);
      else if (parsed->kind != wire::FrameKind::Tcp)
        host.receive(parsed.frame, now, out);
      if (entropy.next() % 8 == 0) {
        Packet packet = pool.allocate();
        ASSERT_TRUE(packet) << "packets leak: seed " << seed() << " round " << round;
        packet.set_length(60);
        const auto low = static_cast<uint8_t>(entropy.next() % 64);
        host.send(std::move(packet), IpAddress::v4(10, 0, 0, low), now, out);
      }
      now += Micros(entropy.next() % 200'000);
      if (entropy.next() % 64 == 0) host.link_changed(entropy.next() % 2 == 0, now);
      if (entropy.next() % 1024 == 0) host.start(true, now, out);
      host.expire(now, out);
      out.clear();
      ASSERT_LE(host.neighbors().size(), neighbor.entries);
      if (round % 256 == 0) {
        ASSERT_LE(host.routes(now).size(), 3U + 8 + 16);
      }
      ASSERT_GT(host.next_deadline(), now);
    }
    EXPECT_GT(counters.arp_replies_sent.value(), 0U);
    EXPECT_GT(counters.nd_adverts_sent.value(), 0U);
    EXPECT_GT(counters.icmp_echo_replies_sent.value(), 0U);
    EXPECT_GT(counters.icmp_errors_sent.value(), 0U);
    EXPECT_GT(counters.router_advertisements_received.value(), 0U);
    EXPECT_GT(counters.mld_reports_sent.value(), 0U);
    EXPECT_GT(counters.mld_queries_received.value(), 0U);
  }
  EXPECT_EQ(pool.outstanding(), 0U);
}

}  // namespace
}  // namespace millrace::fuzz

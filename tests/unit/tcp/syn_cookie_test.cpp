// SYN cookies: what comes back of a SYN, and that nothing else does. Properties hold over random inputs.
#include "tcp/open/syn_cookie.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "base/entropy.h"
#include "tcp/open/negotiation.h"
#include "tcp/transfer/ecn.h"

namespace millrace::tcp {
namespace {

using std::chrono::seconds;

constexpr seconds kPeriod(60);
const WallTime kNoon{seconds(1'800'000'000)};
constexpr WindowScale kOurScale(3);
constexpr int kCases = 20'000;

Secrets secrets(uint8_t octet = 1) {
  Secrets out;
  out.issue.fill(octet);
  return out;
}

KeyRing ring_at(WallTime now, const Secrets& of = secrets()) {
  KeyRing ring(KeyUse::SynCookie, of, kPeriod);
  ring.advance(now);
  return ring;
}

// One handshake: the SYN that came, the SYN-ACK's two numbers, and the ACK that an honest peer returns.
struct Handshake {
  wire::Segment syn;  // as it came
  wire::TcpOptions kept;
  Seq isn;
  uint32_t tsval = 0;
  wire::Segment ack;
};

class SynCookie : public testing::TestWithParam<Family> {
 protected:
  IpAddress address(uint64_t bits) {
    if (GetParam() == Family::V4)
      return IpAddress::v4(10, static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8), 1);
    std::array<uint8_t, 16> octets{0x20, 0x01};
    for (size_t i = 0; i < 8; ++i) octets[8 + i] = static_cast<uint8_t>(bits >> (8 * i));
    return IpAddress::v6(octets);
  }
  uint32_t random(uint32_t below) { return static_cast<uint32_t>(entropy.next() % below); }

  wire::Segment random_syn() {
    wire::Segment syn;
    syn.flow.local = {address(entropy.next()), static_cast<uint16_t>(1 + random(65535))};
    syn.flow.remote = {address(entropy.next()), static_cast<uint16_t>(1 + random(65535))};
    syn.seq = Seq(static_cast<uint32_t>(entropy.next()));
    syn.flags = random(2) != 0 ? wire::kSyn : wire::kSyn | wire::kEce | wire::kCwr;
    if (random(8) != 0) syn.options.mss = Mss(static_cast<uint16_t>(1 + random(65535)));
    if (random(2) != 0) syn.options.window_scale = WindowScale(static_cast<uint8_t>(random(15)));
    if (random(2) != 0) syn.options.timestamps = wire::Timestamps{static_cast<uint32_t>(entropy.next()), 0};
    syn.options.sack_permitted = random(2) != 0;
    return syn;
  }

  Handshake shake(const KeyRing& ring, const wire::Segment& syn) {
    Handshake out;
    out.syn = syn;
    wire::Segment stripped = syn;
    keep_by_cookie(stripped, params);
    out.kept = stripped.options;
    out.isn = cookie_isn(ring, stripped, kOurScale);
    const auto clock = static_cast<uint32_t>(entropy.next());
    out.tsval = cookie_timestamp(clock, stripped);
    EXPECT_LE(clock - out.tsval, 255U) << "at most 255 ms behind, never ahead";
    out.ack.flow = syn.flow;
    out.ack.flags = wire::kAck;
    out.ack.seq = syn.seq + 1;
    out.ack.ack = out.isn + 1;
    if (out.kept.timestamps)
      out.ack.options.timestamps = wire::Timestamps{syn.options.timestamps->value + 5, out.tsval};
    return out;
  }
  wire::TcpOptions kept_of(const wire::TcpOptions& offered) {
    wire::Segment syn;
    syn.flow.remote.address = address(1);
    syn.options = offered;
    keep_by_cookie(syn, params);
    return syn.options;
  }
  std::optional<wire::Segment> open(const KeyRing& ring, const wire::Segment& ack) {
    return syn_of_cookie(ring, ack, kOurScale, params);
  }

  TcpParams params;
  SeededEntropy entropy{7};
};

TEST_P(SynCookie, ComesBackWithWhatItKept) {
  const KeyRing ring = ring_at(kNoon);
  for (int i = 0; i < kCases; ++i) {
    const Handshake h = shake(ring, random_syn());
    const auto syn = open(ring, h.ack);
    ASSERT_TRUE(syn) << i;
    EXPECT_EQ(syn->seq, h.syn.seq);
    EXPECT_EQ(syn->options.mss, h.kept.mss);
    EXPECT_EQ(syn->options.window_scale, h.kept.window_scale);
    EXPECT_EQ(syn->options.sack_permitted, h.kept.sack_permitted);
    EXPECT_EQ(syn->options.timestamps.has_value(), h.syn.options.timestamps.has_value());
    if (h.syn.options.timestamps) {
      EXPECT_EQ(syn->options.window_scale, h.syn.options.window_scale);
      EXPECT_EQ(syn->options.sack_permitted, h.syn.options.sack_permitted);
    }
    // RFC 3168 §6.1.1, as far as there is room for it.
    EXPECT_EQ(is_ecn_setup_syn(*syn), is_ecn_setup_syn(h.syn) && h.syn.options.timestamps);
  }
}

// RFC 9293 §3.7.1: never a larger segment than the peer takes; and not much less.
TEST_P(SynCookie, Mss_IsRoundedDownAndExactWhereItMatters) {
  const bool v4 = GetParam() == Family::V4;
  for (const bool timestamps : {false, true}) {
    wire::TcpOptions offered;
    if (timestamps) offered.timestamps = wire::Timestamps{};
    const auto kept = [&](uint16_t mss) {
      offered.mss = Mss(mss);
      return kept_of(offered).mss->octets();
    };
    for (uint32_t mss = 48; mss <= 65535; ++mss) {
      ASSERT_LE(kept(static_cast<uint16_t>(mss)), mss);
      if (mss >= 536) {
        ASSERT_GE(kept(static_cast<uint16_t>(mss)) * 8, mss) << mss;
      }
    }
    const std::vector<uint16_t> anywhere =
        v4 ? std::vector<uint16_t>{536, 1220, 1360, 1440, 1460, 8960}
           : std::vector<uint16_t>{536, 1220, 1340, 1400, 1432, 1440, 8940};
    const std::vector<uint16_t> with = v4 ? std::vector<uint16_t>{1380, 1400, 1448, 1452, 65495}
                                          : std::vector<uint16_t>{1360, 1380, 1420, 65475};
    for (const uint16_t mss : anywhere) EXPECT_EQ(kept(mss), mss);
    for (const uint16_t mss : with) EXPECT_EQ(kept(mss) == mss, timestamps) << mss;
    EXPECT_EQ(kept(1), 48U) << "the stack sends no smaller ones";
    offered.mss.reset();
    EXPECT_EQ(kept_of(offered).mss->octets(), v4 ? 536 : 1220);
  }
}

TEST_P(SynCookie, WithoutTimestamps_NothingThatCannotBeKeptIsAnswered) {
  wire::TcpOptions offered;
  offered.mss = Mss(1460);
  offered.window_scale = WindowScale(7);
  offered.sack_permitted = true;
  EXPECT_FALSE(kept_of(offered).window_scale);
  EXPECT_FALSE(kept_of(offered).sack_permitted);
  offered.timestamps = wire::Timestamps{};
  EXPECT_TRUE(kept_of(offered).window_scale);
  params.timestamps = false;  // we answer none
  EXPECT_FALSE(kept_of(offered).timestamps);
  EXPECT_FALSE(kept_of(offered).window_scale);
}

TEST_P(SynCookie, AnyOtherSegment_IsRefused) {
  const KeyRing ring = ring_at(kNoon);
  const std::vector<std::pair<const char*, std::function<void(wire::Segment&, uint32_t)>>> changes = {
      {"local address", [&](auto& s, uint32_t) { s.flow.local.address = address(entropy.next()); }},
      {"remote address", [&](auto& s, uint32_t) { s.flow.remote.address = address(entropy.next()); }},
      {"ends exchanged", [](auto& s, uint32_t) { std::swap(s.flow.local, s.flow.remote); }},
      {"local port", [](auto& s, uint32_t r) { s.flow.local.port ^= static_cast<uint16_t>(1U << r % 16); }},
      {"remote port", [](auto& s, uint32_t r) { s.flow.remote.port ^= static_cast<uint16_t>(1U << r % 16); }},
      {"a bit of the peer's ISN", [](auto& s, uint32_t r) { s.seq = Seq(s.seq.raw() ^ 1U << r % 32); }},
      {"a bit of the cookie", [](auto& s, uint32_t r) { s.ack = Seq((s.ack - 1).raw() ^ 1U << r % 32) + 1; }},
      {"a bit of the echoed options",
       [](auto& s, uint32_t r) { s.options.timestamps->echo_reply ^= 1U << r % 8; }},
      {"timestamps gone", [](auto& s, uint32_t) { s.options.timestamps.reset(); }},
  };
  uint32_t refused = 0;
  for (int i = 0; i < kCases; ++i) {
    wire::Segment syn = random_syn();
    syn.options.timestamps = wire::Timestamps{1, 0};
    const Handshake h = shake(ring, syn);
    const auto& [what, change] = changes[static_cast<size_t>(i) % changes.size()];
    wire::Segment ack = h.ack;
    change(ack, random(1U << 30));
    EXPECT_FALSE(open(ring, ack)) << what;
    ++refused;
  }
  EXPECT_EQ(refused, static_cast<uint32_t>(kCases));
}

TEST_P(SynCookie, TimestampsThatWereNotNegotiated_AreRefused) {
  const KeyRing ring = ring_at(kNoon);
  wire::Segment syn = random_syn();
  syn.options.timestamps.reset();
  Handshake h = shake(ring, syn);
  for (uint32_t bits = 0; bits < 256; ++bits) {
    h.ack.options.timestamps = wire::Timestamps{1, bits};
    EXPECT_FALSE(open(ring, h.ack)) << bits;
  }
}

TEST_P(SynCookie, OurOtherScale_IsRefused) {
  const KeyRing ring = ring_at(kNoon);
  const Handshake h = shake(ring, random_syn());
  EXPECT_FALSE(syn_of_cookie(ring, h.ack, WindowScale(kOurScale.shift() + 1), params))
      << "the peer would read our window wrongly";
}

// What an attacker who knows everything but the key can do is to try: 27 bits of a MAC, three epochs of four.
TEST_P(SynCookie, RandomAcks_AreRefused) {
  const KeyRing ring = ring_at(kNoon);
  uint32_t taken = 0;
  for (int i = 0; i < 10 * kCases; ++i) {
    wire::Segment ack = random_syn();
    ack.flags = wire::kAck;
    ack.ack = Seq(static_cast<uint32_t>(entropy.next()));
    taken += open(ring, ack) ? 1U : 0U;
  }
  EXPECT_EQ(taken, 0U);
}

TEST_P(SynCookie, IsGoodForOneToTwoEpochs) {
  for (const int64_t second : {0, 1, 30, 59}) {
    const WallTime issued = kNoon + seconds(second);
    const Handshake h = shake(ring_at(issued), random_syn());
    const WallTime end = kNoon + 2 * kPeriod;
    EXPECT_TRUE(open(ring_at(issued), h.ack));
    EXPECT_TRUE(open(ring_at(end - seconds(1)), h.ack)) << second;
    EXPECT_FALSE(open(ring_at(end), h.ack)) << second;
    for (int epochs = 2; epochs < 20; ++epochs)
      EXPECT_FALSE(open(ring_at(kNoon + epochs * kPeriod), h.ack)) << "the epoch's two bits come again";
  }
}

TEST_P(SynCookie, NodesOfAFleet_NeedOneSecretAndAboutOneTime) {
  const Handshake h = shake(ring_at(kNoon), random_syn());
  EXPECT_TRUE(open(ring_at(kNoon + seconds(40)), h.ack)) << "ahead of us";
  EXPECT_TRUE(open(ring_at(kNoon - seconds(40)), h.ack)) << "behind us";
  EXPECT_FALSE(open(ring_at(kNoon - seconds(61)), h.ack)) << "too far behind";
  EXPECT_FALSE(open(ring_at(kNoon, secrets(2)), h.ack));
  Secrets changing = secrets(2);
  changing.accept = secrets(1).issue;
  EXPECT_TRUE(open(ring_at(kNoon, changing), h.ack));
}

// RFC 6528 asks that nobody can predict it; the MAC's bits are the ones that count.
TEST_P(SynCookie, Isn_IsSpreadOverTheWholeSpace) {
  const KeyRing ring = ring_at(kNoon);
  std::array<uint32_t, 32> ones{};
  for (int i = 0; i < kCases; ++i) {
    const uint32_t isn = shake(ring, random_syn()).isn.raw();
    for (uint32_t bit = 5; bit < 32; ++bit) ones[bit] += isn >> bit & 1;
  }
  for (uint32_t bit = 5; bit < 32; ++bit) EXPECT_NEAR(ones[bit], kCases / 2, kCases / 20) << bit;
}

INSTANTIATE_TEST_SUITE_P(Families, SynCookie, testing::Values(Family::V4, Family::V6),
                         [](const auto& each) { return each.param == Family::V4 ? "v4" : "v6"; });

}  // namespace
}  // namespace millrace::tcp

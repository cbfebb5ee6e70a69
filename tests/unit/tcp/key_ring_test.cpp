// Keys by secret, use and epoch: who shares what with whom, and for how long.
#include "tcp/open/key_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace millrace::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPeriod(60);
const WallTime kNoon{seconds(1'800'000'000)};  // an epoch begins
constexpr std::array<uint8_t, 3> kInput = {1, 2, 3};

Secrets secrets(uint8_t octet) {
  Secrets out;
  out.issue.fill(octet);
  return out;
}

KeyRing ring_at(WallTime now, const Secrets& of = secrets(1), KeyUse use = KeyUse::SynCookie) {
  KeyRing ring(use, of, kPeriod);
  ring.advance(now);
  return ring;
}

bool accepts(const KeyRing& ring, const KeyRing::Key& issued) {
  const uint64_t mac = KeyRing::mac(issued, kInput);
  return std::ranges::any_of(ring.accepted(), [&](const KeyRing::Key& key) {
    return key.epoch == issued.epoch && KeyRing::mac(key, kInput) == mac;
  });
}

TEST(KeyRing, EpochIsTheWallClockInPeriods) {
  EXPECT_EQ(ring_at(kNoon).current().epoch, 30'000'000U);
  EXPECT_EQ(ring_at(kNoon - milliseconds(1)).current().epoch, 29'999'999U);
  EXPECT_EQ(ring_at(kNoon + kPeriod - milliseconds(1)).current().epoch, 30'000'000U);
  EXPECT_EQ(ring_at(WallTime(seconds(-5))).current().epoch, 0U);
}

TEST(KeyRing, AcceptsPreviousCurrentAndNextAndNoOther) {
  const KeyRing ring = ring_at(kNoon);
  for (int shift = -3; shift <= 3; ++shift)
    EXPECT_EQ(accepts(ring, ring_at(kNoon + shift * kPeriod).current()), std::abs(shift) <= 1) << shift;
  EXPECT_EQ(ring.accepted().size(), 3U);
  EXPECT_EQ(ring.accepted().front().epoch, ring.current().epoch);
}

TEST(KeyRing, AdvancesStepByStepOrInOneJumpAndBack) {
  KeyRing ring = ring_at(kNoon);
  for (WallTime now = kNoon; now <= kNoon + 10 * kPeriod; now += milliseconds(999)) {
    ring.advance(now);
    EXPECT_TRUE(accepts(ring_at(now), ring.current()));
    EXPECT_EQ(ring.current().epoch, ring_at(now).current().epoch);
  }
  ring.advance(kNoon - 1000 * kPeriod);
  EXPECT_EQ(ring.current().key, ring_at(kNoon - 1000 * kPeriod).current().key);
}

TEST(KeyRing, EachUseSecretAndEpochHasAKeyOfItsOwn) {
  std::set<SipKey> seen;
  for (const KeyUse use : {KeyUse::SynCookie, KeyUse::FastOpen, KeyUse::TimestampOffset})
    for (const uint8_t secret : {1, 2})
      for (int epoch = 0; epoch < 4; ++epoch)
        seen.insert(ring_at(kNoon + epoch * kPeriod, secrets(secret), use).current().key);
  EXPECT_EQ(seen.size(), 3U * 2U * 4U);
}

TEST(KeyRing, EveryOctetOfTheSecretCounts) {
  const KeyRing ring = ring_at(kNoon);
  for (size_t i = 0; i < Secret().size(); ++i) {
    Secrets other = secrets(1);
    other.issue[i] ^= 1;
    EXPECT_FALSE(accepts(ring, ring_at(kNoon, other).current())) << i;
  }
}

TEST(KeyRing, NewSecret_CountsAtOnceAndTheOldOneOnlyIfNamed) {
  KeyRing ring = ring_at(kNoon);
  const KeyRing::Key old = ring.current();
  Secrets both = secrets(2);
  both.accept = secrets(1).issue;
  ring.set_secrets(both);
  EXPECT_TRUE(accepts(ring, old));
  EXPECT_NE(ring.current().key, old.key);
  EXPECT_EQ(ring.current().key, ring_at(kNoon, secrets(2)).current().key);
  EXPECT_EQ(ring.accepted().size(), 6U);
  ring.set_secrets(secrets(2));
  EXPECT_FALSE(accepts(ring, old));
}

TEST(KeyRing, NewPeriod_StaysInTheSameTime) {
  KeyRing ring = ring_at(kNoon);
  ring.set_period(seconds(3600));
  EXPECT_EQ(ring.current().epoch, 1'800'000'000U / 3600);
  ring.set_period(seconds(0));  // taken as the least
  ring.advance(kNoon);
  EXPECT_EQ(ring.current().epoch, 1'800'000'000U);
}

}  // namespace
}  // namespace millrace::tcp

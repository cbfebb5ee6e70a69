// What Fast Open (RFC 7413) rests on: cookies, the client's cache of them, the server's count of what is
// pending. What a connection does with them is tests/conformance/fast_open_*_test.cpp.
#include <gtest/gtest.h>

#include <set>

#include "tcp/open/fast_open.h"

namespace millrace::tcp {
namespace {

constexpr Instant kStart{Micros{1'000'000'000}};
constexpr WallTime kWall{std::chrono::hours(24 * 365 * 50)};

Secrets secrets_of(uint64_t seed) {
  SeededEntropy entropy(seed);
  return draw_secrets(entropy);
}

IpAddress client_address(uint8_t number, Family family = Family::V4) {
  if (family == Family::V4) return IpAddress::v4(192, 0, 2, number);
  return IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
}

class Cookies : public testing::Test {
 protected:
  Cookies() : ours(secrets_of(1), 64, entropy) { ours.keys.advance(kWall); }
  SeededEntropy entropy{7};
  FastOpen ours;
};

TEST_F(Cookies, IsForOneAddress) {
  for (const Family family : {Family::V4, Family::V6}) {
    const wire::FastOpenCookie cookie = ours.cookie_for(client_address(1, family));
    EXPECT_EQ(cookie.length, 8);
    EXPECT_EQ(ours.validity(cookie, client_address(1, family)), FastOpen::Validity::Current);
    EXPECT_EQ(ours.validity(cookie, client_address(2, family)), FastOpen::Validity::Invalid);
  }
}

// RFC 7413 §4.1.2: nobody but the server can make it. A guess is right once in 2^64.
TEST_F(Cookies, EveryDamagedOctet_MakesItInvalid) {
  const wire::FastOpenCookie good = ours.cookie_for(client_address(1));
  for (size_t i = 0; i < good.length; ++i)
    for (int bit = 0; bit < 8; ++bit) {
      wire::FastOpenCookie bad = good;
      bad.octets[i] = static_cast<uint8_t>(bad.octets[i] ^ (1 << bit));
      EXPECT_EQ(ours.validity(bad, client_address(1)), FastOpen::Validity::Invalid);
    }
  wire::FastOpenCookie shorter = good;
  shorter.length = 4;
  EXPECT_EQ(ours.validity(shorter, client_address(1)), FastOpen::Validity::Invalid);
  wire::FastOpenCookie longer = good;
  longer.length = 16;
  EXPECT_EQ(ours.validity(longer, client_address(1)), FastOpen::Validity::Invalid);
}

// Property 5: it expires. One period later it is taken and a new one due; two later it is nothing.
TEST_F(Cookies, GrowsOldWithTheKeys) {
  const wire::FastOpenCookie cookie = ours.cookie_for(client_address(1));
  ours.keys.advance(kWall + FastOpen::kKeyPeriod);
  EXPECT_EQ(ours.validity(cookie, client_address(1)), FastOpen::Validity::Old);
  EXPECT_NE(ours.cookie_for(client_address(1)), cookie);
  ours.keys.advance(kWall + 2 * FastOpen::kKeyPeriod);
  EXPECT_EQ(ours.validity(cookie, client_address(1)), FastOpen::Validity::Invalid);
}

// A node of a fleet takes what another one issues, also one whose clock is ahead of its own.
TEST_F(Cookies, OfAFleet_CountOnEveryNode) {
  FastOpen theirs(secrets_of(1), 0, entropy);
  theirs.keys.advance(kWall);
  EXPECT_EQ(theirs.validity(ours.cookie_for(client_address(1)), client_address(1)),
            FastOpen::Validity::Current);
  theirs.keys.advance(kWall + FastOpen::kKeyPeriod);
  EXPECT_EQ(ours.validity(theirs.cookie_for(client_address(1)), client_address(1)), FastOpen::Validity::Old);
  FastOpen strangers(secrets_of(2), 0, entropy);
  strangers.keys.advance(kWall);
  EXPECT_EQ(ours.validity(strangers.cookie_for(client_address(1)), client_address(1)),
            FastOpen::Validity::Invalid);
}

TEST_F(Cookies, OfTheSecretBefore_CountWhileItIsAccepted) {
  const wire::FastOpenCookie before = ours.cookie_for(client_address(1));
  Secrets next = secrets_of(2);
  next.accept = secrets_of(1).issue;
  ours.keys.set_secrets(next);
  EXPECT_EQ(ours.validity(before, client_address(1)), FastOpen::Validity::Old);
  ours.keys.set_secrets(secrets_of(2));
  EXPECT_EQ(ours.validity(before, client_address(1)), FastOpen::Validity::Invalid);
}

// ---- the client's cache

flow::FlowKey key_of(uint8_t server, uint16_t port = 80, flow::LocalId local = 0) {
  flow::FlowKey key;
  key.remote = client_address(server);
  key.remote_port = port;
  key.local_port = 50'000;
  key.local = local;
  return key;
}

wire::FastOpenCookie cookie_of(uint8_t octet) {
  wire::FastOpenCookie cookie{.length = 8, .experimental = false, .octets = {}};
  cookie.octets.fill(octet);
  return cookie;
}

struct Cache : testing::Test {
  uint8_t cookie_in(const flow::FlowKey& key) {
    const FastOpenCache::Known known = cache.find(key, now);
    return known.cookie == nullptr ? 0 : known.cookie->octets[0];
  }
  SeededEntropy entropy{7};
  FastOpenCache cache{64, entropy};
  Instant now = kStart;
};

// RFC 7413 §4.1.3: "at most one (most recently received) cookie per client and server IP address pair".
TEST_F(Cache, KeepsTheLastCookieOfAPairOfAddresses) {
  cache.store(key_of(1), cookie_of(1), Mss(1400));
  cache.store(key_of(2), cookie_of(2), Mss(1300));
  cache.store(key_of(1, 443), cookie_of(3), Mss(1200));
  EXPECT_EQ(cookie_in(key_of(1)), 3);
  EXPECT_EQ(cache.find(key_of(1), now).mss, Mss(1200));
  EXPECT_EQ(cookie_in(key_of(2)), 2);
  EXPECT_EQ(cookie_in(key_of(1, 80, 1)), 0) << "of another address of ours";
  EXPECT_EQ(cache.mss_with_cookie(key_of(1, 8080), now), 1200);
  EXPECT_EQ(cache.mss_with_cookie(key_of(3), now), 0);
  EXPECT_EQ(cache.used(), 2U);
}

// §4.1.3.1: refusals are of a port, for services differ.
TEST_F(Cache, Refusal_IsForOnePortAndEnds) {
  cache.store(key_of(1), cookie_of(1), Mss(1400));
  cache.refuse(key_of(1, 80), now);
  EXPECT_TRUE(cache.find(key_of(1, 80), now).refused);
  EXPECT_EQ(cache.mss_with_cookie(key_of(1, 80), now), 0);
  EXPECT_FALSE(cache.find(key_of(1, 81), now).refused);
  EXPECT_NE(cache.mss_with_cookie(key_of(1, 81), now), 0);
  now += FastOpenCache::kFirstWait - 1us;
  EXPECT_TRUE(cache.find(key_of(1, 80), now).refused);
  now += 1us;
  EXPECT_FALSE(cache.find(key_of(1, 80), now).refused);
  EXPECT_EQ(cookie_in(key_of(1, 80)), 1) << "the cookie is still good";
}

TEST_F(Cache, Refusals_BackOffUpToABoundUntilForgiven) {
  Micros wait = FastOpenCache::kFirstWait;
  for (int i = 0; i < 40; ++i) {
    cache.refuse(key_of(1), now);
    cache.refuse(key_of(1), now);  // of a connection opened at the same time: counts once
    now += wait - 1us;
    EXPECT_TRUE(cache.find(key_of(1), now).refused) << i;
    now += 1us;
    EXPECT_FALSE(cache.find(key_of(1), now).refused) << i;
    wait = std::min(2 * wait, FastOpenCache::kLongestWait);
  }
  cache.forgive(key_of(1));
  cache.refuse(key_of(1), now);
  EXPECT_FALSE(cache.find(key_of(1), now + FastOpenCache::kFirstWait).refused);
}

TEST_F(Cache, IsBounded_AndWhatIsUsedStays) {
  cache.store(key_of(0), cookie_of(99), Mss(1400));
  for (int i = 1; i < 5'000; ++i) {
    flow::FlowKey key = key_of(0);
    key.remote = IpAddress::v4(10, 1, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
    cache.store(key, cookie_of(1), Mss(1400));
    if (i % 3 == 0) cache.refuse(key, now);
    EXPECT_EQ(cookie_in(key_of(0)), 99) << "used all along";
  }
  EXPECT_EQ(cache.used(), cache.bound());
  EXPECT_EQ(cache.bound(), 64U);
}

TEST_F(Cache, WithoutEntries_KnowsNothingAndAsksNothing) {
  FastOpenCache none(0, entropy);
  none.store(key_of(1), cookie_of(1), Mss(1400));
  none.refuse(key_of(1), now);
  none.forgive(key_of(1));
  EXPECT_TRUE(none.find(key_of(1), now).refused);
  EXPECT_EQ(none.mss_with_cookie(key_of(1), now), 0);
}

// ---- PendingFastOpenRequests (§4.2)

TEST(Pending, Limit_HoldsAndIsOffByDefault) {
  FastOpenPending off;
  EXPECT_FALSE(off.enabled());
  EXPECT_FALSE(off.has_room(kStart));
  FastOpenPending pending(2);
  EXPECT_TRUE(pending.has_room(kStart));
  pending.open();
  pending.open();
  EXPECT_FALSE(pending.has_room(kStart));
  pending.close();
  EXPECT_TRUE(pending.has_room(kStart));
}

// §5.1: "continuing to account for those connection requests that have just been reset".
TEST(Pending, Reset_CountsForAWhileYet) {
  FastOpenPending pending(2);
  Instant now = kStart;
  for (int round = 0; round < 3; ++round) {
    pending.open();
    pending.reset(now);
    now += 1s;
    pending.open();
    pending.reset(now);
    EXPECT_EQ(pending.pending(), 0U);
    EXPECT_FALSE(pending.has_room(now + FastOpenPending::kResetHold - 1s - 1us));
    now += FastOpenPending::kResetHold - 1s;
    EXPECT_TRUE(pending.has_room(now)) << "the first has been forgotten, the second not";
    EXPECT_EQ(pending.held(), 1U);
    now += 1s;
    EXPECT_TRUE(pending.has_room(now));
    EXPECT_EQ(pending.held(), 0U);
  }
}

TEST(Pending, LimitChangedOnTheWay_KeepsTheCount) {
  FastOpenPending pending(3);
  for (int i = 0; i < 3; ++i) pending.open();
  pending.reset(kStart);
  pending.reset(kStart + 1s);
  pending.set_limit(1);
  EXPECT_FALSE(pending.has_room(kStart + 2s));
  pending.reset(kStart + 2s);  // more than the limit holds
  EXPECT_EQ(pending.pending(), 0U);
  EXPECT_FALSE(pending.has_room(kStart + 3s));
  pending.set_limit(8);
  EXPECT_TRUE(pending.has_room(kStart + 3s));
  EXPECT_TRUE(pending.has_room(kStart + 2 * FastOpenPending::kResetHold));
  EXPECT_EQ(pending.held(), 0U);
}

}  // namespace
}  // namespace millrace::tcp

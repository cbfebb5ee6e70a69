// Keys of cookies (SYN cookies, Fast Open cookies), which change with the epochs of the wall clock: the
// present epoch's key issues; those of the epochs before and after it are accepted too, so that a cookie
// outlives the change and the nodes of a fleet may differ about the time. Who has the secret and about the
// same time of day has the same keys.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "base/secret.h"
#include "base/time.h"
#include "tcp/open/siphash.h"

namespace millrace::tcp {

// What keys are for: different uses have different keys of one secret. The values are part of what a fleet
// has in common.
enum class KeyUse : uint8_t { SynCookie = 1, FastOpen = 2, TimestampOffset = 3 };

class KeyRing {
 public:
  struct Key {
    uint64_t epoch = 0;
    SipKey key{};
  };

  // Epochs last `period` (at least a second), counted from 1970.
  KeyRing(KeyUse use, const Secrets& secrets, std::chrono::seconds period);

  // The time of day; to be told at least once a period. It may jump either way.
  void advance(WallTime now) {
    if (now < begins_ || now >= ends_) [[unlikely]]
      enter_epoch(now);
  }
  // Both take effect at once: what came from a secret that is not among `secrets` counts no more.
  void set_secrets(const Secrets& secrets);
  void set_period(std::chrono::seconds period);

  // The key that issues.
  const Key& current() const { return keys_[0]; }
  // Those that are accepted: current, previous, next; then the same of Secrets::accept.
  std::span<const Key> accepted() const { return {keys_.data(), count_}; }

  static uint64_t mac(const Key& key, std::span<const uint8_t> input) { return siphash(input, key.key); }

 private:
  [[gnu::cold]] void enter_epoch(WallTime now);
  void derive();

  KeyUse use_;
  Secrets secrets_;
  std::chrono::seconds period_;
  uint64_t epoch_ = 0;
  WallTime begins_{};
  WallTime ends_{};
  std::array<Key, 6> keys_{};
  size_t count_ = 0;
};

// A secret of 32 octets or more, however it is shared, as ours: 32 octets that depend on all of them.
Secret make_secret(std::span<const uint8_t> octets);

// A key that does not change with time.
SipKey derive_key(const Secret& secret, KeyUse use, uint64_t epoch = 0);

}  // namespace millrace::tcp

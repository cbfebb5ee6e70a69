#include "tcp/open/key_ring.h"

#include <sodium/crypto_generichash.h>

#include <algorithm>
#include <string_view>

namespace millrace::tcp {

static_assert(std::tuple_size<SipKey>() >= crypto_generichash_BYTES_MIN);
static_assert(std::tuple_size<Secret>() >= crypto_generichash_KEYBYTES_MIN &&
              std::tuple_size<Secret>() <= crypto_generichash_KEYBYTES_MAX);

// BLAKE2b keyed by the secret, over a label, the use and the epoch: nobody learns one key from another.
SipKey derive_key(const Secret& secret, KeyUse use, uint64_t epoch) {
  constexpr std::string_view kLabel = "millrace tcp key 1";
  std::array<uint8_t, kLabel.size() + 9> input{};
  std::copy(kLabel.begin(), kLabel.end(), input.begin());
  input[kLabel.size()] = static_cast<uint8_t>(use);
  for (size_t i = 0; i < 8; ++i) input[kLabel.size() + 1 + i] = static_cast<uint8_t>(epoch >> (8 * i));
  SipKey key{};
  crypto_generichash(key.data(), key.size(), input.data(), input.size(), secret.data(), secret.size());
  return key;
}

Secret make_secret(std::span<const uint8_t> octets) {
  Secret secret{};
  crypto_generichash(secret.data(), secret.size(), octets.data(), octets.size(), nullptr, 0);
  return secret;
}

KeyRing::KeyRing(KeyUse use, const Secrets& secrets, std::chrono::seconds period)
    : use_(use), secrets_(secrets), period_(std::max(period, std::chrono::seconds(1))) {
  enter_epoch({});
}

void KeyRing::set_secrets(const Secrets& secrets) {
  secrets_ = secrets;
  derive();
}

void KeyRing::set_period(std::chrono::seconds period) {
  period = std::max(period, std::chrono::seconds(1));
  if (period == period_) return;
  const WallTime within = begins_;
  period_ = period;
  enter_epoch(within);
}

void KeyRing::enter_epoch(WallTime now) {
  const auto since_1970 = std::max(now.time_since_epoch(), WallTime::duration::zero());
  epoch_ = static_cast<uint64_t>(since_1970 / period_);
  // Before 1970 is the first epoch's.
  begins_ = epoch_ == 0 ? WallTime::min() : WallTime(epoch_ * period_);
  ends_ = WallTime((epoch_ + 1) * period_);
  derive();
}

void KeyRing::derive() {
  count_ = 0;
  const auto add = [this](const Secret& secret, uint64_t epoch) {
    keys_[count_++] = {.epoch = epoch, .key = derive_key(secret, use_, epoch)};
  };
  const auto add_all = [&](const Secret& secret) {
    add(secret, epoch_);
    if (epoch_ != 0) add(secret, epoch_ - 1);
    add(secret, epoch_ + 1);
  };
  add_all(secrets_.issue);
  if (secrets_.accept) add_all(*secrets_.accept);
}

}  // namespace millrace::tcp

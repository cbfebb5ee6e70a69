// What names a connection within a shard, and its keyed hash. Neighbours: table.h finds records by it; the
// records (TCB, SYN-RECEIVED, TIME-WAIT) begin with a FlowKey.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/address.h"
#include "base/entropy.h"

namespace millrace::flow {

// Our address, interned by the internet layer (ip/host.h hands these out).
using LocalId = uint16_t;

// The first 24 bytes of every record. Compared as three words, the owner's two bytes masked away.
struct alignas(8) FlowKey {
  IpAddress remote;
  uint16_t remote_port = 0;
  uint16_t local_port = 0;
  LocalId local = 0;
  // Not part of the key: they fill the word up for the record's owner.
  uint8_t kind = 0;
  uint8_t state = 0;

  struct Words {
    uint64_t remote_high, remote_low, rest;
  };
  Words words() const {
    Words words;
    std::memcpy(&words, static_cast<const void*>(this), sizeof words);
    words.rest &= kRestMask;
    return words;
  }

  // Without branches: the words of a candidate are nearly always all equal.
  friend bool operator==(const FlowKey& a, const FlowKey& b) {
    const Words x = a.words();
    const Words y = b.words();
    return ((x.remote_high ^ y.remote_high) | (x.remote_low ^ y.remote_low) | (x.rest ^ y.rest)) == 0;
  }

 private:
  static constexpr uint64_t kRestMask =
      std::endian::native == std::endian::little ? 0x0000'ffff'ffff'ffff : 0xffff'ffff'ffff'0000;
};
static_assert(sizeof(FlowKey) == 24 && std::is_trivially_copyable_v<FlowKey>);
static_assert(std::has_unique_object_representations_v<IpAddress>);

// Each word of the key goes through two rounds of "multiply to 128 bits, fold the halves", under secret
// words. One round would not do: for ports or addresses in a row it yields an arithmetic progression, which
// for some secrets falls into few buckets.
//
// A flood needs many keys that share a bucket. Addresses and ports are the peer's to choose, but the hash
// never leaves the host (not in a port, a sequence number, a cookie), so the secrets cannot be learnt from
// it, and without them any keys meet about as often as random ones would. This is no cryptographic function:
// what the peer gets to see is made with SipHash instead. Should a run of buckets fill up all the same, the
// table refuses the insertion rather than walk on.
class FlowHash {
 public:
  explicit FlowHash(Entropy& entropy) {
    for (uint64_t& secret : secrets_) secret = entropy.next();
  }

  uint64_t operator()(const FlowKey& key) const {
    const FlowKey::Words words = key.words();
    const uint64_t address = fold(words.remote_high ^ secrets_[0], words.remote_low ^ secrets_[1]);
    const uint64_t rest = fold(words.rest ^ secrets_[1], secrets_[2]);
    return fold(address ^ secrets_[2], rest ^ secrets_[0]);
  }

 private:
  static uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  std::array<uint64_t, 3> secrets_;
};

}  // namespace millrace::flow

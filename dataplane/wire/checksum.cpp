// Sums of octets, the one part of the checksum that has a loop. Neighbour: checksum.h.
#include "wire/checksum.h"

#include <cstring>

namespace millrace::wire {

namespace {

template <typename Word>
inline uint64_t load(const uint8_t* at, size_t octets = sizeof(Word)) {
  Word word = 0;
  std::memcpy(&word, at, octets);
  return word;
}

inline uint64_t add(uint64_t a, uint64_t b) {
  const uint64_t sum = a + b;
  return sum + (sum < b ? 1U : 0U);
}

// What is left after the words of 8, piece by piece: a copy of variable length would be a call.
inline uint64_t sum_tail(const uint8_t* at, size_t length) {
  uint64_t sum = 0;
  if ((length & 4) != 0) {
    sum += load<uint32_t>(at);
    at += 4;
  }
  if ((length & 2) != 0) {
    sum += load<uint16_t>(at);
    at += 2;
  }
  if ((length & 1) != 0) sum += load<uint16_t>(at, 1);
  return sum;
}

template <bool Copy>
inline Sum run(uint8_t* to, const uint8_t* from, size_t length) {
  // Four chains: an addition with carry takes two cycles, and they overlap.
  uint64_t a = 0, b = 0, c = 0, d = 0;
  while (length >= 32) {
    const uint64_t w0 = load<uint64_t>(from), w1 = load<uint64_t>(from + 8), w2 = load<uint64_t>(from + 16),
                   w3 = load<uint64_t>(from + 24);
    if constexpr (Copy) {
      std::memcpy(to, &w0, 8);
      std::memcpy(to + 8, &w1, 8);
      std::memcpy(to + 16, &w2, 8);
      std::memcpy(to + 24, &w3, 8);
      to += 32;
    }
    a = add(a, w0);
    b = add(b, w1);
    c = add(c, w2);
    d = add(d, w3);
    from += 32;
    length -= 32;
  }
  while (length >= 8) {
    const uint64_t word = load<uint64_t>(from);
    if constexpr (Copy) {
      std::memcpy(to, &word, 8);
      to += 8;
    }
    a = add(a, word);
    from += 8;
    length -= 8;
  }
  if (length != 0) {
    b = add(b, sum_tail(from, length));
    if constexpr (Copy) std::memcpy(to, from, length);
  }
  return Sum(add(add(a, b), add(c, d)));
}

}  // namespace

Sum sum_of(const uint8_t* data, size_t length) { return run<false>(nullptr, data, length); }

Sum copy_and_sum(uint8_t* to, const uint8_t* from, size_t length) { return run<true>(to, from, length); }

Sum pseudo_header_sum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                      uint32_t length) {
  Sum sum;
  if (source.is_v4())
    sum = sum_of(source.v4_wire(), 4) + sum_of(destination.v4_wire(), 4);
  else
    sum = sum_of(source.v6_wire(), 16) + sum_of(destination.v6_wire(), 16);
  return sum.add_field(protocol).add_field(static_cast<uint16_t>(length));
}

}  // namespace millrace::wire

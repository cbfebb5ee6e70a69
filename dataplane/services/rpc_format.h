// The octets of the rpc service: what a request and a response look like, and what a unit of work is. rpc.h
// serves it, load/rpc_exchange.h asks for it.
//
//   request    0  length of the request, header and filler      response    0  length of the response
//              4  length wanted of the response                             4  length of the request
//              8  rounds of work                                            8  what the work came to
//             12  id                                                       12  id
//
// Each a number of 32 bits in network byte order; filler up to the length follows, and nobody reads it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/bytes.h"

namespace millrace::services {

inline constexpr uint32_t kRpcHeaderBytes = 16;
inline constexpr uint32_t kRpcMessageBytes = 16U << 20;  // a message may be this long
inline constexpr uint32_t kRpcWorkRounds = 1U << 16;     // a request may ask for so much

struct RpcHeader {
  uint32_t length = kRpcHeaderBytes;        // of this message
  uint32_t other_length = kRpcHeaderBytes;  // of the other one of the pair
  uint32_t work = 0;                        // request: rounds; response: their result
  uint32_t id = 0;

  bool is_request_in_bounds() const {
    return is_length(length) && is_length(other_length) && work <= kRpcWorkRounds;
  }
  static bool is_length(uint32_t octets) { return octets >= kRpcHeaderBytes && octets <= kRpcMessageBytes; }
};

inline RpcHeader read_rpc_header(const uint8_t* at) {
  return {.length = wire::get32(at),
          .other_length = wire::get32(at + 4),
          .work = wire::get32(at + 8),
          .id = wire::get32(at + 12)};
}

inline void write_rpc_header(uint8_t* at, const RpcHeader& header) {
  wire::put32(at, header.length);
  wire::put32(at + 4, header.other_length);
  wire::put32(at + 8, header.work);
  wire::put32(at + 12, header.id);
}

// Alone, in a message that is written already.
inline void write_rpc_id(uint8_t* message, uint32_t id) { wire::put32(message + 12, id); }

// `rounds` units of work on `seed`. A round is one step of a 64-bit xorshift and a multiplication, each of
// which needs the one before: about seven cycles on any processor of today, whatever its caches hold.
inline uint32_t rpc_work(uint32_t seed, uint32_t rounds) {
  uint64_t word = seed | uint64_t{1} << 32;
  for (uint32_t i = 0; i < rounds; ++i) {
    word ^= word >> 29;
    word ^= word << 17;
    word *= 0x9e37'79b9'7f4a'7c15ULL;
  }
  return static_cast<uint32_t>(word >> 32);
}

}  // namespace millrace::services

// A TCP segment as fields: what parse.h makes of a frame and what build.h makes a frame of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/seq.h"
#include "base/units.h"

namespace millrace::wire {

// The control bits of RFC 9293 §3.1, as they stand in the header's 14th octet.
class Flags {
 public:
  static constexpr uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10, kUrg = 0x20,
                           kEce = 0x40, kCwr = 0x80;
  constexpr Flags() = default;
  constexpr explicit Flags(int bits) : bits_(static_cast<uint8_t>(bits)) {}

  constexpr bool fin() const { return (bits_ & kFin) != 0; }
  constexpr bool syn() const { return (bits_ & kSyn) != 0; }
  constexpr bool rst() const { return (bits_ & kRst) != 0; }
  constexpr bool psh() const { return (bits_ & kPsh) != 0; }
  constexpr bool ack() const { return (bits_ & kAck) != 0; }
  constexpr bool urg() const { return (bits_ & kUrg) != 0; }
  constexpr uint8_t bits() const { return bits_; }
  constexpr Flags operator|(Flags other) const { return Flags(bits_ | other.bits_); }
  friend constexpr bool operator==(Flags, Flags) = default;

 private:
  uint8_t bits_ = 0;
};

inline constexpr Flags kFin{Flags::kFin}, kSyn{Flags::kSyn}, kRst{Flags::kRst}, kPsh{Flags::kPsh},
    kAck{Flags::kAck}, kUrg{Flags::kUrg}, kEce{Flags::kEce}, kCwr{Flags::kCwr};

// The ECN field of the IP header (RFC 3168 §5).
inline constexpr uint8_t kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3;

// RFC 7323 §3.2.
struct Timestamps {
  uint32_t value = 0;
  uint32_t echo_reply = 0;
  friend constexpr bool operator==(const Timestamps&, const Timestamps&) = default;
};

struct SackBlock {
  Seq left;   // first octet of the block
  Seq right;  // octet after its last
  friend constexpr bool operator==(const SackBlock&, const SackBlock&) = default;
};

// RFC 7413 §4.1.1: a cookie; without octets the request for one. It has a meaning on SYNs alone.
struct FastOpenCookie {
  static constexpr uint8_t kLeast = 4, kMost = 16;
  uint8_t length = 0;
  bool experimental = false;  // as older implementations write it: kind 254 with the ExID of RFC 6994
  std::array<uint8_t, kMost> octets{};

  bool is_request() const { return length == 0; }
  friend bool operator==(const FastOpenCookie&, const FastOpenCookie&) = default;
};

// Syntax only: what the options say, not whether they may.
struct TcpOptions {
  std::optional<Mss> mss;
  std::optional<WindowScale> window_scale;
  std::optional<Timestamps> timestamps;
  std::optional<FastOpenCookie> fast_open;
  uint16_t user_timeout = 0;  // RFC 5482 §2, granularity bit and value; 0: there is none
  bool sack_permitted = false;
  uint8_t sack_count = 0;
  std::array<SackBlock, 4> sack;

  // No options: cheaper than a new set, whose unused octets would be cleared too.
  void clear() {
    mss.reset();
    window_scale.reset();
    timestamps.reset();
    fast_open.reset();
    user_timeout = 0;
    sack_permitted = false;
    sack_count = 0;
  }
  friend bool operator==(const TcpOptions&, const TcpOptions&) = default;
};

// The two ends of a segment, seen from us.
struct FlowAddress {
  Endpoint local;
  Endpoint remote;
  friend constexpr auto operator<=>(const FlowAddress&, const FlowAddress&) = default;
};

struct Segment {
  FlowAddress flow;  // received: local is the destination; sent: local is the source
  Seq seq;
  Seq ack;
  Flags flags;
  WireWindow window;
  uint16_t urgent_pointer = 0;
  uint8_t ecn = 0;         // the IP header's two ECN bits (RFC 3168 §5)
  uint8_t dscp = 0;        // and the six of its Diffserv codepoint (RFC 2474 §3)
  uint8_t hop_limit = 64;  // TTL or hop limit
  // Sent alone: PCP of the VLAN's tag (IEEE 802.1Q); IPv4: DF is not set, and this names the datagram
  // (RFC 6864 §4.3).
  uint8_t priority = 0;
  bool may_fragment = false;
  uint16_t identification = 0;
  TcpOptions options;
  const uint8_t* payload = nullptr;
  uint32_t payload_length = 0;

  // As new, but for the flow.
  void clear() {
    seq = ack = Seq();
    flags = Flags();
    window = WireWindow();
    urgent_pointer = 0;
    ecn = 0;
    dscp = 0;
    hop_limit = 64;
    priority = 0;
    may_fragment = false;
    identification = 0;
    options.clear();
    payload = nullptr;
    payload_length = 0;
  }

  // SEG.LEN of RFC 9293 §3.3.1: payload octets, SYN and FIN counted.
  constexpr uint32_t length() const {
    return payload_length + (flags.syn() ? 1U : 0U) + (flags.fin() ? 1U : 0U);
  }
  constexpr Seq end() const { return seq + length(); }
};

}  // namespace millrace::wire

// Ephemeral ports for active opens (RFC 6056). Neighbours: table.h, which knows what is in use; the shard,
// which knows from which ports replies come back to its own lcore.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/entropy.h"

namespace millrace::flow {

struct PortRange {
  uint16_t first = 32768;
  uint16_t last = 60999;  // inclusive
  constexpr uint32_t count() const { return uint32_t{last} - first + 1; }
  constexpr bool contains(uint16_t port) const { return port >= first && port <= last; }
};

// Double-hash port selection, RFC 6056 §3.3.4: simple hash-based selection (§3.3.3) whose counter is one of
// many, chosen by the destination, so that what one destination sees tells it nothing of our other
// connections. Towards one destination ports come in turn, so a port rests as long as it can before its
// TIME-WAIT would be met.
class Ports {
 public:
  // The first port is not after the last, and not 0.
  Ports(PortRange range, Entropy& entropy);

  const PortRange& range() const { return range_; }

  // The first candidate of this destination's sequence that accept(uint16_t port) takes; it is asked at most
  // `candidates` times, and never twice for a port. None: it took none of them, and the next call goes on
  // behind them. A caller that prefers some ports (RSS) calls a second time with a predicate that asks for
  // less.
  template <typename Accept>
  std::optional<uint16_t> select(const IpAddress& local, const Endpoint& remote, Accept&& accept,
                                 uint32_t candidates = 0x10000);

  // The same at a bounded price, however many ports are taken: kInTurn candidates in sequence, then, behind a
  // long run of ports in use, kScattered ones spread evenly over the whole range. Towards one destination
  // the next in turn has rested longest, so the first candidate will nearly always do.
  template <typename Accept>
  std::optional<uint16_t> search(const IpAddress& local, const Endpoint& remote, Accept&& accept);
  static constexpr uint32_t kInTurn = 64;
  static constexpr uint32_t kScattered = 192;

 private:
  static constexpr size_t kCounters = 1024;
  struct Sequence {
    uint32_t offset;
    uint32_t* counter;
  };
  Sequence sequence(const IpAddress& local, const Endpoint& remote);
  uint16_t port_at(const Sequence& sequence, uint32_t turn) const {
    return static_cast<uint16_t>(range_.first + (sequence.offset + turn) % range_.count());
  }
  template <typename Accept>
  std::optional<uint16_t> select(const Sequence& sequence, Accept&& accept, uint32_t candidates);

  PortRange range_;
  uint32_t stride_;  // about the golden section of the range, and without a common divisor
  std::array<uint8_t, 16> key_;
  std::array<uint32_t, kCounters> counters_;
};

template <typename Accept>
std::optional<uint16_t> Ports::select(const IpAddress& local, const Endpoint& remote, Accept&& accept,
                                      uint32_t candidates) {
  return select(sequence(local, remote), accept, candidates);
}

template <typename Accept>
std::optional<uint16_t> Ports::search(const IpAddress& local, const Endpoint& remote, Accept&& accept) {
  const Sequence sequence = this->sequence(local, remote);
  const uint32_t count = range_.count();
  if (count <= kInTurn + kScattered) return select(sequence, accept, count);
  if (const auto port = select(sequence, accept, kInTurn)) return port;
  uint32_t turn = *sequence.counter;
  for (uint32_t tried = 0; tried < kScattered; ++tried) {
    turn = (turn + stride_) % count;
    const uint16_t port = port_at(sequence, turn);
    if (!accept(port)) continue;
    *sequence.counter = turn + 1 == count ? 0 : turn + 1;  // what lies behind it may be free as well
    return port;
  }
  return std::nullopt;
}

template <typename Accept>
std::optional<uint16_t> Ports::select(const Sequence& sequence, Accept&& accept, uint32_t candidates) {
  const uint32_t count = range_.count();
  for (uint32_t tried = 0; tried < candidates && tried < count; ++tried) {
    const uint32_t turn = *sequence.counter;
    // The counter stays below the count: 2^32 is no multiple of it, and the sequence would jump.
    *sequence.counter = turn + 1 == count ? 0 : turn + 1;
    const uint16_t port = port_at(sequence, turn);
    if (accept(port)) return port;
  }
  return std::nullopt;
}

}  // namespace millrace::flow

#include "sim/queue.h"

#include <algorithm>
#include <cmath>

namespace millrace::sim {

namespace {

constexpr size_t kEthernet = 14;

bool is_ip4(std::span<const uint8_t> frame) {
  return frame.size() >= kEthernet + 20 && frame[12] == 0x08 && frame[13] == 0x00;
}
bool is_ip6(std::span<const uint8_t> frame) {
  return frame.size() >= kEthernet + 40 && frame[12] == 0x86 && frame[13] == 0xdd;
}

}  // namespace

Instant CoDel::control_law(const QueueParams& params, Instant from) const {
  return from + Micros(static_cast<int64_t>(static_cast<double>(params.interval.count()) / std::sqrt(count_)));
}

bool CoDel::dequeue(const QueueParams& params, Micros sojourn, Instant now) {
  bool long_above = false;
  if (sojourn < params.target) {
    above_ = false;
  } else if (!above_) {
    above_ = true;
    first_above_ = now + params.interval;
  } else {
    long_above = now >= first_above_;
  }
  if (dropping_) {
    if (!long_above) {
      dropping_ = false;
      return false;
    }
    if (now < drop_next_) return false;
    ++count_;
    drop_next_ = control_law(params, drop_next_);
    return true;
  }
  if (!long_above) return false;
  dropping_ = true;
  // RFC 8289 §5.5: where dropping has ended just now it goes on near the rate that had been found.
  const uint32_t delta = count_ - last_count_;
  count_ = delta > 1 && now - drop_next_ < 16 * params.interval ? delta : 1;
  last_count_ = count_;
  drop_next_ = control_law(params, now);
  return true;
}

QueueVerdict judge(const QueueParams& params, CoDel& codel, std::span<const uint8_t> frame, Micros sojourn,
                   Instant now) {
  using enum QueueVerdict;
  switch (params.discipline) {
    case Discipline::DropTail:
      return Pass;
    case Discipline::EcnStep:
      return sojourn > params.target && is_ecn_capable(frame) ? Mark : Pass;
    case Discipline::CoDel:
      if (!codel.dequeue(params, sojourn, now)) return Pass;
      return params.ecn && is_ecn_capable(frame) ? Mark : Drop;
  }
  return Pass;
}

bool is_ecn_capable(std::span<const uint8_t> frame) {
  if (is_ip4(frame)) return (frame[kEthernet + 1] & 3) != 0;
  return is_ip6(frame) && (frame[kEthernet + 1] >> 4 & 3) != 0;
}

void mark_ce(std::span<uint8_t> frame) {
  if (!is_ecn_capable(frame)) return;
  if (is_ip6(frame)) {
    frame[kEthernet + 1] |= 0x30;
    return;
  }
  uint8_t* header = frame.data() + kEthernet;
  header[1] |= 3;
  header[10] = header[11] = 0;
  const size_t octets = std::min<size_t>(size_t{4} * (header[0] & 0xf), frame.size() - kEthernet) & ~size_t{1};
  uint32_t sum = 0;
  for (size_t i = 0; i < octets; i += 2) sum += uint32_t{header[i]} << 8 | header[i + 1];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  header[10] = static_cast<uint8_t>(~sum >> 8);
  header[11] = static_cast<uint8_t>(~sum);
}

}  // namespace millrace::sim

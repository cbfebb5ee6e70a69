// Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 §7.1): a clock, plus a keyed hash that
// nobody outside can predict.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/entropy.h"
#include "base/seq.h"
#include "base/time.h"
#include "tcp/open/siphash.h"
#include "wire/segment.h"

namespace millrace::tcp {

class IsnGenerator {
 public:
  explicit IsnGenerator(Entropy& entropy) : key_(entropy.key()) {}

  // ISN = M + F(localip, localport, remoteip, remoteport, secretkey), M ticking every 4 us (RFC 6528 §3).
  Seq isn(const wire::FlowAddress& flow, Instant now) const;
  // One offset an address pair, so that a reused port pair keeps a rising clock.
  uint32_t timestamp_offset(const IpAddress& local, const IpAddress& remote) const;

  // With a key, every node that has it computes the same timestamps: the offset then leads from our clock,
  // which began with the process, to the time of day. Nothing: our own again.
  void share_timestamps(const std::optional<SipKey>& key) { shared_key_ = key; }
  // How far the time of day is ahead of timestamp_clock(), in milliseconds.
  void set_wall_ahead(uint32_t milliseconds) { wall_ahead_ = milliseconds; }

 private:
  SipKey key_;
  std::optional<SipKey> shared_key_;
  uint32_t wall_ahead_ = 0;
};

}  // namespace millrace::tcp

// Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 §7.1): a clock, plus a keyed hash that
// nobody outside can predict.
#pragma once

#include <array>
#include <cstdint>

#include "base/address.h"
#include "base/entropy.h"
#include "base/seq.h"
#include "base/time.h"
#include "wire/segment.h"

namespace millrace::tcp {

class IsnGenerator {
 public:
  explicit IsnGenerator(Entropy& entropy) : key_(entropy.key()) {}

  // ISN = M + F(localip, localport, remoteip, remoteport, secretkey), M ticking every 4 us (RFC 6528 §3).
  Seq isn(const wire::FlowAddress& flow, Instant now) const;
  // One offset an address pair, so that a reused port pair keeps a rising clock.
  uint32_t timestamp_offset(const IpAddress& local, const IpAddress& remote) const;

 private:
  std::array<uint8_t, 16> key_;
};

}  // namespace millrace::tcp

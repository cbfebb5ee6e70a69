// ICMP and ICMPv6 messages that we send: echo replies, and errors under a rate limit. Neighbours: wire/icmp.h
// writes them, icmp_input.h asks for the replies.
#pragma once

#include "base/counters.h"
#include "base/packet.h"
#include "base/params.h"
#include "base/time.h"
#include "ip/local_addresses.h"
#include "wire/icmp.h"

namespace millrace::ip {

// RFC 4443 §2.4 (f): errors at `rate` a second on average, a tenth of a second's worth at once.
class TokenBucket {
 public:
  explicit TokenBucket(uint32_t rate)
      : rate_(rate), capacity_(rate == 0 ? 0 : std::max<int64_t>(rate / 10, 1) * kToken), level_(capacity_) {}
  bool take(Instant now);

 private:
  static constexpr int64_t kToken = 1'000'000;  // micro-tokens: a microsecond brings `rate` of them
  int64_t rate_;
  int64_t capacity_;
  int64_t level_;
  Instant filled_ = Instant::min();
};

class IcmpOutput {
 public:
  IcmpOutput(const InterfaceParams& interface, const IcmpParams& icmp, const LocalAddresses& local,
             PacketPool& pool, Counters& counters)
      : interface_(interface),
        local_(local),
        pool_(pool),
        counters_(counters),
        errors_(icmp.errors_per_second) {}

  // Answers an echo request from `source`, one of our addresses.
  void send_echo_reply(const wire::Frame& request, const IpAddress& source, PacketBatch& out);
  // See ip::Host::send_error.
  void send_error(const wire::Frame& frame, uint8_t type, uint8_t code, Instant now, PacketBatch& out);

 private:
  bool send(const wire::Frame& about, const IpAddress& source, const wire::IcmpMessage& message,
            PacketBatch& out);
  bool may_complain(const wire::Frame& frame) const;

  const InterfaceParams& interface_;
  const LocalAddresses& local_;
  PacketPool& pool_;
  Counters& counters_;
  TokenBucket errors_;
};

}  // namespace millrace::ip

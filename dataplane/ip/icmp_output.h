// ICMP and ICMPv6 messages that we send: echo replies, and errors under a rate limit. Neighbours: wire/icmp.h
// writes them, icmp_input.h asks for the replies.
#pragma once

#include "base/counters.h"
#include "base/packet.h"
#include "base/params.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "ip/local_addresses.h"
#include "wire/icmp.h"

namespace millrace::ip {

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
  void set_errors_per_second(uint32_t rate) { errors_.set_rate(rate); }
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
  TokenBucket errors_;  // RFC 4443 §2.4 (f)
};

}  // namespace millrace::ip

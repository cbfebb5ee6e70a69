// How often we answer what a blind attacker may have sent (RFC 5961 §7): challenge ACKs, limited for each
// connection and for the shard as a whole, the acknowledgements of empty segments outside the window, limited
// for each connection, and the RSTs that belong to no connection's sequence space, limited for the shard.
// Neighbours: close/reset.cpp, open/handshake.cpp and transfer/ack.cpp, whose rules challenge;
// open/syn_queue.h and close/time_wait.h, whose records do.
#pragma once

#include <cstdint>

#include "base/entropy.h"
#include "base/time.h"

namespace millrace::tcp {

struct Context;
struct Tcb;

// A connection's own limit: nobody else can see how much of it is used up.
class AnswerLimit {
 public:
  static constexpr unsigned kPerSecond = 10;  // RFC 5961 §7 has 10 in 5 seconds as its example

  bool take(Instant now) {
    const auto second = static_cast<uint32_t>(now.time_since_epoch().count() / 1'000'000) & 0xff'ffff;
    if (second_ != second) {
      second_ = second;
      taken_ = 0;
    }
    if (taken_ == kPerSecond) return false;
    ++taken_;
    return true;
  }

 private:
  uint32_t second_ : 24 = 0;
  uint32_t taken_ : 8 = 0;
};
static_assert(sizeof(AnswerLimit) == 4);

// The shard's limit of one kind of answer. One that others can predict tells an attacker, who provokes answers
// of his own and counts what is left, whether his guess about somebody else's connection was right
// (CVE-2016-5696; CVE-2020-25705 did so with the limit of ICMP errors). So each second's bound is drawn anew,
// from half to one and a half times what is configured.
class AnswerBudget {
 public:
  // `entropy` outlives the budget.
  explicit AnswerBudget(Entropy& entropy) : entropy_(&entropy) {}

  bool take(Instant now, uint32_t per_second) {
    if (now >= until_) {
      until_ = now + 1s;
      left_ = per_second / 2 + static_cast<uint32_t>(entropy_->next() % (uint64_t{per_second} + 1));
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  Entropy* entropy_;
  Instant until_{};
  uint32_t left_ = 0;
};

// A challenge ACK is due (RFC 5961 §3.2, §4.2, §5.2), if both limits allow it.
void challenge(Tcb& tcb, const Context& context);
// The acknowledgement that an unacceptable segment without text gets (RFC 9293 §3.10.7.4), if the
// connection's limit allows it: two ends that disagree would answer each other for ever.
void acknowledge_unacceptable(Tcb& tcb, const Context& context);
// Whether a record's challenge may leave.
bool may_challenge(const Context& context);

}  // namespace millrace::tcp

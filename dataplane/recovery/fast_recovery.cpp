#include "recovery/fast_recovery.h"

namespace millrace::recovery {

bool FastRecovery::on_duplicate_ack(Seq snd_una) {
  if (duplicate_acks_ < 255) ++duplicate_acks_;
  // RFC 6582 §3.2 step 2: no second fast retransmit for the window of the last one.
  return duplicate_acks_ == kDuplicateThreshold && phase_ == Phase::Open && snd_una.after_or_at(recover_);
}

void FastRecovery::enter_recovery(Seq snd_una, Seq snd_nxt, Bytes segment) {
  phase_ = Phase::Recovery;
  recover_ = snd_nxt;
  retransmit_next_ = snd_una;
  retransmit_end_ = earlier(snd_una + segment, snd_nxt);
}

AckEffect FastRecovery::on_advance(Seq ack, Seq snd_nxt, Bytes segment) {
  duplicate_acks_ = 0;
  retransmit_next_ = later(retransmit_next_, ack);
  retransmit_end_ = later(retransmit_end_, ack);
  if (phase_ == Phase::Open) return AckEffect::Advance;
  if (ack.after_or_at(recover_)) {
    const bool was_recovery = phase_ == Phase::Recovery;
    phase_ = Phase::Open;
    retransmit_next_ = retransmit_end_ = ack;
    return was_recovery ? AckEffect::Full : AckEffect::Advance;
  }
  if (phase_ == Phase::Loss) return AckEffect::Advance;
  retransmit_next_ = ack;
  retransmit_end_ = earlier(ack + segment, snd_nxt);
  return AckEffect::Partial;
}

void FastRecovery::on_timeout(Seq snd_una, Seq snd_nxt) {
  phase_ = Phase::Loss;
  duplicate_acks_ = 0;
  recover_ = snd_nxt;
  retransmit_next_ = snd_una;
  retransmit_end_ = snd_nxt;
}

}  // namespace millrace::recovery

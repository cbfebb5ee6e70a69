#include "cc/newreno.h"

namespace millrace::cc {

void NewReno::open(Bytes smss, uint32_t segments) {
  smss_ = smss;
  // RFC 6928 §2: min(10 * MSS, max(2 * MSS, 14600)), with `segments` for 10.
  cwnd_ = std::min(segments * smss, std::max(2 * smss, segments * Bytes{1460}));
  ssthresh_ = kMax;
  avoided_ = 0;
}

void NewReno::on_ack(Bytes acked) {
  if (cwnd_ < ssthresh_) {
    grow(std::min(acked, 2 * smss_));
    return;
  }
  avoided_ += acked;
  if (avoided_ >= cwnd_) {  // RFC 5681 §3.1: a full-sized segment a round trip
    avoided_ -= cwnd_;
    grow(smss_);
  }
}

void NewReno::on_fast_retransmit(Bytes flight) {
  ssthresh_ = std::max(flight / 2, 2 * smss_);
  cwnd_ = ssthresh_ + 3 * smss_;
  avoided_ = 0;
}

void NewReno::on_recovery_duplicate() { grow(smss_); }

void NewReno::on_partial_ack(Bytes acked) {
  cwnd_ = cwnd_ > acked ? cwnd_ - acked : 0;
  if (acked >= smss_) cwnd_ += smss_;
  cwnd_ = std::max(cwnd_, smss_);
}

void NewReno::on_recovered(Bytes flight) {
  cwnd_ = std::min(ssthresh_, std::max(flight, smss_) + smss_);
  avoided_ = 0;
}

void NewReno::on_timeout(Bytes flight, bool first) {
  if (first) ssthresh_ = std::max(flight / 2, 2 * smss_);
  cwnd_ = smss_;
  avoided_ = 0;
}

void NewReno::on_idle_restart(uint32_t segments) {
  cwnd_ = std::min(cwnd_, std::min(segments * smss_, std::max(2 * smss_, segments * Bytes{1460})));
}

}  // namespace millrace::cc

#include "tcp/close/time_wait.h"

#include "tcp/transfer/paws.h"

namespace millrace::tcp {

TimeWaitRecord::TimeWaitRecord(const Tcb& tcb)
    : key(tcb.hot.key),
      snd_nxt(tcb.hot.snd_nxt),
      rcv_nxt(tcb.hot.rcv_nxt),
      ts_recent(tcb.hot.ts_recent),
      ts_offset(tcb.hot.ts_offset),
      window(tcb.hot.rcv_scale.wire(tcb.hot.rcv_wnd())),
      timestamps(tcb.hot.flags.timestamps) {}

namespace {

bool is_older(const TimeWaitRecord& record, const wire::Segment& segment) {
  return record.timestamps && segment.options.timestamps &&
         static_cast<int32_t>(segment.options.timestamps->value - record.ts_recent) < 0;
}

// RFC 9293 §3.6.1: larger than the largest sequence number used; or, by RFC 6191 §2, a later timestamp.
bool may_reopen(const TimeWaitRecord& record, const wire::Segment& segment) {
  if (segment.flags.ack()) return false;
  if (record.timestamps && segment.options.timestamps)
    return static_cast<int32_t>(segment.options.timestamps->value - record.ts_recent) > 0 ||
           (segment.options.timestamps->value == record.ts_recent && segment.seq.after(record.rcv_nxt));
  return segment.seq.after(record.rcv_nxt);
}

}  // namespace

TimeWaitAction on_segment(TimeWaitRecord& record, const wire::Segment& segment, Instant now,
                          DropReason& reason) {
  static_cast<void>(now);
  reason = DropReason::TcpStateIgnores;
  if (segment.flags.syn() && !segment.flags.rst())
    return may_reopen(record, segment) ? TimeWaitAction::Reopen : TimeWaitAction::Acknowledge;
  if (segment.flags.rst()) {
    if (segment.seq == record.rcv_nxt) return TimeWaitAction::Remove;
    reason = DropReason::TcpNotAcceptable;
    return segment.seq.within(record.rcv_nxt, record.window.field()) ? TimeWaitAction::Acknowledge
                                                                     : TimeWaitAction::Drop;
  }
  if (is_older(record, segment)) {
    reason = DropReason::TcpPaws;
    return TimeWaitAction::Acknowledge;
  }
  if (!segment.flags.ack()) {
    reason = DropReason::TcpNoAck;
    return TimeWaitAction::Drop;
  }
  // "The only thing that can arrive in this state is a retransmission of the remote FIN."
  if (segment.flags.fin() && segment.end() == record.rcv_nxt) return TimeWaitAction::Restart;
  if (segment.length() != 0 || segment.seq != record.rcv_nxt) {
    reason = DropReason::TcpNotAcceptable;
    return TimeWaitAction::Acknowledge;
  }
  if (segment.ack.after(record.snd_nxt)) {
    reason = DropReason::TcpAckUnacceptable;
    return TimeWaitAction::Acknowledge;
  }
  return TimeWaitAction::Drop;
}

void acknowledge(const TimeWaitRecord& record, Instant now, wire::Segment& out) {
  out.seq = record.snd_nxt;
  out.ack = record.rcv_nxt;
  out.flags = wire::kAck;
  out.window = record.window;
  if (record.timestamps)
    out.options.timestamps =
        wire::Timestamps{.value = timestamp_clock(now) + record.ts_offset, .echo_reply = record.ts_recent};
}

}  // namespace millrace::tcp

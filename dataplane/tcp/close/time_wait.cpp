#include "tcp/close/time_wait.h"

#include "tcp/transfer/paws.h"

namespace millrace::tcp {

TimeWaitRecord::TimeWaitRecord(const Tcb& tcb, Instant now)
    : key(tcb.hot.key),
      since(now),
      snd_nxt(tcb.hot.snd_nxt),
      rcv_nxt(tcb.hot.rcv_nxt),
      ts_recent(tcb.hot.ts_recent),
      ts_offset(tcb.hot.ts_offset),
      sent_at(timestamp_clock(now)),
      window(tcb.hot.rcv_scale.wire(tcb.hot.rcv_wnd())),
      timestamps(tcb.hot.flags.timestamps) {}

namespace {

bool is_older(const TimeWaitRecord& record, const wire::Segment& segment) {
  return record.timestamps && segment.options.timestamps &&
         static_cast<int32_t>(segment.options.timestamps->value - record.ts_recent) < 0;
}

// RFC 9293 §3.4, Table 6.
bool touches_window(const TimeWaitRecord& record, const wire::Segment& segment) {
  const Bytes window = record.window.field();
  return segment.seq.within(record.rcv_nxt, window) ||
         (segment.length() != 0 && (segment.end() - 1).within(record.rcv_nxt, window));
}

// RFC 9293 §3.6.1: larger than the largest sequence number used; or, by RFC 6191 §2, a later timestamp.
// One without timestamps rests: the SYN's say nothing of its segments (deviations.md, time-wait-timestamps).
bool may_reopen(const TimeWaitRecord& record, const wire::Segment& segment, const TcpParams& params) {
  if (segment.flags.ack()) return false;
  if (record.timestamps && segment.options.timestamps && params.timestamps)
    return static_cast<int32_t>(segment.options.timestamps->value - record.ts_recent) > 0 ||
           (segment.options.timestamps->value == record.ts_recent && segment.seq.after(record.rcv_nxt));
  return segment.seq.after(record.rcv_nxt);
}

}  // namespace

TimeWaitAction on_segment(const TimeWaitRecord& record, const wire::Segment& segment, const TcpParams& params,
                          DropReason& reason) {
  reason = DropReason::TcpStateIgnores;
  if (segment.flags.syn() && !segment.flags.rst())
    return params.time_wait_reopen && may_reopen(record, segment, params) ? TimeWaitAction::Reopen
                                                                          : TimeWaitAction::Acknowledge;
  if (segment.flags.rst()) {
    // RFC 1337 §3, F1. An exact RST is easily had: our own answer to an old duplicate makes the peer send it.
    if (params.time_wait_ignore_rst) return TimeWaitAction::Drop;
    if (segment.seq == record.rcv_nxt) return TimeWaitAction::Remove;
    reason = DropReason::TcpNotAcceptable;
    return segment.seq.within(record.rcv_nxt, record.window.field()) ? TimeWaitAction::Acknowledge
                                                                     : TimeWaitAction::Drop;
  }
  if (is_older(record, segment)) {
    reason = DropReason::TcpPaws;
    return TimeWaitAction::Acknowledge;
  }
  // RFC 9293 §3.10.7.4: first the sequence number, fifth the ACK bit.
  if (!segment.flags.ack() && touches_window(record, segment)) {
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

void acknowledge(TimeWaitRecord& record, Instant now, wire::Segment& out) {
  record.sent_at = timestamp_clock(now);
  out.seq = record.snd_nxt;
  out.ack = record.rcv_nxt;
  out.flags = wire::kAck;
  out.window = record.window;
  if (record.timestamps)
    out.options.timestamps =
        wire::Timestamps{.value = timestamp_clock(now) + record.ts_offset, .echo_reply = record.ts_recent};
}

// RFC 6191 §2 read from the other side: our SYN is later than everything before it, by our clock and by the
// peer's. Without timestamps only time tells the segments apart.
bool may_reuse(const TimeWaitRecord& record, Instant now, const TcpParams& params) {
  if (!params.time_wait_reuse || !params.timestamps || !record.timestamps) return false;
  return now - record.since >= params.time_wait_reuse_after &&
         static_cast<int32_t>(timestamp_clock(now) - record.sent_at) > 0;
}

namespace {

// Any acknowledgement that the old connection may still receive lies before this.
constexpr uint32_t kQuietNumbers = 0x10000;

}  // namespace

Seq iss_beyond(const TimeWaitRecord& record, Seq generated) {
  const Seq least = record.snd_nxt + kQuietNumbers;
  return generated.after(least) ? generated : least;
}

bool lies_beyond(const TimeWaitRecord& record, const wire::Segment& syn, const wire::Segment& syn_ack) {
  if (syn_ack.seq.after(record.snd_nxt + kQuietNumbers)) return true;
  // RFC 7323 §5: the peer drops our old segments, and RFC 6191 §2 has told its own apart.
  return record.timestamps && syn.options.timestamps && syn_ack.options.timestamps &&
         static_cast<int32_t>(syn_ack.options.timestamps->value - (record.sent_at + record.ts_offset)) > 0;
}

}  // namespace millrace::tcp

// First step of RFC 9293 §3.10.7.4: is the segment acceptable? What lies outside the window is cut off.
#include <algorithm>

#include "tcp/close/challenge.h"
#include "tcp/steps.h"
#include "tcp/transfer/ack.h"
#include "tcp/transfer/delayed_ack.h"
#include "tcp/transfer/ecn.h"
#include "tcp/transfer/paws.h"

namespace millrace::tcp {

namespace {

// RFC 9293 §3.4, Table 6, with one addition (tests/conformance/deviations.md): an acknowledgement at the right
// edge is acceptable, for a peer that has filled our window sends it from there.
bool is_acceptable(const TcbHot& hot, const wire::Segment& segment) {
  const Bytes window = hot.rcv_wnd();
  const uint32_t length = segment.length();
  if (length == 0)
    return segment.seq.within(hot.rcv_nxt, segment.flags.rst() ? std::max<Bytes>(window, 1) : window + 1);
  if (window == 0) return false;
  return segment.seq.within(hot.rcv_nxt, window) || (segment.end() - 1).within(hot.rcv_nxt, window);
}

void trim_front(wire::Segment& segment, Seq rcv_nxt, Counters& counters) {
  uint32_t excess = rcv_nxt - segment.seq;
  segment.seq = rcv_nxt;
  if (segment.flags.syn() && excess != 0) {
    segment.flags = wire::Flags(segment.flags.bits() & ~wire::Flags::kSyn);
    --excess;
  }
  const uint32_t octets = std::min(excess, segment.payload_length);
  counters.tcp_duplicate_bytes.add(octets);
  segment.payload += octets;
  segment.payload_length -= octets;
}

void trim_back(wire::Segment& segment, Seq right_edge) {
  uint32_t excess = segment.end() - right_edge;
  if (segment.flags.fin() && excess != 0) {
    segment.flags = wire::Flags(segment.flags.bits() & ~wire::Flags::kFin);
    --excess;
  }
  segment.payload_length -= std::min(excess, segment.payload_length);
}

// A zero window accepts no text, but the acknowledgement, RST and URG of a probe count (RFC 9293 §3.10.7.4).
bool is_window_probe(const TcbHot& hot, const wire::Segment& segment) {
  return hot.rcv_wnd() == 0 && segment.seq == hot.rcv_nxt;
}

// "If an incoming segment is not acceptable, an acknowledgment should be sent in reply." A SYN is challenged
// wherever it lies (RFC 5961 §4.2); text may be a retransmission whose acknowledgement was lost.
void acknowledge_rejected(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  if (segment.flags.syn())
    challenge(tcb, context);
  else if (segment.length() == 0 && tcb.hot.rcv_wnd() != 0)
    acknowledge_unacceptable(tcb, context);
  else
    tcb.hot.flags.ack_now = true;
}

bool acknowledges_our_syn(const TcbHot& hot, const wire::Segment& segment) {
  return hot.snd_una.before(segment.ack) && segment.ack.before_or_at(hot.snd_nxt);
}

// Octets that were received before: told by D-SACK (RFC 2883 §4), in an acknowledgement without text, for
// text may leave no room to tell.
[[gnu::cold]] void note_duplicate(Tcb& tcb, Seq begin, Seq end) {
  if (!tcb.hot.flags.sack) return;
  tcb.cold.reassembly.note_duplicate(begin, end);
  if (tcb.hot.duplicate_acks_due == 0) note_out_of_order(tcb.hot);
}

}  // namespace

Step check_sequence(Tcb& tcb, wire::Segment& segment, const Context& context) {
  TcbHot& hot = tcb.hot;
  if (paws_rejects(tcb, segment, context.now)) {
    acknowledge_rejected(tcb, segment, context);
    return Verdict::dropped(DropReason::TcpPaws);
  }
  // The peer's SYN again: in a simultaneous open with the ACK that completes it (RFC 9293 Figure 7), else
  // because our SYN-ACK was lost.
  if (hot.state() == State::SynReceived && segment.flags.syn() && segment.seq == tcb.cold.irs) {
    if (!segment.flags.ack()) {
      hear_syn_again(tcb, segment);
      hot.flags.syn_due = true;
      return Verdict::dropped(DropReason::TcpStateIgnores);
    }
    if (acknowledges_our_syn(hot, segment)) {
      trim_front(segment, hot.rcv_nxt, context.counters);
      // The window of a SYN is not scaled (RFC 7323 §2.2); from here on it is read as if it were.
      segment.window = hot.snd_scale.wire(segment.window.field());
    }
  }
  if (!is_acceptable(hot, segment)) {
    if (segment.flags.rst()) return Verdict::dropped(DropReason::TcpNotAcceptable);
    acknowledge_rejected(tcb, segment, context);
    if (!is_window_probe(hot, segment)) {
      if (segment.payload_length != 0) {
        context.counters.tcp_duplicate_bytes.add(segment.payload_length);
        if (segment.end().before_or_at(hot.rcv_nxt))
          note_duplicate(tcb, segment.seq, segment.seq + segment.payload_length);
      }
      return Verdict::dropped(DropReason::TcpNotAcceptable);
    }
  }
  // RFC 7323 §4.3 (2), but not from what the fifth step will refuse: a forged clock would make PAWS refuse the
  // peer (tests/conformance/deviations.md).
  if (segment.flags.ack() && is_plausible(tcb, segment.ack)) renew_ts_recent(tcb, segment, context.now);
  if (segment.flags.rst()) return kNextStep;  // judged by its own sequence number
  if (segment.seq.before(hot.rcv_nxt)) {
    // In SYN-RECEIVED the fifth step may owe a RST instead; what is new is acknowledged in any case.
    if (hot.state() != State::SynReceived) {
      if (segment.payload_length != 0 && !segment.flags.syn())
        note_duplicate(tcb, segment.seq, earlier(hot.rcv_nxt, segment.seq + segment.payload_length));
      hot.flags.ack_now = true;
    }
    trim_front(segment, hot.rcv_nxt, context.counters);
  }
  if (segment.length() != 0 && segment.end().after(hot.rcv_adv)) trim_back(segment, hot.rcv_adv);
  return kNextStep;
}

}  // namespace millrace::tcp

#include "tcp/open/handshake.h"

#include <algorithm>

#include "tcp/close/challenge.h"
#include "tcp/open/fast_open.h"
#include "tcp/open/negotiation.h"
#include "tcp/steps.h"
#include "tcp/transfer/ack.h"
#include "tcp/transfer/congestion.h"
#include "tcp/transfer/delayed_ack.h"
#include "tcp/transfer/ecn.h"
#include "tcp/transfer/path_mtu.h"
#include "tcp/transfer/paws.h"
#include "tcp/transfer/user_timeout.h"

namespace millrace::tcp {

namespace {

Family family_of(const Tcb& tcb) { return tcb.hot.key.remote.family(); }

void prepare(Tcb& tcb, const OpenParams& open, const TcpParams& params) {
  TcbHot& hot = tcb.hot;
  TcbCold& cold = tcb.cold;
  cold.iss = open.iss;
  hot.snd_una = open.iss;
  hot.snd_nxt = open.iss;
  hot.snd_end = open.iss + 1;
  cold.our_mss = open.our_mss;
  cold.receive_buffer = params.receive_buffer;
  cold.send_buffer = params.send_buffer;
  hot.ts_offset = open.ts_offset;
  hot.flags.no_delay = !params.nagle;
  hot.quick_acks = kQuickAcks;
  cold.path.add(State::Closed);
  renew_rto(tcb, params);
}

void take_peer_isn(Tcb& tcb, Seq irs, Instant now) {
  tcb.cold.irs = irs;
  tcb.hot.rcv_nxt = irs + 1;
  tcb.hot.rcv_adv = tcb.hot.rcv_nxt;
  tcb.hot.last_ack_sent = tcb.hot.rcv_nxt;
  tcb.cold.rcv_up = tcb.hot.rcv_nxt;
  tcb.cold.heard_at = now;
}

// The window field of a SYN is not scaled (RFC 7323 §2.2).
void take_syn_window(Tcb& tcb, const wire::Segment& segment) {
  tcb.hot.snd_wnd = segment.window.field();
  tcb.hot.snd_wl1 = segment.seq;
  tcb.hot.snd_wl2 = segment.ack;
  tcb.cold.max_snd_wnd = std::max(tcb.cold.max_snd_wnd, tcb.hot.snd_wnd);
}

// RFC 6298 §5.7: a time-out below 3 s that expired for the SYN is 3 s when data begins.
void settle_rto(Tcb& tcb, bool syn_timed_out, const TcpParams& params) {
  tcb.cold.rtt.clear_backoff();
  renew_rto(tcb, params);
  if (syn_timed_out && !tcb.cold.rtt.has_sample())
    tcb.hot.rto_us = std::max(tcb.hot.rto_us, static_cast<uint32_t>(Micros(3s).count()));
}

// The SYN's acknowledgement opens no window (RFC 5681 §3.1), whatever of its text it takes too.
void advance_over_syn(Tcb& tcb, const wire::Segment& segment, bool keep_window, const Context& context) {
  const cc::Controller opened = tcb.cold.cc;
  advance_snd_una(tcb, segment, context);
  if (!keep_window) return;
  tcb.cold.cc = opened;
  tcb.hot.cwnd = opened.cwnd();
}

// SYN-SENT with an acceptable ACK: the handshake is complete on our side.
Verdict complete_active_open(Tcb& tcb, wire::Segment& segment, Packet& packet, const Context& context) {
  TcbHot& hot = tcb.hot;
  const bool syn_timed_out = tcb.cold.retries != 0;
  // last_sent_at stays at the first SYN.
  context.counters.tcp_handshake_time.record(
      static_cast<uint64_t>((context.now - tcb.cold.last_sent_at).count()));
  settle_path_mtu(tcb, context);
  open_congestion_window(tcb, context.params);
  advance_over_syn(tcb, segment, true, context);
  settle_rto(tcb, syn_timed_out, context.params);
  take_syn_window(tcb, segment);
  adopt_user_timeout(tcb, segment.options.user_timeout, context);
  if (tcb.cold.fast_open.wanted) {
    settle_syn_data(tcb, context);
    fast_open_syn_ack(tcb, segment, context);
  }
  hot.flags.syn_due = false;
  hot.flags.ack_now = true;
  context.counters.tcp_established.add();
  if (!enter(tcb, State::Established)) return Verdict::taken();
  // Other controls and text go on at the sixth step, behind the SYN.
  segment.seq += 1;
  segment.flags = wire::Flags(segment.flags.bits() & ~wire::Flags::kSyn);
  // What the server sends right behind its SYN-ACK (RFC 7413 §4.2.2, step 5) may come in the same burst.
  hot.rcv_adv = hot.rcv_nxt + std::min<Bytes>(tcb.cold.receive_buffer, 0xffff);
  if (segment.length() == 0) return Verdict::taken();
  check_urg(tcb, segment);
  if (const Step step = process_text(tcb, segment, packet, context)) return *step;
  check_fin(tcb, segment);
  return Verdict::taken();
}

// The peer answers for an earlier connection, in LAST-ACK or TIME-WAIT (RFC 9293 §3.5.1, Figure 10). Our RST
// ends that one, so the SYN goes again behind it rather than after the RTO; once, or two such peers, or
// anybody who sends acknowledgements, could keep us at it.
[[gnu::cold]] void repeat_syn_at_once(Tcb& tcb, const Context& context) {
  if (tcb.cold.syn_repeated || tcb.cold.retries != 0) return;
  tcb.cold.syn_repeated = true;
  tcb.hot.flags.syn_due = true;
  context.counters.tcp_syns_repeated_at_once.add();
}

}  // namespace

void open_congestion_window(Tcb& tcb, const TcpParams& params) {
  // RFC 6928 §2: one segment after the SYN or SYN-ACK was lost.
  open_congestion_control(tcb, params, tcb.cold.retries > 1 ? 1 : params.initial_window_segments);
}

void open_active(Tcb& tcb, const OpenParams& open, const Context& context) {
  prepare(tcb, open, context.params);
  tcb.hot.flags.active_open = true;
  tcb.hot.flags.syn_due = true;
  enter(tcb, State::SynSent);
  context.counters.tcp_active_opens.add();
}

void open_passive(Tcb& tcb, const SynRecord& record, uint32_t ts_offset, const Context& context) {
  prepare(tcb, {.iss = record.iss, .ts_offset = ts_offset, .our_mss = record.our_mss}, context.params);
  tcb.cold.path = Path();
  tcb.cold.path.add(State::Listen);
  tcb.hot.snd_nxt = record.iss + 1;
  take_peer_isn(tcb, record.irs, context.now);
  const wire::TcpOptions ours = record.answered(context.params);
  agree(tcb, ours, record.offered(), family_of(tcb));
  tcb.hot.ecn.sent(record.ecn);
  tcb.hot.ecn.heard(record.ecn);
  tcb.hot.rcv_adv = tcb.hot.rcv_nxt + record.window_offered();
  tcb.hot.snd_wnd = record.peer_window.field();
  tcb.hot.snd_wl1 = record.irs;
  tcb.cold.max_snd_wnd = tcb.hot.snd_wnd;
  // RFC 6298 §3: only a SYN-ACK that was sent once can be timed.
  if (record.retries == 0) {
    tcb.hot.flags.timing = true;
    tcb.cold.last_sent_at = record.sent_at;
  }
  tcb.cold.retries = record.retries;
  tcb.hot.key.state = static_cast<uint8_t>(State::SynReceived);
  tcb.cold.path.add(State::SynReceived);
}

void open_by_cookie(Tcb& tcb, const SynRecord& record, uint32_t ts_offset, uint32_t echo,
                    const Context& context) {
  open_passive(tcb, record, ts_offset, context);
  tcb.hot.flags.timing = false;
  if (!tcb.hot.flags.timestamps) return;
  // Another node's clock may have been ahead of ours: what the peer has seen must not be undercut
  // (RFC 7323 §5.3).
  const auto ahead = static_cast<int32_t>(echo - (timestamp_clock(context.now) + ts_offset));
  if (ahead > 0) tcb.hot.ts_offset += static_cast<uint32_t>(ahead);
}

Verdict on_segment_syn_sent(Tcb& tcb, wire::Segment& segment, Packet& packet, const Context& context) {
  TcbHot& hot = tcb.hot;
  // First: ACK. Nothing but our SYN can be acknowledged.
  const bool ack_acceptable =
      segment.flags.ack() && segment.ack.after(tcb.cold.iss) && segment.ack.before_or_at(hot.snd_nxt);
  if (segment.flags.ack() && !ack_acceptable) {
    if (segment.flags.rst()) return Verdict::dropped(DropReason::TcpAckUnacceptable);
    repeat_syn_at_once(tcb, context);
    return Verdict::reset(DropReason::TcpAckUnacceptable);
  }
  // Second: RST.
  if (segment.flags.rst()) {
    if (!ack_acceptable) return Verdict::dropped(DropReason::TcpStateIgnores);
    context.counters.tcp_resets_received.add();
    end(tcb, End::Refused);
    return Verdict::taken();
  }
  // Fourth: SYN.
  if (!segment.flags.syn()) return Verdict::dropped(DropReason::TcpStateIgnores);
  take_peer_isn(tcb, segment.seq, context.now);
  agree(tcb, offer(tcb.cold.our_mss, tcb.cold.receive_buffer, context.params), segment.options,
        family_of(tcb));
  agree_on_ecn(tcb, segment);
  if (ack_acceptable) return complete_active_open(tcb, segment, packet, context);
  // Simultaneous open (RFC 9293 §3.5, Figure 7). "If there are other controls or text in the segment, queue
  // them for processing after the ESTABLISHED state has been reached": held like what comes before its turn.
  if (segment.payload_length != 0)
    tcb.cold.reassembly.insert(hot.rcv_nxt, segment.payload, segment.payload_length,
                               context.params.reassembly_segments);
  take_syn_window(tcb, segment);
  open_congestion_window(tcb, context.params);  // CLOSE may send a FIN from SYN-RECEIVED (§3.10.4)
  hot.flags.syn_due = true;
  enter(tcb, State::SynReceived);
  return Verdict::taken();
}

namespace {

// Text that a SYN brought in a simultaneous open has waited for this (RFC 9293 §3.10.7.3).
[[gnu::cold]] void release_syn_text(Tcb& tcb, const Context& context) {
  const Bytes released = tcb.cold.reassembly.release(tcb.hot.rcv_nxt, tcb.cold.receive);
  if (released == 0) return;
  tcb.hot.rcv_nxt += released;
  tcb.cold.bytes_received += released;
  context.counters.tcp_bytes_received.add(released);
  tcb.hot.events |= Event::kReadable;
  tcb.hot.flags.ack_now = true;
}

}  // namespace

void establish(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  TcbHot& hot = tcb.hot;
  const bool syn_timed_out = tcb.cold.retries != 0;
  // The window of Fast Open data has been in use since the SYN came (RFC 7413 §4.2.2, step 6).
  const bool early = tcb.cold.fast_open.early && hot.snd_nxt.after(tcb.cold.iss + 1);
  if (!early) {
    settle_path_mtu(tcb, context);
    open_congestion_window(tcb, context.params);
  }
  hot.flags.syn_due = false;
  // RFC 9293 §3.10.7.4: SND.WND, SND.WL1, SND.WL2 from this segment.
  hot.snd_wnd = hot.snd_scale.bytes(segment.window);
  hot.snd_wl1 = segment.seq;
  hot.snd_wl2 = segment.ack;
  tcb.cold.max_snd_wnd = std::max(tcb.cold.max_snd_wnd, hot.snd_wnd);
  advance_over_syn(tcb, segment, !early, context);
  settle_syn_data(tcb, context);
  settle_rto(tcb, syn_timed_out, context.params);
  context.counters.tcp_established.add();
  if (!enter(tcb, State::Established)) return;
  if (hot.flags.fin_queued) enter(tcb, State::FinWait1);  // CLOSE had waited for this
  if (!tcb.cold.reassembly.empty()) release_syn_text(tcb, context);
}

Step check_syn(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  if (!segment.flags.syn()) return kNextStep;
  // RFC 9293 §3.10.7.4, fourth step (RFC 5961 §4.2): challenge, whatever the sequence number.
  challenge(tcb, context);
  return Verdict::dropped(DropReason::TcpNotAcceptable);
}

}  // namespace millrace::tcp

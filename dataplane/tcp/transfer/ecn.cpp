#include "tcp/transfer/ecn.h"

#include <algorithm>

#include "tcp/transfer/flight.h"

namespace millrace::tcp {

namespace {

// Of a connection that sees congestion marks; nullptr: memory's budget is spent, and nothing is counted.
EcnCounts* counts_of(Tcb& tcb) {
  TcbRare* rare = tcb.cold.settings.take(*tcb.cold.memory);
  return rare != nullptr ? &rare->ecn_counts : nullptr;
}

}  // namespace

void set_up_ecn(Tcb& tcb, const TcpParams& params, wire::Segment& syn) {
  Ecn& ecn = tcb.hot.ecn;
  bool setup = ecn.echoes();
  if (syn.flags.ack()) {
    if (setup) syn.flags = syn.flags | wire::kEce;
  } else {
    // §6.1.1.1: no answer to a SYN with the bits may mean that something on the path drops those.
    setup = setting(tcb, &ConnectionParams::ecn, params.ecn) == EcnMode::On && tcb.cold.retries == 0;
    if (setup) syn.flags = syn.flags | wire::kEce | wire::kCwr;
  }
  ecn.sent(setup);
}

void agree_on_ecn(Tcb& tcb, const wire::Segment& syn) {
  if (!tcb.hot.ecn.asked()) return;
  tcb.hot.ecn.heard(syn.flags.ack() ? is_ecn_setup_syn_ack(syn) : is_ecn_setup_syn(syn));
}

void hear_syn_again(Tcb& tcb, const wire::Segment& syn) {
  if (!is_ecn_setup_syn(syn)) tcb.hot.ecn.heard(false);
}

void take_ecn_field(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  Ecn& ecn = tcb.hot.ecn;
  if (!ecn.echoes()) return;
  // §6.1.3. A first CE ends the delay of an acknowledgement, for the peer's window may be large; the rest is
  // echoed by whatever acknowledges it.
  if (ecn.on_text(segment.ecn, (segment.flags.bits() & wire::Flags::kCwr) != 0)) tcb.hot.flags.ack_now = true;
  if (segment.ecn != wire::kCe) return;
  context.counters.tcp_ecn_ce_received.add();
  if (EcnCounts* counts = counts_of(tcb)) ++counts->ce_received;
}

bool is_window_reduced(const Tcb& tcb) {
  return tcb.hot.flight != nullptr && tcb.hot.flight->window_reduced &&
         tcb.hot.snd_una.before(tcb.hot.flight->reduced_until);
}

void begin_reduced_window(Tcb& tcb) {
  Flight& flight = open_flight(tcb);
  flight.window_reduced = true;
  flight.reduced_until = tcb.hot.snd_nxt;
  tcb.hot.flags.unpredictable = true;
  tcb.hot.ecn.reduced();
}

void on_ecn_echo(Tcb& tcb, Seq ack, const Context& context) {
  TcbHot& hot = tcb.hot;
  EcnCounts* counts = counts_of(tcb);
  context.counters.tcp_ecn_echoes_received.add();
  if (counts != nullptr) ++counts->echoes_received;
  // RFC 5681 takes losses for congestion, and here is a witness.
  if (hot.flight != nullptr) hot.flight->can_undo = false;
  // What acknowledges nothing new repeats what is known, until the peer has our CWR.
  if (!ack.after(hot.snd_una) || ack.after(hot.snd_nxt)) return;
  if (counts != nullptr) counts->delivered_ce += (ack - hot.snd_una + hot.mss - 1) / hot.mss;
  Flight& flight = open_flight(tcb);
  // §6.1.2: one reduction for all that is dropped or marked of one window of data. A model, whose window no recovery
  // cuts, is told of both.
  if (flight.phase != Phase::Open && tcb.cold.cc.wants_prr()) return;
  if (flight.window_reduced && ack.before_or_at(flight.reduced_until)) return;
  begin_reduced_window(tcb);
  tcb.cold.cc.on_ecn(context.now, std::min(hot.snd_nxt - hot.snd_una, hot.cwnd));
  hot.cwnd = tcb.cold.cc.cwnd();
  context.counters.tcp_ecn_reductions.add();
  if (counts != nullptr) ++counts->reductions;
}

EcnCounts ecn_counts(const Tcb& tcb) {
  const TcbRare* rare = tcb.cold.settings.rare();
  return rare != nullptr ? rare->ecn_counts : EcnCounts{};
}

}  // namespace millrace::tcp

#include "tcp/transfer/path_mtu.h"

#include <algorithm>
#include <utility>

#include "tcp/open/negotiation.h"
#include "tcp/transfer/flight.h"
#include "tcp/transfer/loss_recovery.h"

namespace millrace::tcp {

namespace {

constexpr uint16_t kSearchSteps[] = {1280, 576};  // after a black hole; IPv6 knows none below the first
constexpr uint16_t kCredible4 = 552;  // less is believed on evidence of loss alone (RFC 5927 §7)
constexpr uint16_t kCloseEnough = 8;  // RFC 4821 §7.3: the search ends
constexpr Bytes kBehindAProbe = 3;    // segments
constexpr uint8_t kProbeTries = 2;    // a probe may be lost as any segment may
constexpr uint16_t kBlackHoleTimeouts = 3;  // in a row (RFC 4821 §7.7)

Family family_of(const Tcb& tcb) { return tcb.hot.key.remote.family(); }

uint16_t option_octets(const Tcb& tcb) {
  return static_cast<uint16_t>(tcb.hot.flags.timestamps ? kTimestampOctets : 0);
}

// The largest packet that both ends and our port would take.
uint16_t ceiling(const Tcb& tcb) {
  const uint16_t mss = std::min(tcb.cold.peer_mss.octets(), tcb.cold.our_mss.octets());
  return static_cast<uint16_t>(std::min<uint32_t>(uint32_t{mss} + fixed_headers(tcb), 0xffff));
}

void use_mtu(Tcb& tcb, uint16_t mtu) {
  TcbHot& hot = tcb.hot;
  const uint16_t fits = std::min(mss_for_mtu(std::min(mtu, ceiling(tcb)), family_of(tcb)).octets(),
                                 std::min(tcb.cold.peer_mss.octets(), tcb.cold.our_mss.octets()));
  hot.mss = static_cast<uint16_t>(std::max(kSmallestMss, fits) - option_octets(tcb));
  tcb.cold.full_acked = false;
  tcb.cold.cc.set_smss(hot.mss);
  // A window of less than a segment would let nothing leave.
  if (hot.cwnd < hot.mss) tcb.cold.cc.inflate(hot.mss - hot.cwnd);
  hot.cwnd = tcb.cold.cc.cwnd();
  if (hot.flight != nullptr) hot.flight->can_undo = false;  // it would bring the old size back
}

// Larger segments are tried from `from` on; no sooner without memory for it.
void search(Tcb& tcb, uint16_t works, uint16_t fails, Instant from, const Context& context) {
  if (context.params.mtu_probing == MtuProbing::Off) return;
  TcbRare* rare = tcb.cold.settings.take(*tcb.cold.memory);
  if (rare == nullptr) return;
  PathMtuState& state = rare->path_mtu;
  state.works = works;
  state.fails = fails;
  state.probe = 0;
  state.failures = 0;
  state.search_at = from;
  tcb.cold.probing_mtu = true;
}

void remember(const Tcb& tcb, uint16_t mtu, const Context& context) {
  if (context.path_mtus == nullptr) return;
  if (mtu >= ceiling(tcb))
    context.path_mtus->forget(tcb.hot.key.remote);
  else
    context.path_mtus->store(tcb.hot.key.remote, mtu, context.now);
}

// An ICMP error is believed. Not congestion: the window stays (RFC 1191 §6.5).
void believe(Tcb& tcb, uint16_t mtu, const Context& context) {
  context.counters.tcp_path_mtu_lowered.add();
  remember(tcb, mtu, context);
  use_mtu(tcb, mtu);
  // RFC 1191 §6.3, RFC 8201 §4: it may have grown after a while.
  search(tcb, mtu, static_cast<uint16_t>(ceiling(tcb) + 1), context.now + context.params.path_mtu_lifetime,
         context);
}

void give_up_probe(PathMtuState& state, const Context& context) {
  context.counters.tcp_mtu_probes_lost.add();
  if (++state.failures >= kProbeTries) {
    state.fails = std::min(state.fails, state.probe);
    state.failures = 0;
  }
  state.probe = 0;
}

// RFC 4821 §7.3: the top first, as most paths carry it, then halves.
uint16_t probe_size(const Tcb& tcb, const PathMtuState& state) {
  if (state.fails > ceiling(tcb)) return ceiling(tcb);
  return static_cast<uint16_t>(state.works + (state.fails - state.works) / 2);
}

}  // namespace

uint16_t path_mtu(const Tcb& tcb) {
  return static_cast<uint16_t>(tcb.hot.mss + option_octets(tcb) + fixed_headers(tcb));
}

void begin_with_path_mtu(Tcb& tcb, const Context& context) {
  if (!follows_path_mtu(tcb)) return;
  const TcpParams& params = context.params;
  const uint16_t top = ceiling(tcb);
  const auto beyond = static_cast<uint16_t>(top + 1);
  const uint16_t known =
      context.path_mtus == nullptr
          ? uint16_t{0}
          : context.path_mtus->find(tcb.hot.key.remote, context.now, params.path_mtu_lifetime);
  if (known != 0 && known < top) {
    use_mtu(tcb, known);
    search(tcb, known, beyond, context.now + params.path_mtu_lifetime, context);
  } else if (params.mtu_probing == MtuProbing::Always && kSearchSteps[0] < top) {
    use_mtu(tcb, kSearchSteps[0]);
    search(tcb, kSearchSteps[0], beyond, context.now, context);
  }
}

void on_packet_too_big(Tcb& tcb, Seq seq, uint16_t mtu, const Context& context) {
  if (!tcb.hot.flags.syn_acked) return;  // no SYN is too big but one with text (fast_open.h)
  TcbRare* rare = tcb.cold.settings.rare();
  if (rare != nullptr && rare->path_mtu.probe != 0 && seq == rare->path_mtu.probe_begin) {
    // What the probe was to find out; its loss is still to be seen.
    PathMtuState& state = rare->path_mtu;
    if (mtu >= state.works && mtu < state.probe) state.fails = std::min(state.fails, static_cast<uint16_t>(mtu + 1));
    return;
  }
  if (!follows_path_mtu(tcb)) return context.counters.tcp_path_mtu_ignored.add();
  // RFC 5927 §7.2: nothing as large as that has been sent.
  if (mtu >= path_mtu(tcb)) return context.counters.tcp_path_mtu_ignored.add();
  const bool credible = family_of(tcb) == Family::V6 || mtu >= kCredible4;
  if (!tcb.cold.full_acked && credible) {
    believe(tcb, mtu, context);
    return resend_all(tcb);
  }
  // It has carried such segments before: until one is lost, the error may be anybody's.
  rare = tcb.cold.settings.take(*tcb.cold.memory);
  if (rare == nullptr) return context.counters.tcp_path_mtu_ignored.add();
  rare->path_mtu.claimed = mtu;
  rare->path_mtu.claimed_seq = seq;
  context.counters.tcp_path_mtu_held_back.add();
}

void on_timeout_of_size(Tcb& tcb, const Context& context) {
  TcbHot& hot = tcb.hot;
  if (!hot.flags.syn_acked) return;
  if (TcbRare* rare = tcb.cold.settings.rare(); rare != nullptr) {
    PathMtuState& state = rare->path_mtu;
    if (state.probe != 0) give_up_probe(state, context);
    if (const uint16_t mtu = std::exchange(state.claimed, uint16_t{0}); mtu != 0) {
      if (state.claimed_seq.after_or_at(hot.snd_una) && mtu < path_mtu(tcb)) return believe(tcb, mtu, context);
      context.counters.tcp_path_mtu_ignored.add();  // what it quotes has arrived
    }
  }
  if (context.params.mtu_probing == MtuProbing::Off || !follows_path_mtu(tcb)) return;
  if (tcb.cold.retries + 1 < kBlackHoleTimeouts || hot.snd_nxt - hot.snd_una < hot.mss) return;
  const uint16_t mtu = path_mtu(tcb);
  for (const uint16_t step : kSearchSteps) {
    if (step >= mtu || (family_of(tcb) == Family::V6 && step < kSearchSteps[0])) continue;
    context.counters.tcp_mtu_black_holes.add();
    use_mtu(tcb, step);
    return search(tcb, step, mtu, context.now, context);
  }
}

void on_full_size_acked(Tcb& tcb, const Context& context) {
  tcb.cold.full_acked = true;
  const TcbRare* rare = tcb.cold.settings.rare();
  if (rare != nullptr && rare->path_mtu.works != 0) remember(tcb, path_mtu(tcb), context);
}

void on_ack_while_probing(Tcb& tcb, const Context& context) {
  TcbRare* rare = tcb.cold.settings.rare();
  if (rare == nullptr) return;
  PathMtuState& state = rare->path_mtu;
  if (state.probe == 0 || tcb.hot.snd_una.before(state.probe_end)) return;
  context.counters.tcp_mtu_probes_acked.add();
  state.works = std::exchange(state.probe, uint16_t{0});
  state.failures = 0;
  use_mtu(tcb, state.works);
  tcb.cold.full_acked = true;
  remember(tcb, state.works, context);
}

Bytes next_probe(const Tcb& tcb, Bytes unsent, Bytes usable, const Context& context) {
  const TcbHot& hot = tcb.hot;
  const TcbRare* rare = tcb.cold.settings.rare();
  if (rare == nullptr || context.params.mtu_probing == MtuProbing::Off) return 0;
  const PathMtuState& state = rare->path_mtu;
  if (state.works == 0 || state.probe != 0 || context.now < state.search_at) return 0;
  if (!tcb.cold.full_acked && hot.has_flight() && tcb.cold.retries != 0) return 0;  // first what is known to work
  if (hot.flight != nullptr && hot.flight->busy()) return 0;
  if (state.fails <= state.works + kCloseEnough && state.fails <= ceiling(tcb)) return 0;
  const uint16_t size = probe_size(tcb, state);
  if (size <= state.works) return 0;
  const auto length = static_cast<Bytes>(size - fixed_headers(tcb) - option_octets(tcb));
  // RFC 4821 §7.4: as the windows allow, with enough behind it to show its loss without a time-out.
  const Bytes behind = kBehindAProbe * hot.mss;
  if (unsent < length + behind || usable < length + behind) return 0;
  return in_flight(tcb) + length + behind <= hot.cwnd ? length : 0;
}

void note_probe_sent(Tcb& tcb, Bytes length, const Context& context) {
  PathMtuState& state = tcb.cold.settings.rare()->path_mtu;
  state.probe = static_cast<uint16_t>(length + fixed_headers(tcb) + option_octets(tcb));
  state.probe_end = tcb.hot.snd_nxt;
  state.probe_begin = tcb.hot.snd_nxt - length;
  context.counters.tcp_mtu_probes_sent.add();
}

void note_resent_while_probing(Tcb& tcb, Seq begin, const Context& context) {
  TcbRare* rare = tcb.cold.settings.rare();
  if (rare == nullptr || rare->path_mtu.probe == 0) return;
  PathMtuState& state = rare->path_mtu;
  if (begin.after_or_at(state.probe_begin) && begin.before(state.probe_end)) give_up_probe(state, context);
}

bool is_lost_probe(Tcb& tcb, const Context& context) {
  TcbRare* rare = tcb.cold.settings.rare();
  if (rare == nullptr || rare->path_mtu.probe == 0) return false;
  PathMtuState& state = rare->path_mtu;
  recovery::Scoreboard& board = tcb.hot.flight->board;
  const uint16_t lost = board.first_lost();
  if (lost == recovery::Scoreboard::kNone) return false;
  const Seq begin = board.run(lost).begin;
  const bool inside = begin.after_or_at(state.probe_begin) && begin.before(state.probe_end);
  if (!inside || board.lost() > state.probe_end - begin) return false;
  const Bytes rest = state.probe_end - begin;
  give_up_probe(state, context);
  if (begin == board.begin()) board.mark_first_lost(rest);  // without SACK only its first part is
  return true;
}

}  // namespace millrace::tcp

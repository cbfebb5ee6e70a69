// The client's side of Fast Open (RFC 7413 §4.1.3, §4.2).
#include <algorithm>

#include "tcp/open/fast_open.h"
#include "tcp/transfer/ack.h"
#include "tcp/transfer/loss_recovery.h"
#include "wire/tcp_options.h"

namespace millrace::tcp {

namespace {

// §4.1.3: an unusually large SYN may confuse what lies between; more than an Ethernet's is not worth it.
Mss largest_remembered(const Tcb& tcb, Mss announced) {
  const uint16_t largest = tcb.hot.key.remote.is_v4() ? 1460 : 1440;
  return Mss(std::min(announced.octets(), largest));
}

// What fits a SYN with these options (RFC 6691: the MSS leaves the options out).
Bytes syn_room(const Tcb& tcb, Mss server, const wire::TcpOptions& options) {
  const uint32_t segment = std::min(server.octets(), tcb.cold.our_mss.octets());
  const uint32_t taken = wire::tcp_options_length(options, true);
  return segment > taken ? segment - taken : 0;
}

// Whether the answer to our SYN speaks against Fast Open with this server (§4.1.3.1).
bool is_negative(const Tcb& tcb) {
  const FastOpenState& state = tcb.cold.fast_open;
  if (tcb.cold.syn_repeated) return false;  // it was an earlier connection that was in the way
  if (state.cookie_asked) return true;      // and none came
  if (state.data_in_syn) return !state.data_taken;
  return state.syn_again;
}

}  // namespace

void fast_open_syn(Tcb& tcb, const Context& context, wire::Segment& syn, PayloadRange& payload) {
  if (context.fast_open == nullptr || !context.params.fast_open) return;
  FastOpenState& state = tcb.cold.fast_open;
  const FastOpenCache::Known known = context.fast_open->cache.find(tcb.hot.key, context.now);
  if (known.refused) return;
  syn.options.fast_open = known.cookie != nullptr ? *known.cookie : wire::FastOpenCookie();
  // §4.2.2, step 1 a: without room for the option it is an ordinary handshake.
  if (wire::tcp_options_length(syn.options, true) > wire::kMaxTcpOptions)
    return syn.options.fast_open.reset();
  if (known.cookie == nullptr) {
    state.cookie_asked = true;
    context.counters.tcp_fast_open_cookies_requested.add();
    return;
  }
  state.cookie_sent = true;
  context.counters.tcp_fast_open_cookies_sent.add();
  const Bytes length = std::min(tcb.cold.send.size(), syn_room(tcb, known.mss, syn.options));
  if (length == 0) return;
  state.data_in_syn = true;
  payload = {.offset = 0, .length = length};
  syn.payload_length = length;
  tcb.hot.snd_nxt += length;
}

void fast_open_syn_ack(Tcb& tcb, const wire::Segment& syn_ack, const Context& context) {
  FastOpenState& state = tcb.cold.fast_open;
  if (context.fast_open == nullptr || !(state.cookie_asked || state.cookie_sent)) return;
  FastOpenCache& cache = context.fast_open->cache;
  const flow::FlowKey& key = tcb.hot.key;
  const Mss mss = largest_remembered(tcb, tcb.cold.peer_mss);
  const auto& cookie = syn_ack.options.fast_open;
  if (state.data_taken) context.counters.tcp_fast_open_syn_data_acknowledged.add();
  if (state.data_in_syn && !state.data_taken) context.counters.tcp_fast_open_fallbacks.add();
  if (cookie && !cookie->is_request() && !cookie->experimental) {
    context.counters.tcp_fast_open_cookies_received.add();
    cache.store(key, *cookie, mss);
    return cache.forgive(key);
  }
  cache.renew_mss(key, mss);
  if (is_negative(tcb))
    cache.refuse(key, context.now);
  else if (state.data_taken)
    cache.forgive(key);
}

void settle_syn_data(Tcb& tcb, const Context& context) {
  FastOpenState& state = tcb.cold.fast_open;
  if (!state.data_in_syn) return;
  TcbHot& hot = tcb.hot;
  const Bytes taken = hot.snd_una - (tcb.cold.iss + 1);
  state.data_taken = taken != 0;
  tcb.cold.bytes_sent += taken;
  context.counters.tcp_bytes_sent.add(taken);
  if (!hot.has_flight()) return;
  // §4.2.2: "The client SHOULD retransmit any unacknowledged data in the first ACK packet". The server has
  // not kept it, and nothing was lost on the way: it leaves like data that had only been queued.
  hot.snd_nxt = hot.snd_una;
  close_flight(tcb);
  restart_retransmission_timer(tcb, context.now);
}

void fast_open_icmp_error(Tcb& tcb, bool too_big, const Context& context) {
  FastOpenState& state = tcb.cold.fast_open;
  if (context.fast_open == nullptr || !(state.cookie_asked || state.cookie_sent) || state.syn_again) return;
  context.fast_open->cache.refuse(tcb.hot.key, context.now);
  if (!too_big || !state.data_in_syn) return;
  state.syn_again = true;
  tcb.hot.flags.syn_due = true;
}

void fast_open_timeout(Tcb& tcb, const Context& context) {
  FastOpenState& state = tcb.cold.fast_open;
  if (context.params.fast_open && !state.syn_again && (state.cookie_asked || state.cookie_sent))
    context.counters.tcp_fast_open_syns_lost.add();
  state.syn_again = true;
  TcbHot& hot = tcb.hot;
  const Seq first = tcb.cold.iss + 1;
  if (!state.early || !first.before(hot.snd_nxt)) return;
  // What the server had sent early counts as lost; it goes again once the SYN-ACK has arrived.
  TcbCold& cold = tcb.cold;
  cold.cc.on_timeout(context.now, hot.snd_nxt - first, cold.retries == 1);
  hot.cwnd = cold.cc.cwnd();
  resend_all(tcb);
}

void fast_open_end(const Tcb& tcb, const Context& context) {
  const FastOpenState& state = tcb.cold.fast_open;
  if (context.fast_open == nullptr || !(state.cookie_asked || state.cookie_sent)) return;
  // Where no SYN-ACK came back, and where a path takes a SYN with data and then lets nothing pass (§4.1.3.1).
  const End end = tcb.cold.end;
  const bool failed =
      end == End::Reset || end == End::Refused || end == End::TimedOut || end == End::Unreachable;
  const bool in_vain = !tcb.hot.flags.syn_acked || (state.data_in_syn && tcb.cold.bytes_received == 0);
  if (failed && in_vain) context.fast_open->cache.refuse(tcb.hot.key, context.now);
}

}  // namespace millrace::tcp

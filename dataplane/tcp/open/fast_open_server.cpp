// The server's side of Fast Open (RFC 7413 §4.1.2, §4.2).
#include <algorithm>

#include "tcp/open/fast_open.h"
#include "tcp/open/handshake.h"
#include "tcp/transfer/path_mtu.h"
#include "wire/tcp_options.h"

namespace millrace::tcp {

namespace {

uint64_t number_of(const wire::FastOpenCookie& cookie) {
  uint64_t out = 0;
  for (size_t i = FastOpen::kCookieOctets; i-- > 0;) out = out << 8 | cookie.octets[i];
  return out;
}

// The SYN's data, as far as the window reaches that the SYN-ACK would have offered. Copied: nobody who has
// seen but a SYN of his shall hold a packet of ours.
Bytes take_syn_data(Tcb& tcb, const wire::Segment& syn, Bytes window, Memory& memory) {
  const Bytes wanted = std::min(syn.payload_length, window);
  Bytes taken = 0;
  while (taken < wanted) {
    const Bytes part = std::min<Bytes>(wanted - taken, Block::kCapacity);
    Piece* piece = memory.copy(tcb.hot.rcv_nxt + taken, syn.payload + taken, part);
    if (piece == nullptr) break;
    tcb.cold.receive.append(piece);
    taken += part;
  }
  return taken;
}

}  // namespace

wire::FastOpenCookie FastOpen::cookie_for(const IpAddress& client) const {
  uint64_t mac = KeyRing::mac(keys.current(), client.octets());
  wire::FastOpenCookie cookie;
  cookie.length = kCookieOctets;
  for (size_t i = 0; i < kCookieOctets; ++i, mac >>= 8) cookie.octets[i] = static_cast<uint8_t>(mac);
  return cookie;
}

FastOpen::Validity FastOpen::validity(const wire::FastOpenCookie& cookie, const IpAddress& client) const {
  if (cookie.length != kCookieOctets) return Validity::Invalid;
  const uint64_t shown = number_of(cookie);
  Validity found = Validity::Invalid;
  for (const KeyRing::Key& key : keys.accepted()) {
    if (KeyRing::mac(key, client.octets()) != shown) continue;
    found = &key == keys.accepted().data() ? Validity::Current : Validity::Old;
    break;
  }
  return found;
}

FastOpenOffer judge_fast_open(const wire::Segment& syn, FastOpenPending& pending, const Context& context) {
  if (!syn.options.fast_open || context.fast_open == nullptr) return {};
  // Step 1: while it is off, "the server [...] MUST ignore all cookie options" (§4.2).
  if (!pending.enabled() || !context.params.fast_open) return {};
  const wire::FastOpenCookie& cookie = *syn.options.fast_open;
  // Step 2: over the limit a SYN is an ordinary one, and no cookie is granted either.
  if (!pending.has_room(context.now)) {
    context.counters.tcp_fast_open_overflows.add();
    return {};
  }
  FastOpenOffer offer{.accepted = false, .granted = true, .experimental = cookie.experimental};
  if (cookie.is_request()) return offer;
  switch (context.fast_open->validity(cookie, syn.flow.remote.address)) {  // Step 3
    case FastOpen::Validity::Invalid:
      context.counters.tcp_fast_open_rejected.add();
      break;
    case FastOpen::Validity::Old:
      offer.accepted = true;
      break;
    case FastOpen::Validity::Current:
      offer.accepted = true;
      offer.granted = false;
      break;
  }
  return offer;
}

void grant_cookie(const FastOpenOffer& offer, const IpAddress& client, const Context& context,
                  wire::Segment& syn_ack) {
  if (!offer.granted || context.fast_open == nullptr) return;
  wire::TcpOptions& options = syn_ack.options;
  options.fast_open = context.fast_open->cookie_for(client);
  options.fast_open->experimental = offer.experimental;
  if (wire::tcp_options_length(options, true) > wire::kMaxTcpOptions) return options.fast_open.reset();
  context.counters.tcp_fast_open_cookies_granted.add();
}

void open_by_fast_open(Tcb& tcb, const SynRecord& record, const wire::Segment& syn,
                       const FastOpenOffer& offer, uint32_t ts_offset, Memory& memory,
                       const Context& context) {
  TcbHot& hot = tcb.hot;
  TcbCold& cold = tcb.cold;
  open_passive(tcb, record, ts_offset, context);
  // The SYN-ACK has not left yet, other than that of a record.
  hot.snd_nxt = record.iss;
  hot.flags.syn_due = true;
  hot.flags.timing = false;
  cold.fast_open.early = true;
  cold.fast_open.granted = offer.granted;
  cold.fast_open.experimental = offer.experimental;
  // Step 4: "Buffer the data and notify the application."
  const Bytes taken = take_syn_data(tcb, syn, record.window_offered(), memory);
  hot.rcv_nxt += taken;
  hot.last_ack_sent = hot.rcv_nxt;
  hot.rcv_adv = later(hot.rcv_adv, hot.rcv_nxt);
  hot.events |= Event::kEstablished;
  context.counters.tcp_fast_open_accepted.add();
  if (taken != 0) {
    hot.events |= Event::kReadable;
    cold.fast_open.data_taken = true;
    cold.bytes_received += taken;
    context.counters.tcp_bytes_received.add(taken);
    context.counters.tcp_fast_open_syn_data_accepted.add();
  }
  settle_path_mtu(tcb, context);
  open_congestion_window(tcb, context.params);  // Step 6: the initial window of RFC 5681 §3.1
}

}  // namespace millrace::tcp

// The path's MTU: what ICMP says of it (RFC 1191, RFC 8201), believed as far as RFC 5927 §7 allows, and what the
// segments themselves tell (RFC 4821): large ones that go unanswered, and probes that are larger than any
// before. All of it is rare, and its state is in TcbRare. Neighbours: path_mtu_cache.h, which remembers;
// output.cpp, loss_recovery.cpp and timers.cpp ask here.
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"
#include "tcp/transfer/path_mtu_cache.h"

namespace millrace::tcp {

// IP and TCP headers without options.
inline uint16_t fixed_headers(const Tcb& tcb) { return tcb.hot.key.remote.is_v4() ? 40 : 60; }

// Octets of the packet that carries a full segment.
uint16_t path_mtu(const Tcb& tcb);

// Whether the connection's settings let ICMP, or what becomes of large segments, change their size.
inline bool follows_path_mtu(const Tcb& tcb) {
  return tcb.cold.settings->path_mtu_discovery.value_or(PathMtuDiscovery::On) == PathMtuDiscovery::On;
}

// The handshake has ended, and nothing has been sent: what is known of the path counts from here on.
[[gnu::cold]] void begin_with_path_mtu(Tcb& tcb, const Context& context);
inline void settle_path_mtu(Tcb& tcb, const Context& context) {
  const bool known = context.path_mtus != nullptr && !context.path_mtus->empty();
  if (known || context.params.mtu_probing == MtuProbing::Always) [[unlikely]]
    begin_with_path_mtu(tcb, context);
}

// "Fragmentation needed" or "packet too big" that quotes a segment in flight, which begins at `seq`.
[[gnu::cold]] void on_packet_too_big(Tcb& tcb, Seq seq, uint16_t mtu, const Context& context);

// The retransmission timer has gone off, and loss recovery has not been told yet: evidence for what an ICMP
// error has claimed, or for a black hole.
[[gnu::cold]] void on_timeout_of_size(Tcb& tcb, const Context& context);

// SND.UNA has moved, while Tcb::probing_mtu.
[[gnu::cold]] void on_ack_while_probing(Tcb& tcb, const Context& context);

// As much as a full segment has been acknowledged for the first time since the size has changed.
[[gnu::cold]] void on_full_size_acked(Tcb& tcb, const Context& context);

// Octets of payload of the probe that is due now, if the queue and the windows let it go; 0: none.
[[gnu::cold]] Bytes next_probe(const Tcb& tcb, Bytes unsent, Bytes usable, const Context& context);
// The `length` octets up to SND.NXT were the probe.
[[gnu::cold]] void note_probe_sent(Tcb& tcb, Bytes length, const Context& context);

// What begins at `begin` goes again, in an ordinary segment: if it is the probe's, its acknowledgement will say
// nothing of the probe.
[[gnu::cold]] void note_resent_while_probing(Tcb& tcb, Seq begin, const Context& context);

// Loss has been found. True: it is the probe's and nothing else's, which is no congestion (RFC 4821 §7.6.2);
// what it carried counts as lost.
[[gnu::cold]] bool is_lost_probe(Tcb& tcb, const Context& context);

}  // namespace millrace::tcp

// Payload memory is short: what slow peers hold is taken back, the slowest first.
#include <algorithm>

#include "shard/impl.h"
#include "tcp/close/close.h"

namespace millrace::shard {

// RFC 9293 knows no such end; it lets an application set limits (§3.9.1), and RFC 6429 §3 a system under
// resource pressure.
void Shard::Impl::relieve(PacketBatch& out) {
  const Micros timeout = params.tcp.slow_peer_timeout;
  // Once begun until there is room: nobody may stop it by giving a little back.
  const bool needed = memory.is_short() || (slow_peers.watching() && memory.is_filling());
  if (!needed || timeout == 0us) [[likely]]
    return slow_peers.stop();
  if (!slow_peers.walk(now, std::max<Micros>(timeout / SlowPeers::kIntervals, 100ms))) return;
  while (memory.is_filling()) {
    const auto [index, out_of_order] = slow_peers.take_slowest();
    if (index == kNoIndex) return;
    tcp::Tcb& tcb = connections[index].tcb();
    if (out_of_order) {
      counters.tcp_reassembly_dropped.add();
      tcb.cold.reassembly.clear();  // RFC 2018 §8 allows it: nothing of it has been acknowledged
      continue;
    }
    counters.tcp_slow_peers_reset.add();
    tcp::abort_with_reset(tcb, tcp::End::NoMemory);
    make_ready(connections[index]);
    leave(connections[index], out);
  }
}

// When relieve() has something to do.
Instant Shard::Impl::next_relief() const {
  if (params.tcp.slow_peer_timeout == 0us) return kNever;
  if (slow_peers.watching()) return slow_peers.next_walk();
  return memory.is_short() ? now : kNever;
}

}  // namespace millrace::shard

// Fast Open (RFC 7413) between listeners and connections: a SYN with a valid cookie is a connection at once.
// What is decided stands in tcp/open/fast_open.h.
#include <algorithm>

#include "shard/impl.h"
#include "tcp/open/negotiation.h"
#include "wire/tcp_options.h"

namespace millrace::shard {

bool Shard::set_fast_open_pending(const Endpoint& local, uint32_t pending) {
  for (Listener& listener : impl_->listeners) {
    if (listener.params.local != local) continue;
    listener.params.fast_open_pending = pending;
    listener.fast_open.set_limit(pending);
    return true;
  }
  return false;
}

std::optional<Bytes> Shard::fast_open_room(const app::ConnectOptions& options) const {
  if (!impl_->params.tcp.fast_open) return std::nullopt;
  const std::optional<IpAddress> source =
      options.local_address ? options.local_address : impl_->host.select_source(options.remote.address);
  if (!source) return 0;
  const flow::FlowKey key =
      impl_->make_key({.local = {*source, 0}, .remote = options.remote}, impl_->host.local_id(*source));
  const Bytes server = impl_->fast_open.cache.mss_with_cookie(key, impl_->now);
  const Bytes segment = std::min<Bytes>(server, impl_->our_mss(source->family(), options.settings).octets());
  return segment > wire::kMaxTcpOptions ? segment - wire::kMaxTcpOptions : 0;
}

bool Shard::Impl::accept_fast_open(uint32_t listener, const wire::Frame& frame, const flow::FlowKey& key,
                                   uint64_t key_hash, Seq iss, const tcp::FastOpenOffer& offer,
                                   PacketBatch& out) {
  Listener& entry = listeners[listener];
  const wire::Segment& syn = frame.tcp;
  const uint32_t index = new_connection(*entry.handler, syn.flow, key);
  if (index == kNoIndex) return false;
  if (!table.insert(key_hash, flow::Ref(flow::Kind::Connection, index))) {
    connections.destroy(index);
    return false;
  }
  ++table_changes;
  app::Connection& connection = connections[index];
  const Mss announced = our_mss(syn.flow.local.address.family(), *entry.settings);
  const tcp::SynRecord record(key, syn, iss, announced, static_cast<uint16_t>(listener), params.tcp);
  take_for_listener(connection, listener);
  tcp::open_by_fast_open(connection.tcb(), record, syn, offer,
                         isn.timestamp_offset(syn.flow.local.address, syn.flow.remote.address), memory,
                         context());
  service_of(connection).bytes_received.add(connection.tcb().cold.bytes_received);
  entry.fast_open.open();
  connection.tcb().cold.fast_open.pending = true;
  counters.tcp_passive_opens.add();
  recorder.conclude(tcp::State::SynReceived);
  // At once and to where the SYN came from, like any SYN-ACK: behind the application's answer it could be
  // what a neighbour's full queue gives up first.
  wire::Segment syn_ack;
  tcp::PayloadRange none;
  if (tcp::next_segment(connection.tcb(), context(), syn_ack, none))
    reply(frame, syn_ack, tcp::State::SynReceived, out);
  make_ready(connection);
  return true;
}

// Our SYN has been acknowledged (RFC 7413 §4.2.2, "Server: Receiving ACK"), and data of it if we opened.
void Shard::Impl::end_handshake(app::Connection& connection) {
  tcp::FastOpenState& state = connection.tcb().cold.fast_open;
  if (state.data_in_syn) service_of(connection).bytes_sent.add(connection.tcb().cold.bytes_sent);
  if (state.early)  // the SYN-ACK left when the connection was made
    counters.tcp_handshake_time.record(static_cast<uint64_t>((now - connection.opened_at).count()));
  if (!state.pending) return;
  state.pending = false;
  listeners[connection.links.listener].fast_open.close();
}

// The connection ends. Pending still: then its handshake never did.
void Shard::Impl::end_fast_open(app::Connection& connection) {
  tcp::Tcb& tcb = connection.tcb();
  tcp::fast_open_end(tcb, context());
  if (!tcb.cold.fast_open.pending) return;
  tcb.cold.fast_open.pending = false;
  counters.tcp_open_failures.add();
  tcp::FastOpenPending& pending = listeners[connection.links.listener].fast_open;
  if (tcb.cold.end == tcp::End::Reset)
    pending.reset(now);
  else
    pending.close();
}

}  // namespace millrace::shard

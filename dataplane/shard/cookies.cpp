// SYN cookies: a SYN answered without a record, and the ACK that brings the cookie back. Neighbours:
// tcp/open/syn_cookie.h (what a cookie is), open.cpp (connections from records).
#include "shard/impl.h"
#include "tcp/open/handshake.h"
#include "tcp/open/negotiation.h"
#include "tcp/open/syn_cookie.h"

namespace millrace::shard {

bool Shard::Impl::answer_with_cookie(uint32_t listener, const wire::Frame& frame, const flow::FlowKey& key,
                                     PacketBatch& out, const tcp::TimeWaitRecord* resting) {
  Listener& entry = listeners[listener];
  const wire::FlowAddress& flow = frame.tcp.flow;
  const Family family = flow.local.address.family();
  wire::Segment syn = frame.tcp;
  tcp::keep_by_cookie(syn, params.tcp);
  const Seq iss = tcp::cookie_isn(syn_cookie_keys, syn, scale_for(largest_receive_buffer(params.tcp)));
  const tcp::SynRecord record(key, syn, iss, our_mss(family, *listeners[listener].settings),
                              static_cast<uint16_t>(listener), params.tcp);
  wire::Segment answer;
  tcp::syn_ack(record, params.tcp, isn.timestamp_offset(flow.local.address, flow.remote.address), now,
               answer);
  if (auto& timestamps = answer.options.timestamps)
    timestamps->value = tcp::cookie_timestamp(timestamps->value, syn);
  // RFC 9293 §3.6.1. A TIME-WAIT is not to be had with a false address: a record may be kept for this SYN.
  if (resting != nullptr && !tcp::lies_beyond(*resting, syn, answer)) return false;
  ++entry.cookies_sent;
  // The keys of two epochs are good (key_ring.h).
  entry.cookies_until = now + 2 * params.tcp.syn_cookie_rotation;
  counters.tcp_passive_opens.add();
  counters.tcp_syn_cookies_sent.add();
  const tcp::State state = resting != nullptr ? tcp::State::TimeWait : tcp::State::Listen;
  recorder.conclude(state);
  reply(frame, answer, state, out);
  return true;
}

// A segment that no connection has asked for costs a hash only while it may be a cookie of ours.
Shard::Impl::CookieDoubt Shard::Impl::cookie_doubt(const Listener& listener) {
  using enum CookieDoubt;
  if (params.tcp.syn_cookies == SynCookies::Never) return None;
  if (now < listener.cookies_until) return Possible;
  if (!shared_keys) return None;
  return fleet_cookie_checks.take(now) ? Possible : Limited;
}

bool Shard::Impl::brings_cookie(uint32_t listener, const wire::Segment& ack) {
  return now < listeners[listener].cookies_until && params.tcp.syn_cookies != SynCookies::Never &&
         tcp::syn_of_cookie(syn_cookie_keys, ack, scale_for(largest_receive_buffer(params.tcp)), params.tcp);
}

// The ACK that answers a cookie sent over a TIME-WAIT. One of the old connection, which a cookie may have
// opened too, comes from a SYN that would not re-open.
bool Shard::Impl::reopen_by_cookie(uint32_t index, wire::Frame& frame, Packet& packet, uint64_t record_hash,
                                   PacketBatch& out) {
  const wire::Flags flags = frame.tcp.flags;
  if (!flags.ack() || flags.syn() || flags.rst()) return false;
  const uint32_t listener = draining ? kNoIndex : listening.find(frame.tcp.flow.local);
  if (listener == kNoIndex || now >= listeners[listener].cookies_until) return false;
  if (params.tcp.syn_cookies == SynCookies::Never || !owns(frame.tcp.flow)) return false;
  const std::optional<wire::Segment> syn =
      tcp::syn_of_cookie(syn_cookie_keys, frame.tcp, scale_for(largest_receive_buffer(params.tcp)), params.tcp);
  DropReason reason{};
  if (!syn || tcp::on_segment(time_wait[index], *syn, params.tcp, reason) != tcp::TimeWaitAction::Reopen)
    return false;
  const flow::FlowKey key = time_wait[index].key;
  return accept_by_cookie(listener, frame, packet, key, record_hash, out, index);
}

bool Shard::Impl::accept_by_cookie(uint32_t listener, wire::Frame& frame, Packet& packet,
                                   const flow::FlowKey& key, uint64_t key_hash, PacketBatch& out,
                                   uint32_t resting) {
  Listener& entry = listeners[listener];
  switch (cookie_doubt(entry)) {
    case CookieDoubt::None:
      return false;
    case CookieDoubt::Limited:
      counters.drop(DropReason::TcpSynCookieLimit);
      return true;
    case CookieDoubt::Possible:
      break;
  }
  const std::optional<wire::Segment> syn =
      tcp::syn_of_cookie(syn_cookie_keys, frame.tcp, scale_for(largest_receive_buffer(params.tcp)), params.tcp);
  if (!syn) {
    ++entry.cookies_rejected;
    counters.tcp_syn_cookies_rejected.add();
    return false;
  }
  if (!has_accept_room(entry)) {
    overflow_accept_queue(entry, frame, out);
    return true;
  }
  app::Connection* connection = open_by_cookie(listener, *syn, frame.tcp, key, key_hash, resting);
  if (connection == nullptr) {
    counters.drop(DropReason::TcpConnectionsFull);  // the peer sends again
    return true;
  }
  host.heard_handshake(frame.source, frame.source_mac, now, out);
  // The ACK may carry text and FIN.
  on_connection(*connection, frame, packet, out);
  return true;
}

app::Connection* Shard::Impl::open_by_cookie(uint32_t listener, const wire::Segment& syn,
                                             const wire::Segment& ack, const flow::FlowKey& key,
                                             uint64_t key_hash, uint32_t resting) {
  Listener& entry = listeners[listener];
  const uint32_t index = new_connection(*entry.handler, ack.flow, key);
  if (index == kNoIndex) return nullptr;
  if (resting != kNoIndex) {
    forget_time_wait(resting, key_hash);  // its place in the table is free
    counters.tcp_time_wait_reopened.add();
  }
  if (!table.insert(key_hash, flow::Ref(flow::Kind::Connection, index))) {
    connections.destroy(index);
    return nullptr;
  }
  ++table_changes;
  app::Connection& connection = connections[index];
  const IpAddress& local = ack.flow.local.address;
  const tcp::SynRecord record(key, syn, ack.ack - 1, our_mss(local.family(), *listeners[listener].settings),
                              static_cast<uint16_t>(listener), params.tcp);
  tcp::open_by_cookie(connection.tcb(), record, isn.timestamp_offset(local, ack.flow.remote.address),
                      ack.options.timestamps ? ack.options.timestamps->echo_reply : 0, context());
  take_for_listener(connection, listener);
  ++entry.cookies_accepted;
  counters.tcp_syn_cookies_accepted.add();
  return &connection;
}

}  // namespace millrace::shard

// How connections come to a shard: connect(), listen(), and what SYNs make of a listener.
#include <algorithm>
#include <limits>

#include "shard/impl.h"
#include "tcp/open/handshake.h"
#include "tcp/open/negotiation.h"
#include "tcp/transfer/ecn.h"

namespace millrace::shard {

namespace {

bool is_openable(const Endpoint& remote) {
  const IpAddress& address = remote.address;
  return remote.port != 0 && !address.is_multicast() && !address.is_broadcast() && !address.is_unspecified();
}

}  // namespace

// ---- active
// ----------------------------------------------------------------------------------------------------

app::OpenResult Shard::connect(const app::ConnectOptions& options, app::Handler& handler) {
  app::OpenResult result = impl_->open(options, handler);
  if (result.connection == nullptr) impl_->counters.tcp_open_failures.add();
  return result;
}

app::OpenResult Shard::Impl::open(const app::ConnectOptions& options, app::Handler& handler) {
  using enum app::OpenError;
  if (draining) return {.connection = nullptr, .error = Draining};
  if (!is_openable(options.remote)) return {.connection = nullptr, .error = BadAddress};
  const std::optional<IpAddress> source =
      options.local_address ? options.local_address : host.select_source(options.remote.address);
  if (!source) return {.connection = nullptr, .error = NoRoute};
  if (source->family() != options.remote.address.family())
    return {.connection = nullptr, .error = BadAddress};
  const ip::LocalId local = host.local_id(*source);
  if (local == ip::kNoLocal) return {.connection = nullptr, .error = AddressNotOurs};

  wire::FlowAddress flow{.local = {*source, 0}, .remote = options.remote};
  flow::FlowKey key;
  uint32_t resting = kNoIndex;
  const auto is_free = [&](uint16_t port) {
    flow.local.port = port;
    key = make_key(flow, local);
    resting = kNoIndex;
    const flow::Ref ref =
        table.find(hash(key), key, [this](flow::Ref at) -> const flow::FlowKey& { return key_of(at); });
    if (!ref) return strays.empty() || !strays.contains(flow);
    if (ref.kind() != flow::Kind::TimeWait) return false;
    resting = ref.index();
    return tcp::may_reuse(time_wait[resting], now, params.tcp);
  };
  const std::optional<uint16_t> port = options.local_port ? options.local_port : choose_port(flow, is_free);
  if (!port) {
    counters.tcp_ports_exhausted.add();
    return {.connection = nullptr, .error = NoPorts};
  }
  if (*port == 0) return {.connection = nullptr, .error = BadAddress};
  if (options.local_port && !is_free(*port)) return {.connection = nullptr, .error = AddressInUse};
  app::OpenResult result = open(flow, key, resting, options.settings, handler);
  if (result.connection == nullptr) return result;
  result.connection->tcb().cold.fast_open.wanted = options.fast_open;
  if (!options.data.empty()) result.taken = result.connection->send(options.data);
  return result;
}

// False: no memory was left for settings of the connection's own.
bool Shard::Impl::give(app::Connection& connection, const ConnectionParams& settings) {
  if (settings == tcp::kNoSettings) return true;
  tcp::TcbRare* rare = connection.tcb().cold.settings.take(memory);
  if (rare != nullptr) static_cast<ConnectionParams&>(*rare) = settings;
  return rare != nullptr;
}

app::OpenResult Shard::Impl::open(const wire::FlowAddress& flow, const flow::FlowKey& key, uint32_t resting,
                                  const ConnectionParams& settings, app::Handler& handler) {
  using enum app::OpenError;
  const uint32_t index = new_connection(handler, flow, key);
  if (index == kNoIndex) return {.connection = nullptr, .error = NoMemory};
  app::Connection& connection = connections[index];
  if (!give(connection, settings)) {
    connections.destroy(index);
    return {.connection = nullptr, .error = NoMemory};
  }
  tcp::OpenParams ends{.iss = isn.isn(flow, now),
                       .ts_offset = isn.timestamp_offset(flow.local.address, flow.remote.address),
                       .our_mss = our_mss(flow.local.address.family(), settings)};
  const flow::Ref ref(flow::Kind::Connection, index);
  if (resting != kNoIndex) {
    // RFC 9293 §3.6.1 for the numbers; the clock goes on (RFC 7323 §5), whatever key it would have today.
    const tcp::TimeWaitRecord& record = time_wait[resting];
    ends.iss = tcp::iss_beyond(record, ends.iss);
    ends.ts_offset = record.ts_offset;
    if (!owns(flow)) connection.links.stray = app::Connection::Links::Stray::Granted;  // since the old one
    table.replace(hash(key), flow::Ref(flow::Kind::TimeWait, resting), ref);
    time_wait_fifo.remove(resting);
    time_wait.destroy(resting);
    counters.tcp_time_wait_reused.add();
  } else if (!table.insert(hash(key), ref)) {
    connections.destroy(index);
    return {.connection = nullptr, .error = NoMemory};
  } else if (!owns(flow)) {
    claim(connection);
  }
  ++table_changes;
  tcp::open_active(connection.tcb(), ends, context());
  count_opened(connection, ServiceTable::kNone);
  make_ready(connection);
  return {.connection = &connection, .error = None};
}

uint32_t Shard::Impl::new_connection(app::Handler& handler, const wire::FlowAddress& flow,
                                     const flow::FlowKey& key) {
  const uint32_t index = connections.create(shard, handler, memory);
  if (index == kNoIndex) return kNoIndex;
  app::Connection& connection = connections[index];
  connection.place(flow.local, flow.remote);
  connection.opened_at = now;
  connection.links.index = index;
  const uint8_t state = connection.tcb().hot.key.state;
  connection.tcb().hot.key = key;
  connection.tcb().hot.key.state = state;
  return index;
}

// The largest segment that the MTU allows, or less where the connection asks for less (RFC 9293 §3.7.1).
Mss Shard::Impl::our_mss(Family family, const ConnectionParams& settings) const {
  Mss mss = tcp::mss_for_mtu(host.mtu(family), family);
  if (params.tcp.mss_clamp != 0)
    mss = Mss(std::min(mss.octets(), std::max(params.tcp.mss_clamp, tcp::kSmallestMss)));
  if (!settings.max_segment) return mss;
  return Mss(std::min(mss.octets(), std::max(*settings.max_segment, tcp::kSmallestMss)));
}

// ---- passive
// ---------------------------------------------------------------------------------------------------

app::OpenError Shard::listen(const ListenerParams& params, app::Handler& handler, std::string_view name) {
  if (impl_->draining) return app::OpenError::Draining;
  const IpAddress& address = params.local.address;
  if (params.local.port == 0 || address.is_multicast() || address.is_broadcast())
    return app::OpenError::BadAddress;
  if (!address.is_unspecified() && !impl_->host.is_configured(address))
    return app::OpenError::AddressNotOurs;
  const auto free = std::find_if(impl_->listeners.begin(), impl_->listeners.end(),
                                 [](const Listener& listener) { return listener.handler == nullptr; });
  const auto index = static_cast<uint32_t>(free - impl_->listeners.begin());
  if (index >= std::numeric_limits<uint16_t>::max()) return app::OpenError::NoMemory;
  switch (impl_->listening.add(params.local, index)) {
    case flow::ListenResult::Added:
      break;
    case flow::ListenResult::AddressInUse:
      return app::OpenError::AddressInUse;
    case flow::ListenResult::PortZero:
      return app::OpenError::BadAddress;
    case flow::ListenResult::Full:
      return app::OpenError::NoMemory;
  }
  if (free == impl_->listeners.end()) impl_->listeners.emplace_back();
  impl_->listeners[index] = {.params = params,
                             .handler = &handler,
                             .name = std::string(name),
                             .settings = &impl_->profile(params.connection),
                             .fast_open = tcp::FastOpenPending(params.fast_open_pending),
                             .service = impl_->counters.services.number_of(name)};
  return app::OpenError::None;
}

bool Shard::stop_listening(const Endpoint& local) {
  const std::optional<uint32_t> index = impl_->listening.remove(local);
  if (!index) return false;
  for (uint32_t i = 0; impl_->listeners[*index].half_open != 0 && i < impl_->syn_queue.extent(); ++i)
    if (impl_->syn_queue.contains(i) && impl_->syn_queue[i].listener == *index)
      impl_->forget_syn_record(i, impl_->hash(impl_->syn_queue[i].key));
  // The number goes to the next listener, so nobody may hold it any longer.
  for (uint32_t i = 0; i < impl_->connections.extent(); ++i) {
    if (!impl_->connections.contains(i) || impl_->connections[i].links.listener != *index) continue;
    impl_->connections[i].links.listener = kNoIndex;
    impl_->connections[i].tcb().cold.fast_open.pending = false;  // its bound goes with the listener
  }
  impl_->listeners[*index] = Listener();
  return true;
}

bool Shard::set_listening(const Endpoint& local, const ConnectionParams& settings) {
  for (Listener& listener : impl_->listeners) {
    if (listener.handler == nullptr || listener.params.local != local) continue;
    listener.params.connection = settings;
    listener.settings = &impl_->profile(settings);
    return true;
  }
  return false;
}

bool Shard::is_local(const IpAddress& address) const { return impl_->host.is_configured(address); }

void Shard::add_address(const Prefix& prefix) { impl_->host.add_address(prefix); }

// Listeners come and go, connections keep what they were accepted with.
const ConnectionParams& Shard::Impl::profile(const ConnectionParams& settings) {
  if (settings == tcp::kNoSettings) return tcp::kNoSettings;
  for (const ConnectionParams& known : profiles)
    if (known == settings) return known;
  return profiles.emplace_back(settings);
}

bool Shard::Impl::accept_syn(uint32_t listener, wire::Frame& frame, const flow::FlowKey& key,
                             uint64_t key_hash, Seq iss, PacketBatch& out,
                             const tcp::TimeWaitRecord* resting) {
  Listener& entry = listeners[listener];
  if (!has_accept_room(entry)) {
    overflow_accept_queue(entry, frame, out);
    return false;
  }
  if (entry.settings->ecn.value_or(params.tcp.ecn) == EcnMode::Off) tcp::refuse_ecn(frame.tcp);
  const tcp::FastOpenOffer offer = tcp::judge_fast_open(frame.tcp, entry.fast_open, context());
  if (offer.accepted && accept_fast_open(listener, frame, key, key_hash, iss, offer, out)) return true;
  const bool full = entry.half_open >= entry.params.backlog || syn_queue.full();
  if (full) {
    ++entry.syn_overflows;
    counters.tcp_syn_queue_overflows.add();
    service_of(entry).syn_queue_overflows.add();
  }
  // RFC 4987 §3.6: nothing of the half-open is lost, and nothing is kept of what comes more.
  const SynCookies cookies = params.tcp.syn_cookies;
  if ((cookies == SynCookies::Always || (full && cookies == SynCookies::Auto)) &&
      answer_with_cookie(listener, frame, key, out, resting))
    return false;
  if (full) {
    counters.drop(DropReason::TcpSynQueueFull);
    return false;
  }
  const wire::Segment& syn = frame.tcp;
  const Mss announced = our_mss(syn.flow.local.address.family(), *entry.settings);
  const uint32_t index =
      syn_queue.create(key, syn, iss, announced, static_cast<uint16_t>(listener), params.tcp);
  if (index == kNoIndex || !table.insert(key_hash, flow::Ref(flow::Kind::SynRecord, index))) {
    if (index != kNoIndex) syn_queue.destroy(index);
    counters.drop(DropReason::TcpSynQueueFull);
    return false;
  }
  ++table_changes;
  ++entry.half_open;
  service_of(entry).half_open.add();
  counters.tcp_passive_opens.add();
  recorder.conclude(tcp::State::SynReceived);
  wire::Segment answer;
  tcp::syn_ack(syn_queue[index], params.tcp,
               isn.timestamp_offset(syn.flow.local.address, syn.flow.remote.address), now, answer);
  tcp::grant_cookie(offer, syn.flow.remote.address, context(), answer);
  syn_queue.sent(index, now);
  reply(frame, answer, tcp::State::SynReceived, out);
  return true;
}

app::Connection* Shard::Impl::promote(uint32_t index, const wire::FlowAddress& flow, uint64_t record_hash) {
  const tcp::SynRecord& record = syn_queue[index];
  Listener& entry = listeners[record.listener];
  const uint32_t created = new_connection(*entry.handler, flow, record.key);
  if (created == kNoIndex) return nullptr;
  app::Connection& connection = connections[created];
  tcp::open_passive(connection.tcb(), record, isn.timestamp_offset(flow.local.address, flow.remote.address),
                    context());
  counters.tcp_handshake_time.record(
      static_cast<uint64_t>((now - tcp::first_sent_at(record, params.tcp.rto_initial)).count()));
  table.replace(record_hash, flow::Ref(flow::Kind::SynRecord, index),
                flow::Ref(flow::Kind::Connection, created));
  ++table_changes;
  --entry.half_open;
  service_of(entry).half_open.subtract(1);
  take_for_listener(connection, record.listener);
  syn_queue.destroy(index);
  return &connection;
}

void Shard::Impl::take_for_listener(app::Connection& connection, uint32_t listener) {
  Listener& entry = listeners[listener];
  connection.links.listener = listener;
  connection.tcb().cold.settings.share(*entry.settings);
  count_opened(connection, entry.service);
  ++entry.accepted;
  ++entry.open;
  ++entry.untold;
  any_untold = true;
}

// The application learns of a connection in run(): what has come since then is not in its answer yet.
bool Shard::Impl::has_accept_room(const Listener& listener) const {
  const uint32_t bound = listener.params.connections;
  if (bound != 0 && listener.open >= bound) return false;
  return listener.handler->accept_room(listener.params.local) > listener.untold;
}

void Shard::Impl::overflow_accept_queue(Listener& listener, const wire::Frame& frame, PacketBatch& out) {
  ++listener.accept_overflows;
  counters.tcp_accept_overflows.add();
  service_of(listener).accept_overflows.add();
  counters.drop(DropReason::TcpAcceptQueueFull);
  if (params.tcp.accept_overflow == AcceptOverflow::Reset) reply_reset(frame, tcp::State::Listen, out);
}

void Shard::Impl::forget_syn_record(uint32_t index, uint64_t record_hash) {
  Listener& entry = listeners[syn_queue[index].listener];
  --entry.half_open;
  service_of(entry).half_open.subtract(1);
  table.erase(record_hash, flow::Ref(flow::Kind::SynRecord, index));
  ++table_changes;
  syn_queue.destroy(index);
}

}  // namespace millrace::shard

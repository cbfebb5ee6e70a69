// What a shard consists of. Its verbs stand in receive.cpp, expire.cpp and serve.cpp (run, transmit); opening
// in open.cpp; what may be seen of it in sight.cpp.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/slab.h"
#include "base/token_bucket.h"
#include "flow/listeners.h"
#include "flow/ports.h"
#include "flow/steering_check.h"
#include "flow/table.h"
#include "shard/recorder.h"
#include "shard/shard.h"
#include "shard/slow_peers.h"
#include "tcp/close/challenge.h"
#include "tcp/close/time_wait.h"
#include "tcp/context.h"
#include "tcp/open/fast_open.h"
#include "tcp/open/isn.h"
#include "tcp/open/key_ring.h"
#include "tcp/open/syn_queue.h"
#include "tcp/transfer/output.h"
#include "tcp/transfer/path_mtu_cache.h"
#include "timer/deadline_fifo.h"
#include "timer/wheel.h"
#include "wire/parse.h"

namespace millrace::shard {

inline constexpr size_t kBurst = flow::Table::kBurst;
// Frames a second that are copied for other shards: more are not worth their time.
inline constexpr uint32_t kSharedFrames = 100;

struct Listener {
  ListenerParams params;
  app::Handler* handler = nullptr;
  std::string name;
  const ConnectionParams* settings = nullptr;  // of what it accepts: in Impl::profiles
  uint32_t half_open = 0;
  uint32_t open = 0;        // connections of it, until the application has been told of their end
  uint32_t untold = 0;      // those among them whose application has not been called since they came
  Instant cookies_until{};  // until then an ACK may bring back a cookie of ours
  uint64_t accepted = 0;
  tcp::FastOpenPending fast_open;
  uint64_t cookies_sent = 0;
  uint64_t cookies_accepted = 0;
  uint64_t cookies_rejected = 0;
  uint64_t syn_overflows = 0;  // SYNs that found the queue of half-open connections full
  uint64_t accept_overflows = 0;
  uint8_t service = ServiceTable::kNone;  // in Counters::services
};

struct Shard::Impl {
  Impl(Shard& owner, const ShardParams& given, wire::Checksum link_checksum, PacketPool& packets,
       Entropy& random, Instant start, const Place& where);
  ~Impl();

  tcp::Context context() {
    return {.now = now,
            .params = params.tcp,
            .counters = counters,
            .memory_short = memory.is_short(),
            .challenges = &challenges,
            .fast_open = &fast_open,
            .path_mtus = &path_mtus};
  }
  void prefetch(flow::Ref ref) const;
  const flow::FlowKey& key_of(flow::Ref ref) const;
  app::Connection& connection_of(flow::Ref ref) { return connections[ref.index()]; }
  flow::FlowKey make_key(const wire::FlowAddress& flow, ip::LocalId local) const;
  wire::FlowAddress flow_of(const flow::FlowKey& key) const {
    return {.local = {host.local_address(key.local), key.local_port},
            .remote = {key.remote, key.remote_port}};
  }

  // ---- receive.cpp
  void receive_burst(std::span<Packet> burst, PacketBatch& out);
  void parse(std::span<Packet> burst, PacketBatch& out);
  void dispatch(size_t i, Packet& packet, PacketBatch& out);
  void on_connection(app::Connection& connection, wire::Frame& frame, Packet& packet, PacketBatch& out);
  void on_syn_record(uint32_t index, wire::Frame& frame, Packet& packet, uint64_t hash, PacketBatch& out);
  bool may_answer(tcp::SynRecord& record, const wire::Segment& segment);
  bool may_answer(tcp::TimeWaitRecord& record, const wire::Segment& segment);
  [[gnu::cold]] void spend_reset(const wire::Segment& segment);
  void on_time_wait(uint32_t index, wire::Frame& frame, Packet& packet, uint64_t hash, PacketBatch& out);
  void acknowledge_time_wait(tcp::TimeWaitRecord& record, const wire::Frame& frame, PacketBatch& out);
  void reopen_time_wait(uint32_t index, wire::Frame& frame, uint64_t hash, PacketBatch& out);
  void on_stranger(wire::Frame& frame, Packet& packet, const flow::FlowKey& key, uint64_t hash,
                   PacketBatch& out);

  // ---- icmp.cpp
  void on_icmp_error(const ip::TransportError& error, Packet& packet, PacketBatch& out);
  void note_unreachable(const IpAddress& address);

  // ---- open.cpp
  const ConnectionParams& profile(const ConnectionParams& settings);
  Mss our_mss(Family family, const ConnectionParams& settings) const;
  uint32_t new_connection(app::Handler& handler, const wire::FlowAddress& flow, const flow::FlowKey& key);
  // True: the ends have an owner now. False: answered by a cookie, or dropped and counted. `resting`: the
  // TIME-WAIT that had the ends before.
  bool accept_syn(uint32_t listener, wire::Frame& frame, const flow::FlowKey& key, uint64_t hash, Seq iss,
                  PacketBatch& out, const tcp::TimeWaitRecord* resting = nullptr);
  app::Connection* promote(uint32_t index, const wire::FlowAddress& flow, uint64_t hash);
  void forget_syn_record(uint32_t index, uint64_t hash);
  // Many half-open connections may be a flood from made-up sources: their SYN-ACKs, sent again, are not worth
  // a resolution each (RFC 6583 §3). An honest peer sends its SYN again, and is answered where that came
  // from.
  bool is_crowded(const Listener& listener) const {
    return 2 * uint64_t{listener.half_open} >= listener.params.backlog ||
           2 * uint64_t{syn_queue.size()} >= params.memory.syn_records;
  }
  // The connection is the listener's from now on.
  void take_for_listener(app::Connection& connection, uint32_t listener);
  bool has_accept_room(const Listener& listener) const;
  // A SYN or the handshake's ACK came for which has_accept_room() has none.
  void overflow_accept_queue(Listener& listener, const wire::Frame& frame, PacketBatch& out);
  app::OpenResult open(const app::ConnectOptions& options, app::Handler& handler);
  // Between these ends, taking over the TIME-WAIT that rests there (kNoIndex: none).
  app::OpenResult open(const wire::FlowAddress& flow, const flow::FlowKey& key, uint32_t resting,
                       const ConnectionParams& settings, app::Handler& handler);
  bool give(app::Connection& connection, const ConnectionParams& settings);

  // ---- expire.cpp
  Instant next_deadline(const tcp::Tcb& tcb) const;
  void on_deadline(app::Connection& connection);
  void rearm_some();
  void expire_slow(PacketBatch& out);
  void expire_syn_queue(PacketBatch& out);

  // ---- relieve.cpp
  void relieve(PacketBatch& out);
  Instant next_relief() const;

  void share_timestamps(const Secrets& secrets);

  // ---- cookies.cpp
  enum class CookieDoubt : uint8_t {
    None,  // no cookie can come
    Possible,
    Limited,  // another node's may have come, and too many have been looked at
  };
  CookieDoubt cookie_doubt(const Listener& listener);
  bool brings_cookie(uint32_t listener, const wire::Segment& ack);
  // False: no cookie can follow the connection whose TIME-WAIT this is.
  bool answer_with_cookie(uint32_t listener, const wire::Frame& frame, const flow::FlowKey& key,
                          PacketBatch& out, const tcp::TimeWaitRecord* resting);
  // False: the segment brings no cookie and is as if there were none. `resting`: the TIME-WAIT that ends so.
  bool accept_by_cookie(uint32_t listener, wire::Frame& frame, Packet& packet, const flow::FlowKey& key,
                        uint64_t hash, PacketBatch& out, uint32_t resting = kNoIndex);
  app::Connection* open_by_cookie(uint32_t listener, const wire::Segment& syn, const wire::Segment& ack,
                                  const flow::FlowKey& key, uint64_t hash, uint32_t resting);
  bool reopen_by_cookie(uint32_t index, wire::Frame& frame, Packet& packet, uint64_t hash, PacketBatch& out);

  // ---- open_fast.cpp
  // False: there was no room, and the SYN is an ordinary one.
  bool accept_fast_open(uint32_t listener, const wire::Frame& frame, const flow::FlowKey& key, uint64_t hash,
                        Seq iss, const tcp::FastOpenOffer& offer, PacketBatch& out);
  void end_handshake(app::Connection& connection);
  void end_fast_open(app::Connection& connection);

  // ---- steer.cpp
  bool shares_flows() const { return place.peers != nullptr; }
  bool owns(const wire::FlowAddress& flow) const;
  void check_steering(const wire::FlowAddress& flow);
  // Whether the packet is another shard's: then it has gone there.
  bool hand_over(const wire::FlowAddress& flow, Packet& packet);
  void tell(unsigned to, Notice notice);
  void tell_all(const Notice& notice);
  void tell_news();
  // Gives every other shard a copy.
  [[gnu::cold]] void share(const Packet& packet);
  void flush_notices();
  std::optional<uint16_t> choose_port(const wire::FlowAddress& flow,
                                      const std::function<bool(uint16_t)>& is_free);
  // Asks the owner for a flow that is not ours.
  void claim(app::Connection& connection);
  void release_claim(const wire::FlowAddress& flow);
  void answer_claim(const Notice& claim);
  void on_claim_answered(const Notice& answer, PacketBatch& out);

  // ---- serve.cpp
  void make_ready(app::Connection& connection);
  bool send_pending(app::Connection& connection, PacketBatch& out);
  bool send_all(app::Connection& connection, PacketBatch& out);
  void arm(app::Connection& connection);
  void settle(app::Connection& connection);
  void settle_departure(tcp::Pacing& pacing);
  // The connection is in CLOSED or TIME-WAIT: what is due is sent, and it leaves the demux table.
  void leave(app::Connection& connection, PacketBatch& out);
  void enter_time_wait(app::Connection& connection, uint64_t hash);
  void forget_time_wait(uint32_t index, uint64_t hash);
  Instant time_wait_ends(uint32_t index) const { return time_wait[index].since + 2 * params.tcp.msl; }
  void destroy(app::Connection& connection);
  void shut_down_idle();
  void show_gauges();

  // ---- account.cpp: what belongs to a service (base/service_counters.h)
  ServiceCounters& service_of(const app::Connection& connection) {
    return counters.services[connection.links.service];
  }
  ServiceCounters& service_of(const Listener& listener) { return counters.services[listener.service]; }
  void count_opened(app::Connection& connection, uint8_t service);
  void count_ended(const app::Connection& connection);

  // ---- emit.cpp
  Packet take_packet();
  void emit(app::Connection& connection, wire::Segment& segment, const tcp::PayloadRange& payload,
            PacketBatch& out);
  [[gnu::cold]] void apply_ip_settings(const ConnectionParams& own, wire::Segment& segment);
  // An answer without a connection goes back to where the frame came from and asks no neighbour.
  void reply(const wire::Frame& frame, wire::Segment& segment, tcp::State state, PacketBatch& out);
  void send_stateless(const wire::FlowAddress& flow, wire::Segment& segment, tcp::State state,
                      PacketBatch& out);
  // If the shard's limit allows it.
  void reply_reset(const wire::Frame& frame, tcp::State state, PacketBatch& out);
  void push(Packet&& packet, PacketBatch& out);

  Shard& shard;
  ShardParams params;
  Place place;
  wire::Checksum checksum;
  PacketPool& pool;
  Counters counters;
  Instant now;
  tcp::Memory memory;
  ip::Host host;
  tcp::IsnGenerator isn;
  Entropy& entropy;
  tcp::AnswerBudget challenges;
  tcp::AnswerBudget resets;  // that answer no connection of ours
  flow::FlowHash hash;
  flow::Table table;
  uint64_t table_changes = 0;  // a burst's bulk look-up is stale once this has moved
  flow::Listeners listening;
  flow::Ports ports;
  std::vector<Listener> listeners;
  std::deque<ConnectionParams> profiles;  // listeners' settings, each once, as long as the shard
  timer::Wheel wheel;
  Slab<app::Connection> connections;
  SlowPeers slow_peers;
  tcp::SynQueue syn_queue;
  Slab<tcp::TimeWaitRecord> time_wait;

  struct TimeWaitLinks {
    Slab<tcp::TimeWaitRecord>* records;
    timer::FifoLinks& operator()(uint32_t index) const { return (*records)[index].links; }
  };
  timer::DeadlineFifo<TimeWaitLinks> time_wait_fifo;
  struct AckLinks {
    Slab<app::Connection>* all;
    timer::FifoLinks& operator()(uint32_t index) const { return (*all)[index].links.ack; }
  };
  timer::DeadlineFifo<AckLinks> delayed_acks;

  std::vector<app::Program*> programs;
  std::vector<uint32_t> ready;  // connections to be served by run() and transmit()
  Recorder recorder;
  tcp::KeyRing syn_cookie_keys;
  tcp::FastOpen fast_open;
  tcp::PathMtuCache path_mtus;
  bool shared_keys = false;  // other nodes issue cookies by them
  TokenBucket fleet_cookie_checks;
  int64_t wall_ahead_ms = 0;  // of timestamp_clock()
  wire::Segment leaving;      // of send_pending()
  Packet spare;               // allocated ahead: whether there is something to send shows only later
  bool draining = false;
  bool any_untold = false;  // a listener has connections that run() has not told

  flow::SteeringCheck steering_check;
  bool handed_over = false;  // this burst has been through another shard
  struct Addressed {
    unsigned to;
    Notice notice;
  };
  TokenBucket shared_frames{kSharedFrames};
  std::vector<Addressed> notices;                // that have not left yet
  std::map<wire::FlowAddress, uint16_t> strays;  // flows of ours that another shard uses
  uint32_t strays_out = 0;                       // flows of others that we use

  Instant next_drain_sweep{};
  Instant next_slow_look{};
  uint32_t rearm_from = kNoIndex;  // a sweep after a change of parameters goes on here
  uint32_t established = 0;

  timer::Wheel departures;  // of paced connections

  // One burst's parse results and look-ups.
  std::array<wire::Frame, kBurst> frames;
  std::array<flow::FlowKey, kBurst> keys;
  std::array<uint64_t, kBurst> hashes{};
  std::array<flow::Ref, kBurst> refs;
};

}  // namespace millrace::shard

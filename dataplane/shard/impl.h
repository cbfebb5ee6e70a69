// What a shard consists of. Its verbs stand in receive.cpp, expire.cpp and serve.cpp (run, transmit); opening
// in open.cpp; what may be seen of it in sight.cpp.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/slab.h"
#include "flow/listeners.h"
#include "flow/ports.h"
#include "flow/steering_check.h"
#include "flow/table.h"
#include "shard/recorder.h"
#include "shard/shard.h"
#include "tcp/close/time_wait.h"
#include "tcp/context.h"
#include "tcp/open/isn.h"
#include "tcp/open/key_ring.h"
#include "tcp/open/syn_queue.h"
#include "tcp/transfer/output.h"
#include "timer/deadline_fifo.h"
#include "timer/wheel.h"
#include "wire/parse.h"

namespace millrace::shard {

inline constexpr size_t kBurst = flow::Table::kBurst;

struct Listener {
  ListenerParams params;
  app::Handler* handler = nullptr;
  std::string name;
  uint32_t half_open = 0;
  uint64_t accepted = 0;
};

struct Shard::Impl {
  Impl(Shard& owner, const ShardParams& given, wire::Checksum link_checksum, PacketPool& packets,
       Entropy& entropy, Instant start, const Place& where);
  ~Impl();

  tcp::Context context() { return {.now = now, .params = params.tcp, .counters = counters}; }
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
  void on_time_wait(uint32_t index, wire::Frame& frame, uint64_t hash, PacketBatch& out);
  void on_stranger(wire::Frame& frame, const flow::FlowKey& key, uint64_t hash, PacketBatch& out);
  void on_icmp_error(const ip::TransportError& error, Packet& packet, PacketBatch& out);

  // ---- open.cpp
  uint32_t new_connection(app::Handler& handler, const wire::FlowAddress& flow, const flow::FlowKey& key);
  void accept_syn(uint32_t listener, wire::Frame& frame, const flow::FlowKey& key, uint64_t hash,
                  PacketBatch& out);
  app::Connection* promote(uint32_t index, const wire::FlowAddress& flow, uint64_t hash);
  void forget_syn_record(uint32_t index, uint64_t hash);
  app::OpenResult open(const app::ConnectOptions& options, app::Handler& handler);

  // ---- steer.cpp
  bool shares_flows() const { return place.peers != nullptr; }
  bool owns(const wire::FlowAddress& flow) const;
  void check_steering(const wire::FlowAddress& flow);
  // Whether the packet is another shard's: then it has gone there.
  bool hand_over(const wire::FlowAddress& flow, Packet& packet);
  void tell(unsigned to, Notice notice);
  void tell_all(const Notice& notice);
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
  void settle(app::Connection& connection);
  // The connection is in CLOSED or TIME-WAIT: what is due is sent, and it leaves the demux table.
  void leave(app::Connection& connection, PacketBatch& out);
  void enter_time_wait(app::Connection& connection, uint64_t hash);
  void forget_time_wait(uint32_t index, uint64_t hash);
  void destroy(app::Connection& connection);
  void shut_down_idle();
  void show_gauges();
  void note_unreachable(const IpAddress& address);

  // ---- emit.cpp
  Packet take_packet();
  void emit(app::Connection& connection, wire::Segment& segment, const tcp::PayloadRange& payload,
            PacketBatch& out);
  // An answer without a connection goes back to where the frame came from and asks no neighbour.
  void reply(const wire::Frame& frame, wire::Segment& segment, tcp::State state, PacketBatch& out);
  void send_stateless(const wire::FlowAddress& flow, wire::Segment& segment, tcp::State state,
                      PacketBatch& out);
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
  flow::FlowHash hash;
  flow::Table table;
  uint64_t table_changes = 0;  // a burst's bulk look-up is stale once this has moved
  flow::Listeners listening;
  flow::Ports ports;
  std::vector<Listener> listeners;
  timer::Wheel wheel;
  Slab<app::Connection> connections;
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
  Packet spare;  // allocated ahead: whether there is something to send shows only later
  bool draining = false;

  flow::SteeringCheck steering_check;
  bool handed_over = false;  // this burst has been through another shard
  struct Addressed {
    unsigned to;
    Notice notice;
  };
  std::vector<Addressed> notices;                // that have not left yet
  std::map<wire::FlowAddress, uint16_t> strays;  // flows of ours that another shard uses
  uint32_t strays_out = 0;                       // flows of others that we use

  Instant next_drain_sweep{};
  uint32_t established = 0;

  // One burst's parse results and look-ups.
  std::array<wire::Frame, kBurst> frames;
  std::array<flow::FlowKey, kBurst> keys;
  std::array<uint64_t, kBurst> hashes{};
  std::array<flow::Ref, kBurst> refs;
};

}  // namespace millrace::shard

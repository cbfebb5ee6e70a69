// One lcore's world: its connections, listeners, timers and applications. The loop of dpdk/lcore, or the
// simulation's, calls the four verbs in this order each iteration:
//
//   receive(burst) -> expire() -> run() -> transmit()
//
// Packets to send collect in `out`, which the caller hands to the link afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/connection.h"
#include "app/program.h"
#include "app/stack.h"
#include "base/counters.h"
#include "base/entropy.h"
#include "base/packet.h"
#include "base/params.h"
#include "flow/ports.h"
#include "ip/host.h"
#include "shard/peers.h"
#include "shard/rows.h"
#include "tcp/state.h"
#include "wire/build.h"

namespace millrace::shard {

class Shard final : public app::Stack {
 public:
  // `pool` supplies the packets to send, `entropy` the secrets, now and whenever they are renewed: both
  // outlive the shard. `now` is the first instant.
  Shard(const ShardParams& params, wire::Checksum checksum, PacketPool& pool, Entropy& entropy, Instant now,
        const Place& place = {});
  ~Shard() override;

  // Begins to use the link: our addresses are asked for and announced (ip::Host::start).
  void start(Instant now, PacketBatch& out);
  // The link has gone, or has come back (ip::Host::link_changed); start() takes it to be there.
  void link_changed(bool up, Instant now);

  // Takes every packet of `burst` (they are moved from).
  void receive(std::span<Packet> burst, Instant now, PacketBatch& out);
  // The same for packets that another shard received; they are not handed over again.
  void receive_handed_over(std::span<Packet> burst, Instant now, PacketBatch& out);
  // What another shard says.
  void hear(const Notice& notice, Instant now, PacketBatch& out);
  void expire(Instant now, PacketBatch& out);
  void run(Instant now);
  void transmit(Instant now, PacketBatch& out);

  // When expire() or a program next has something to do; kNever: not before something is received or asked
  // for.
  Instant next_deadline() const;
  // Whether run() or transmit() have work left that needs no event: `out` was full, or an application spoke.
  bool busy() const;

  app::OpenResult connect(const app::ConnectOptions& options, app::Handler& handler) override;
  app::OpenError listen(const ListenerParams& params, app::Handler& handler, std::string_view name) override;
  bool set_listening(const Endpoint& local, const ConnectionParams& settings) override;
  bool stop_listening(const Endpoint& local) override;
  bool is_local(const IpAddress& address) const override;
  bool set_fast_open_pending(const Endpoint& local, uint32_t pending) override;
  const TcpParams& tcp_params() const override;
  std::optional<Bytes> fast_open_room(const app::ConnectOptions& options) const override;
  Instant now() const override;

  // One more address of ours, for as long as the shard lives; it is not announced.
  void add_address(const Prefix& prefix);

  // From now on run() calls `program`, which outlives the shard.
  void add_program(app::Program& program);
  // The ephemeral ports of active opens, before the first of them.
  void use_ports(const flow::PortRange& range, Entropy& entropy);

  // Stops listening and closes what is idle: new SYNs are reset, established connections get close() once
  // their application has nothing queued. Done when connections() == 0.
  void drain(Instant now);
  // Aborts every connection; the RSTs leave with transmit().
  void abort_all(Instant now);
  // Ends the quiet time of every connection in TIME-WAIT.
  void forget_time_wait();
  uint32_t connections() const;  // TCBs, half-open ones included; TIME-WAIT not

  // New values for what may change live; between two bursts.
  void set_tcp_params(const TcpParams& params);
  void set_ip_params(const NeighborParams& neighbor, const IcmpParams& icmp);
  void set_secrets(const Secrets& secrets);
  // The time of day at the instant `at`, about once a second; it decides which keys of cookies count.
  void set_wall_clock(WallTime wall, Instant at);

  // ---- sight ---------------------------------------------------------------------------------------------
  const Counters& counters() const;
  Counters& counters();  // the loop adds its own
  // Up to `limit` rows from `cursor` (0 to begin); returns the cursor to go on with, 0 when there are no
  // more.
  uint64_t copy_connections(uint64_t cursor, size_t limit, std::vector<ConnectionRow>& out) const;
  // All of one connection; nothing: no TCB has this id.
  std::optional<ConnectionDetail> connection(uint64_t id) const;
  // Resets the connection of this id if it is still the one of `flow`. False: it is not.
  bool abort(uint64_t id, const wire::FlowAddress& flow, Instant now);
  std::vector<ListenerRow> listeners() const;
  std::vector<ip::NeighborRow> neighbors() const;
  std::vector<ip::AddressRow> addresses() const;
  std::vector<ip::RouteRow> routes() const;
  // The last segments of all connections, oldest first (the flight recorder); empty when switched off.
  std::vector<TraceRow> trace(size_t limit) const;
  // The state of one flow, Closed when there is none (Listen when only a listener matches).
  tcp::State state_of(const wire::FlowAddress& flow) const;
  // The connection of one flow, for tests and simulations; nullptr when there is no TCB.
  app::Connection* find(const wire::FlowAddress& flow);
  // Buffers and timers in use: all zero once every connection has gone (tests hold us to it).
  struct Usage {
    uint32_t connections = 0, syn_records = 0, time_wait_records = 0, timers = 0;
    uint64_t buffer_bytes = 0, held_packets = 0;
  };
  Usage usage() const;

 private:
  void touch(app::Connection& connection) override;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::shard

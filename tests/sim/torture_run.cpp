#include "torture_run.h"

#include <algorithm>
#include <memory>
#include <ostream>

#include "sim/recorder.h"
#include "torture_peer.h"

namespace millrace::sim::torture {

namespace {

constexpr uint16_t kServerPort = 80;
constexpr uint16_t kFirstClientPort = 40000;
constexpr Micros kPatience = 7200s;  // virtual

struct Pair {
  ConnectionPlan plan;
  Endpoint client_end;
  Endpoint server_end;
  std::unique_ptr<Peer> client;
  std::unique_ptr<Peer> server;
  bool opened = false;
};

// Hands an accepted connection to the application that was planned for it.
class Acceptor final : public app::Handler {
 public:
  explicit Acceptor(std::vector<Pair>& pairs) : pairs_(pairs) {}
  void on_established(app::Connection& connection) override {
    for (Pair& pair : pairs_) {
      if (pair.client_end != connection.remote()) continue;
      connection.set_handler(*pair.server);
      return pair.server->on_established(connection);
    }
  }

 private:
  std::vector<Pair>& pairs_;
};

class Run {
 public:
  explicit Run(const Plan& plan) : plan_(plan), acceptor_(pairs_), world_(plan.seed) {
    client_ = world_.add_host("client", plan.client, plan.client_options);
    server_ = world_.add_host("server", plan.server, plan.server_options);
    world_.link(client_, server_).set_params(plan.there);
    world_.link(server_, client_).set_params(plan.back);
    for (const ConnectionPlan& connection : plan.connections) add(connection);
  }

  Outcome go(std::ostream* ladder) {
    Recorder recorder(world_, client_, server_);
    if (ladder == nullptr) world_.observe(nullptr);
    world_.in(server_, 0us, [this] {
      const ListenerParams params{.local = {host_address(2, plan_.family), kServerPort}};
      if (world_.shard(server_).listen(params, acceptor_, "torture") != app::OpenError::None)
        fail("listen() failed");
    });
    world_.run_for(1ms);
    recorder.watch(pairs_.front().client_end, pairs_.front().server_end);
    for (Pair& pair : pairs_) open(pair);
    if (plan_.outage != 0us) break_links();

    const Instant start = world_.now();
    if (!world_.run_until([this] { return done(); }, kPatience)) end_orphans();
    outcome_.took = world_.now() - start;
    for (const Pair& pair : pairs_) judge(pair);
    judge_leftovers();
    if (ladder != nullptr) *ladder << render_text(recorder.ladder());
    return outcome_;
  }

 private:
  void add(const ConnectionPlan& connection) {
    const auto index = static_cast<uint16_t>(pairs_.size());
    Pair pair{.plan = connection,
              .client_end = {host_address(1, plan_.family), static_cast<uint16_t>(kFirstClientPort + index)},
              .server_end = {host_address(2, plan_.family), kServerPort},
              .client = {},
              .server = {}};
    if (connection.simultaneous) pair.server_end.port = static_cast<uint16_t>(7000 + index);
    const uint64_t streams = plan_.seed * 64 + index * 2U;
    pair.client = std::make_unique<Peer>(world_, client_, connection.client, streams);
    pair.server = std::make_unique<Peer>(world_, server_, connection.server, streams + 1);
    pair.client->meet(*pair.server);
    pair.server->meet(*pair.client);
    pairs_.push_back(std::move(pair));
  }

  void open(Pair& pair) {
    world_.in(client_, pair.plan.opens_after, [this, &pair] {
      pair.opened = true;
      connect(client_, pair.client_end, pair.server_end, *pair.client);
    });
    if (!pair.plan.simultaneous) return;
    world_.in(server_, pair.plan.opens_after,
              [this, &pair] { connect(server_, pair.server_end, pair.client_end, *pair.server); });
  }

  void break_links() {
    LinkParams broken;
    broken.faults.loss_ppm = 1'000'000;
    world_.in(client_, plan_.outage_after, [this, broken] { world_.set_links(broken); });
    world_.in(client_, plan_.outage_after + plan_.outage, [this] {
      world_.link(client_, server_).set_params(plan_.there);
      world_.link(server_, client_).set_params(plan_.back);
    });
  }

  void connect(HostId host, const Endpoint& from, const Endpoint& to, Peer& peer) {
    const app::ConnectOptions options{.remote = to, .local_address = from.address, .local_port = from.port};
    const app::OpenResult result = world_.shard(host).connect(options, peer);
    if (result.connection == nullptr) fail("connect() failed: " + std::string(app::name_of(result.error)));
    peer.opened(result.connection);
  }

  bool done() {
    const auto over = [](const Pair& pair) {
      return pair.opened && !pair.client->alive() && !pair.server->alive();
    };
    return std::all_of(pairs_.begin(), pairs_.end(), over) && world_.shard(client_).connections() == 0 &&
           world_.shard(server_).connections() == 0;
  }

  // An end that waits for a peer which has aborted, and whose RST was lost, waits for ever: TCP has no remedy
  // but keep-alive. Nobody else may still be there.
  void end_orphans() {
    if (world_.stuck()) fail("a shard is busy without end");
    for (Pair& pair : pairs_)
      for (Peer* peer : {pair.client.get(), pair.server.get()}) {
        const Peer* other = peer == pair.client.get() ? pair.server.get() : pair.client.get();
        if (!peer->alive()) continue;
        if (pair.plan.is_clean() || other->alive() || !other->end())
          fail("hangs: client " + pair.client->status() + "; server " + pair.server->status());
        ++outcome_.orphans;
        world_.in(peer == pair.client.get() ? client_ : server_, 0us, [peer] { peer->give_up(); });
      }
    if (!world_.run_until([this] { return done(); }, 600s)) fail("connections are left that nobody knows of");
  }

  void judge(const Pair& pair) {
    const Peer& client = *pair.client;
    const Peer& server = *pair.server;
    for (const Peer* peer : {&client, &server}) {
      if (!peer->failure().empty()) fail(peer->failure());
      if (pair.plan.is_clean() && !(peer->got_everything() && peer->got_the_end()))
        fail("the stream is incomplete");
      judge_end(pair, *peer);
    }
    if (pair.plan.is_clean() && !outcome_.failures.empty())
      fail("  client " + client.status() + "; server " + server.status());
  }

  void judge_end(const Pair& pair, const Peer& peer) {
    using enum app::CloseReason;
    if (!peer.end()) {
      if (peer.established() || &peer == pair.client.get()) fail("nobody told of the end");
      return;
    }
    const Peer& other = &peer == pair.client.get() ? *pair.server : *pair.client;
    const bool unclean = !pair.plan.is_clean();
    // When our FIN's acknowledgement is lost until the other end has left TIME-WAIT, RST answers the last
    // FIN: that takes a short TIME-WAIT, a long outage, or losses that have backed the RTO off to the 60 s
    // that 2 * MSL are.
    constexpr uint32_t kHeavyLoss = 100'000;  // ppm
    const bool may_be_late = plan_.outage != 0us || plan_.there.faults.loss_ppm >= kHeavyLoss ||
                             plan_.back.faults.loss_ppm >= kHeavyLoss ||
                             std::min(plan_.client.tcp.msl, plan_.server.tcp.msl) < 30s;
    const bool late =
        may_be_late && peer.got_the_end() && other.got_the_end() && other.end() == app::CloseReason::Finished;
    switch (*peer.end()) {
      case Finished:
        return;
      case Reset:
        return unclean || late ? void() : fail("a reset out of the blue");
      case Refused:
      case Aborted:
        return unclean ? void() : fail("ended by " + std::string(app::name_of(*peer.end())));
      case TimedOut:
        // A RST that overtook lost text is challenged (RFC 5961 §3.2); with the challenge lost as well, the time-out
        // of FIN-WAIT-2 is what ends it.
        if (other.end() == Aborted) return;
        [[fallthrough]];
      default:
        return fail("ended by " + std::string(app::name_of(*peer.end())));
    }
  }

  // 2 * MSL later nothing may be left of any connection.
  void judge_leftovers() {
    world_.run_for(2 * std::max(plan_.client.tcp.msl, plan_.server.tcp.msl) + 60s);
    for (const HostId host : {client_, server_}) {
      const shard::Shard::Usage usage = world_.shard(host).usage();
      const Counters& counters = world_.shard(host).counters();
      const auto nothing = [&](uint64_t left, const char* what) {
        if (left != 0) fail(world_.name(host) + ": " + std::to_string(left) + " " + what);
      };
      nothing(usage.connections, "connections left");
      nothing(usage.syn_records, "half-open records left");
      nothing(usage.time_wait_records, "TIME-WAIT records left");
      nothing(usage.timers, "timers left");
      nothing(usage.buffer_bytes, "octets of buffers left");
      nothing(usage.held_packets, "packets held");
      nothing(world_.outstanding_packets(host), "packets leaked");
      nothing(counters.tcp_illegal_transitions.value(), "illegal transitions");
      outcome_.frames += counters.tx_packets.value();
      outcome_.retransmitted += counters.tcp_retransmitted_segments.value();
      outcome_.octets += counters.tcp_bytes_received.value();
    }
    outcome_.digest = world_.digest();
    outcome_.iterations = world_.iterations();
  }

  void fail(std::string what) { outcome_.failures.push_back(std::move(what)); }

  const Plan& plan_;
  std::vector<Pair> pairs_;
  Acceptor acceptor_;
  World world_;
  HostId client_ = 0;
  HostId server_ = 0;
  Outcome outcome_;
};

}  // namespace

Outcome run(const Plan& plan, std::ostream* ladder) { return Run(plan).go(ladder); }

}  // namespace millrace::sim::torture

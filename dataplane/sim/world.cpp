#include "sim/world.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::sim {

namespace {

// More iterations than this at one instant are no progress any more.
constexpr uint32_t kIterationsAnInstant = 20'000;

uint64_t mixed(uint64_t a, uint64_t b) { return SeededEntropy(a ^ (b * 0x9e3779b97f4a7c15ULL)).next(); }

MacAddress host_mac(uint8_t number) { return MacAddress({0x02, 0, 0, 0, 0, number}); }

}  // namespace

IpAddress host_address(uint8_t number, Family family) {
  if (family == Family::V4) return IpAddress::v4(10, 0, 0, number);
  return IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
}

ShardParams host_params(uint8_t number) {
  ShardParams params;
  params.interface.mac = host_mac(number);
  params.interface.addresses = {{host_address(number, Family::V4), 24},
                                {host_address(number, Family::V6), 64}};
  params.memory = {.connections = 256,
                   .syn_records = 256,
                   .time_wait_records = 256,
                   .buffer_bytes = 64ULL << 20,
                   .trace_segments = 0};
  params.neighbor.dup_addr_detect_transmits = params.neighbor.arp_probes = 0;
  params.neighbor.multicast_reports = params.neighbor.router_discovery = false;
  return params;
}

struct World::Host {
  Host(std::string host_name, const ShardParams& params, const HostOptions& host_options, uint64_t seed,
       Instant now)
      : name(std::move(host_name)),
        mac(params.interface.mac),
        options(host_options),
        transmit_pool(options.transmit_packets, options.packet_octets),
        receive_pool(options.receive_packets, options.packet_octets),
        entropy(seed),
        out(options.transmit_burst),
        shard(params, options.checksum, transmit_pool, entropy, now) {}

  std::string name;
  MacAddress mac;
  HostOptions options;
  HeapPool transmit_pool;
  HeapPool receive_pool;
  SeededEntropy entropy;
  std::vector<Packet> burst;
  PacketBatch out;
  std::multimap<Instant, Action> actions;
  shard::Shard shard;
};

// Passes a link's departures on to the world's observer.
class World::Departures final : public DepartureObserver {
 public:
  Departures(Observer* observer, HostId from, HostId to) : observer_(observer), from_(from), to_(to) {}
  void departed(const Flight& flight, std::span<const uint8_t> sent) override {
    if (observer_ != nullptr) observer_->departed(from_, to_, flight, sent);
  }

 private:
  Observer* observer_;
  HostId from_;
  HostId to_;
};

World::World(uint64_t seed) : seed_(seed) {}
World::~World() = default;

HostId World::add_host(std::string name, const ShardParams& params, const HostOptions& options) {
  const auto id = static_cast<HostId>(hosts_.size());
  hosts_.push_back(std::make_unique<Host>(std::move(name), params, options, mixed(seed_, id + 1), now()));
  for (HostId other = 0; other < id; ++other) {
    links_[{id, other}] =
        std::make_unique<Link>(LinkParams{}, mixed(seed_, 1000 + 2 * links_.size()), flight_ids_);
    links_[{other, id}] =
        std::make_unique<Link>(LinkParams{}, mixed(seed_, 1000 + 2 * links_.size()), flight_ids_);
  }
  Host& host = *hosts_.back();
  host.shard.start(now(), host.out);
  dispatch(id);
  return id;
}

const std::string& World::name(HostId host) const { return hosts_[host]->name; }
shard::Shard& World::shard(HostId host) { return hosts_[host]->shard; }
Link& World::link(HostId from, HostId to) { return *links_.at({to, from}); }

void World::set_links(const LinkParams& params) {
  for (auto& [ends, link] : links_) link->set_params(params);
}

size_t World::outstanding_packets(HostId host) const {
  return hosts_[host]->transmit_pool.outstanding() + hosts_[host]->receive_pool.outstanding();
}

void World::at(HostId host, Instant when, Action action) {
  hosts_[host]->actions.emplace(std::max(when, now()), std::move(action));
}

// Takes over what has arrived for `id`, the earliest first, up to one burst.
bool World::gather(HostId id) {
  Host& host = *hosts_[id];
  const auto first = links_.lower_bound({id, 0});
  while (host.burst.size() < host.options.receive_burst) {
    auto next = links_.end();
    for (auto at = first; at != links_.end() && at->first.first == id; ++at)
      if (at->second->next_arrival() <= now() &&
          (next == links_.end() || at->second->next_arrival() < next->second->next_arrival()))
        next = at;
    if (next == links_.end()) break;
    const std::optional<Flight> flight = next->second->take(now());
    Packet packet = flight->land(host.receive_pool);
    if (!packet) continue;
    if (observer_ != nullptr) observer_->arrived(next->first.second, id, *flight);
    host.burst.push_back(std::move(packet));
  }
  return !host.burst.empty();
}

void World::act(Host& host) {
  while (!host.actions.empty() && host.actions.begin()->first <= now()) {
    const auto action = host.actions.extract(host.actions.begin());
    action.mapped()();
  }
}

// The loop of dpdk/lcore, on virtual links; an application's timers have their place before run().
void World::iterate(HostId id) {
  Host& host = *hosts_[id];
  const auto phase = [&](Phase which, const auto& body) {
    if (observer_ != nullptr) observer_->before(id, which);
    body();
    if (observer_ != nullptr) observer_->after(id, which);
  };
  ++iterations_;
  gather(id);
  host.shard.set_wall_clock(wall() + host.options.wall_ahead, now());
  phase(Phase::Receive, [&] { host.shard.receive(host.burst, now(), host.out); });
  host.burst.clear();
  phase(Phase::Expire, [&] { host.shard.expire(now(), host.out); });
  phase(Phase::Act, [&] { act(host); });
  phase(Phase::Run, [&] { host.shard.run(now()); });
  phase(Phase::Transmit, [&] { host.shard.transmit(now(), host.out); });
  dispatch(id);
}

// A frame to a group goes to everybody else, any other to the owner of its destination address.
void World::dispatch(HostId from) {
  Host& sender = *hosts_[from];
  for (Packet& packet : sender.out.packets()) {
    const std::span<const uint8_t> frame = packet.bytes();
    add_to_digest(from, frame);
    for (HostId to = 0; to < hosts_.size() && frame.size() >= 6; ++to) {
      const bool meant = (frame[0] & 1) != 0 ||
                         std::equal(frame.begin(), frame.begin() + 6, hosts_[to]->mac.octets().begin());
      if (to == from || !meant) continue;
      Departures departures(observer_, from, to);
      link(from, to).send(frame, now(), &departures);
    }
  }
  sender.out.clear();
}

void World::forge(HostId as, HostId to, std::span<const uint8_t> frame) {
  add_to_digest(as, frame);
  Departures departures(observer_, as, to);
  link(as, to).send(frame, now(), &departures);
}

void World::add_to_digest(HostId from, std::span<const uint8_t> frame) {
  const auto add = [&](uint64_t word) {
    digest_ = (digest_ ^ word) * 0xff51afd7ed558ccdULL;
    digest_ ^= digest_ >> 32;
  };
  add(static_cast<uint64_t>(now().time_since_epoch().count()));
  add((uint64_t{from} << 32) | frame.size());
  for (size_t at = 0; at < frame.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, frame.data() + at, std::min<size_t>(8, frame.size() - at));
    add(word);
  }
}

bool World::due(HostId id) {
  Host& host = *hosts_[id];
  if (host.shard.busy() || host.shard.next_deadline() <= now()) return true;
  if (!host.actions.empty() && host.actions.begin()->first <= now()) return true;
  for (auto at = links_.lower_bound({id, 0}); at != links_.end() && at->first.first == id; ++at)
    if (at->second->next_arrival() <= now()) return true;
  return false;
}

bool World::iterate_due() {
  bool any = false;
  for (HostId id = 0; id < hosts_.size(); ++id) {
    if (!due(id)) continue;
    iterate(id);
    any = true;
  }
  return any;
}

Instant World::next_event() {
  Instant next = kNever;
  for (const auto& host : hosts_) {
    next = earlier(next, host->shard.next_deadline());
    if (!host->actions.empty()) next = earlier(next, host->actions.begin()->first);
  }
  for (const auto& [ends, link] : links_) next = earlier(next, link->next_arrival());
  return next;
}

bool World::run_until(const Predicate& done, Micros limit) {
  const Instant end = now() + limit;
  uint32_t at_this_instant = 0;
  while (!done()) {
    if (iterate_due()) {
      stuck_ = ++at_this_instant > kIterationsAnInstant;
      if (stuck_) return false;
      continue;
    }
    at_this_instant = 0;
    const Instant next = next_event();
    if (next > end) {
      clock_.advance_to(end);
      return false;
    }
    clock_.advance_to(std::max(next, now()));
  }
  return true;
}

void World::run_for(Micros duration) {
  run_until([] { return false; }, duration);
}

}  // namespace millrace::sim

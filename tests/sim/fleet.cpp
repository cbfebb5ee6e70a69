#include "fleet.h"

#include <algorithm>
#include <cstring>

#include "wire/parse.h"

namespace millrace::sim {

namespace {

constexpr size_t kPackets = 4096;
constexpr uint32_t kOctets = 2048;
constexpr size_t kBurst = 32;

ShardParams params_of(uint8_t host) {
  ShardParams params = host_params(host);
  params.memory = {.connections = 2048,
                   .syn_records = 512,
                   .time_wait_records = 2048,
                   .buffer_bytes = 64ULL << 20,
                   .held_packets = 256,
                   .trace_segments = 0};
  return params;
}

flow::SteeringParams steering_of(unsigned shards, uint64_t seed) {
  flow::SteeringParams params{.shards = shards, .key = {}, .table = {}};
  SeededEntropy entropy(seed);
  for (uint8_t& octet : params.key) octet = static_cast<uint8_t>(entropy.next());
  return params;
}

}  // namespace

class Fleet::Door final : public shard::Peers {
 public:
  explicit Door(Fleet& fleet) : fleet_(fleet) {}
  bool hand_over(unsigned to, Packet& packet) override {
    if (fleet_.handed_[to].size() >= fleet_.ring_packets_) return false;
    fleet_.handed_[to].push_back(std::move(packet));
    return true;
  }
  bool tell(unsigned to, const shard::Notice& notice) override {
    if (fleet_.told_[to].size() >= 16) return false;
    fleet_.told_[to].push_back(notice);
    return true;
  }

 private:
  Fleet& fleet_;
};

Fleet::Fleet(const Options& options)
    : wire_pool_(kPackets, kOctets),
      send_pool_(kPackets, kOctets),
      entropy_(options.seed),
      steering_(steering_of(options.shards, options.seed)),
      nic_([this](const Endpoint& remote, const Endpoint& local) { return steering_.owner(remote, local); }),
      ring_packets_(options.ring_packets),
      queues_(options.shards),
      handed_(options.shards),
      told_(options.shards) {
  for (unsigned i = 0; i < options.shards; ++i) {
    doors_.push_back(std::make_unique<Door>(*this));
    const shard::Place place{.index = i, .steering = &steering_, .peers = doors_.back().get(), .rss = true};
    ShardParams params = params_of(1);
    if (options.starts) {
      params.neighbor.dup_addr_detect_transmits = params.neighbor.arp_probes = 1;
      params.neighbor.multicast_reports = params.neighbor.router_discovery = true;
    }
    shards_.push_back(std::make_unique<shard::Shard>(params, wire::Checksum::Software, send_pool_, entropy_, now_,
                                                     place));
    if (!options.starts) continue;
    PacketBatch out(256);
    shards_.back()->start(now_, out);
    carry(out, true);
  }
  ShardParams peer = params_of(2);
  peer.memory.connections = peer.memory.syn_records = peer.memory.time_wait_records = 65536;
  peer_ = std::make_unique<shard::Shard>(peer, wire::Checksum::Software, send_pool_, entropy_, now_);
}

Fleet::~Fleet() = default;

unsigned Fleet::queue_of(const Packet& packet) const {
  const InterfaceParams interface = host_params(1).interface;
  wire::Frame frame;
  wire::parse_frame(packet, {.mac = interface.mac, .mtu = interface.mtu}, frame);
  if (frame.kind != wire::FrameKind::Tcp) return 0;
  return nic_(frame.tcp.flow.remote, frame.tcp.flow.local);
}

void Fleet::inject(unsigned queue, std::span<const uint8_t> frame) {
  Packet packet = wire_pool_.allocate();
  std::copy(frame.begin(), frame.end(), packet.data());
  packet.set_length(static_cast<uint32_t>(frame.size()));
  queues_[queue].push_back(std::move(packet));
}

void Fleet::carry(PacketBatch& out, bool from_fleet) {
  for (Packet& packet : out.packets()) {
    Packet copy = wire_pool_.allocate();
    if (!copy) continue;
    std::memcpy(copy.data(), packet.data(), packet.length());
    copy.set_length(packet.length());
    if (from_fleet) {
      to_peer_.push_back(std::move(copy));
    } else {
      const unsigned queue = queue_of(copy);
      queues_[queue].push_back(std::move(copy));
    }
  }
  out.clear();
}

namespace {

std::vector<Packet> take_burst(std::deque<Packet>& queue) {
  std::vector<Packet> burst;
  for (; !queue.empty() && burst.size() < kBurst; queue.pop_front())
    burst.push_back(std::move(queue.front()));
  return burst;
}

}  // namespace

// As dpdk/lcore does it.
void Fleet::iterate_shard(unsigned index) {
  shard::Shard& shard = *shards_[index];
  PacketBatch out(256);
  std::vector<Packet> burst = take_burst(queues_[index]);
  shard.receive(burst, now_, out);
  for (; !told_[index].empty(); told_[index].pop_front()) shard.hear(told_[index].front(), now_, out);
  std::vector<Packet> handed = take_burst(handed_[index]);
  shard.receive_handed_over(handed, now_, out);
  shard.expire(now_, out);
  shard.run(now_);
  shard.transmit(now_, out);
  carry(out, true);
}

void Fleet::iterate() {
  for (unsigned i = 0; i < shards_.size(); ++i) iterate_shard(i);
  PacketBatch out(4096);
  std::vector<Packet> burst = take_burst(to_peer_);
  peer_->receive(burst, now_, out);
  peer_->expire(now_, out);
  peer_->run(now_);
  peer_->transmit(now_, out);
  carry(out, false);
}

bool Fleet::run_until(const std::function<bool()>& done, Micros limit) {
  for (const Instant end = now_ + limit; now_ < end; now_ += 100us) {
    iterate();
    if (done()) return true;
  }
  return false;
}

uint64_t Fleet::sum(Counter Counters::*counter) const {
  uint64_t all = 0;
  for (const auto& shard : shards_) all += (std::as_const(*shard).counters().*counter).value();
  return all;
}

uint64_t Fleet::dropped(DropReason reason) const {
  uint64_t all = 0;
  for (const auto& shard : shards_) all += std::as_const(*shard).counters().dropped(reason);
  return all;
}

}  // namespace millrace::sim

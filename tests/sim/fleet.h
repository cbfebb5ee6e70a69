// One endpoint of many shards behind a NIC with many queues, and a peer of one shard at the other end of the
// wire: what steering has to cope with, without a NIC.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/entropy.h"
#include "flow/steering.h"
#include "shard/peers.h"
#include "shard/shard.h"
#include "sim/world.h"

namespace millrace::sim {

// To which queue the NIC brings a flow's packets.
using NicHash = std::function<unsigned(const Endpoint& remote, const Endpoint& local)>;

class Fleet {
 public:
  struct Options {
    unsigned shards = 2;
    uint64_t seed = 1;
    unsigned ring_packets = 2048;  // that one shard may have waiting for it
    bool starts = false;           // the endpoint asks the link for its addresses before it uses them
  };
  explicit Fleet(const Options& options);
  ~Fleet();

  void set_nic(NicHash hash) { nic_ = std::move(hash); }
  const flow::Steering& steering() const { return steering_; }
  shard::Shard& shard(unsigned index) { return *shards_[index]; }
  shard::Shard& peer() { return *peer_; }
  unsigned shards() const { return static_cast<unsigned>(shards_.size()); }
  IpAddress address(Family family) const { return host_address(1, family); }
  IpAddress peer_address(Family family) const { return host_address(2, family); }

  // A frame from the wire that the NIC brings to this queue.
  void inject(unsigned queue, std::span<const uint8_t> frame);

  bool run_until(const std::function<bool()>& done, Micros limit);
  Instant now() const { return now_; }

  uint64_t sum(Counter Counters::*counter) const;
  uint64_t dropped(DropReason reason) const;
  size_t outstanding_packets() const { return wire_pool_.outstanding() + send_pool_.outstanding(); }

 private:
  class Door;
  void iterate();
  void iterate_shard(unsigned index);
  void carry(PacketBatch& out, bool from_fleet);
  unsigned queue_of(const Packet& packet) const;

  HeapPool wire_pool_;
  HeapPool send_pool_;
  SeededEntropy entropy_;
  flow::Steering steering_;
  NicHash nic_;
  Instant now_{1000s};
  unsigned ring_packets_;
  std::vector<std::deque<Packet>> queues_;  // of the NIC
  std::vector<std::deque<Packet>> handed_;  // inboxes of the shards
  std::vector<std::deque<shard::Notice>> told_;
  std::deque<Packet> to_peer_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<std::unique_ptr<shard::Shard>> shards_;
  std::unique_ptr<shard::Shard> peer_;
};

}  // namespace millrace::sim

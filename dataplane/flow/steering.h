// Which shard a flow belongs to. The same function predicts to which queue the NIC's RSS brings the flow's
// packets (queue i is shard i's) and steers in software where it does not, so that a flow has one owner
// whatever the NIC does. Shared by all shards, read-only. Neighbours: toeplitz.h, steering_check.h; shard/
// steer.cpp acts on it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.h"
#include "flow/toeplitz.h"

namespace millrace::flow {

struct SteeringParams {
  unsigned shards = 1;
  Toeplitz::Key key{};
  // The NIC's redirection table: hash modulo its size to queue. Its size is a power of two.
  std::vector<uint16_t> table;
};

class Steering {
 public:
  // An entry of the table that names no shard is taken modulo their number.
  explicit Steering(const SteeringParams& params);

  // A table that gives each shard its share: what we set in a NIC, and what we use without one.
  static std::vector<uint16_t> even_table(unsigned shards, size_t entries = 512);

  unsigned shards() const { return shards_; }
  unsigned owner(const Endpoint& remote, const Endpoint& local) const {
    return owner_of(toeplitz_(remote, local));
  }

  // The owners of one remote end's flows by the port that we choose.
  class ByLocalPort {
   public:
    unsigned operator()(uint16_t port) const {
      return steering_->owner_of(base_ ^ steering_->toeplitz_.of_local_port(family_, port));
    }

   private:
    friend class Steering;
    ByLocalPort(const Steering& steering, uint32_t base, Family family)
        : steering_(&steering), base_(base), family_(family) {}
    const Steering* steering_;
    uint32_t base_;
    Family family_;
  };
  ByLocalPort by_local_port(const Endpoint& remote, const IpAddress& local) const {
    return {*this, toeplitz_.without_local_port(remote, local), local.family()};
  }

 private:
  unsigned owner_of(uint32_t hash) const { return table_[hash & mask_]; }

  unsigned shards_;
  Toeplitz toeplitz_;
  std::vector<uint16_t> table_;
  uint32_t mask_;
};

}  // namespace millrace::flow

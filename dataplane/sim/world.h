// Hosts on one simulated Ethernet under one virtual clock. Every host is a whole shard; between each two
// there is a link either way (link.h). The world hands over what has arrived, runs each shard's loop and
// jumps to the next instant at which anything happens, so an hour of waiting costs nothing. All chance comes
// from one seed: the same seed gives the byte-identical run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/entropy.h"
#include "base/packet.h"
#include "base/params.h"
#include "shard/shard.h"
#include "sim/clock.h"
#include "sim/link.h"

namespace millrace::sim {

using HostId = uint32_t;

struct HostOptions {
  size_t transmit_packets = 4096;  // in the pool that the shard sends from
  size_t receive_packets = 4096;   // in the pool that frames arrive in
  uint32_t packet_octets = 2048;
  size_t receive_burst = 32;    // frames an iteration
  size_t transmit_burst = 256;  // room for packets an iteration
  wire::Checksum checksum = wire::Checksum::Software;
  std::chrono::milliseconds wall_ahead{0};  // how far the host's time of day is ahead of the world's
};

// Parameters of the `number`th host: MAC 02::number, 10.0.0.number/24 and 2001:db8::number/64, in use from the
// start. `number` is 1 to 254.
ShardParams host_params(uint8_t number);
IpAddress host_address(uint8_t number, Family family);

// The phases of a shard's iteration, in order; `act` is where what at() scheduled runs.
enum class Phase : uint8_t { Receive, Expire, Act, Run, Transmit };

class Observer {
 public:
  virtual ~Observer() = default;
  // `sent` is the frame as `from` gave it to the link, `flight` what became of it.
  virtual void departed(HostId, HostId, const Flight&, std::span<const uint8_t>) {}
  // The frame is part of the burst that `to` receives next.
  virtual void arrived(HostId, HostId, const Flight&) {}
  virtual void before(HostId, Phase) {}
  virtual void after(HostId, Phase) {}
};

class World {
 public:
  using Predicate = std::function<bool()>;
  using Action = std::function<void()>;

  explicit World(uint64_t seed);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  HostId add_host(std::string name, const ShardParams& params, const HostOptions& options = {});
  size_t hosts() const { return hosts_.size(); }
  const std::string& name(HostId host) const;
  shard::Shard& shard(HostId host);
  // Packets that the host's shard holds of either pool.
  size_t outstanding_packets(HostId host) const;

  Link& link(HostId from, HostId to);
  void set_links(const LinkParams& params);  // all of them

  Instant now() const { return clock_.now(); }
  WallTime wall() const { return clock_.wall(); }
  // Runs `action` in an iteration of `host` at `when`, as an application's own timer would.
  void at(HostId host, Instant when, Action action);
  void in(HostId host, Micros delay, Action action) { at(host, now() + delay, std::move(action)); }
  void observe(Observer* observer) { observer_ = observer; }
  // Sends `frame` to `to` by the link from `as`, which knows nothing of it: anybody can write any source.
  void forge(HostId as, HostId to, std::span<const uint8_t> frame);

  // Runs until `done` holds, asked between iterations, but no longer than `limit` of virtual time. Returns
  // whether it came to hold.
  bool run_until(const Predicate& done, Micros limit);
  void run_for(Micros duration);
  // A shard went on and on at one instant without end; the run was given up.
  bool stuck() const { return stuck_; }
  uint64_t iterations() const { return iterations_; }

  // A digest of every frame sent so far: when, by whom, what.
  uint64_t digest() const { return digest_; }

 private:
  struct Host;
  class Departures;

  void iterate(HostId id);
  bool gather(HostId id);
  void act(Host& host);
  void dispatch(HostId from);
  bool due(HostId id);
  Instant next_event();
  // One iteration of every host that has something to do now; false when none has.
  bool iterate_due();
  void add_to_digest(HostId from, std::span<const uint8_t> frame);

  uint64_t seed_;
  VirtualClock clock_;
  uint64_t flight_ids_ = 0;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::map<std::pair<HostId, HostId>, std::unique_ptr<Link>> links_;  // (to, from)
  Observer* observer_ = nullptr;
  bool stuck_ = false;
  uint64_t iterations_ = 0;
  uint64_t digest_ = 0;
};

}  // namespace millrace::sim

// A cable in one direction, or a pair of them: it takes time, may have a rate and a queue, and does to frames
// what faults.h decides. The frames in flight are the link's own copies; on arrival they are copied into a
// packet of the receiver's pool, so that no packet ever belongs to two shards. Neighbour: world.h joins
// shards by links.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/packet.h"
#include "base/time.h"
#include "sim/faults.h"
#include "sim/queue.h"

namespace millrace::sim {

struct LinkParams {
  Micros delay = 10ms;
  uint64_t bits_per_second = 0;  // 0: no limit, and so no queue
  size_t queue_frames = 1000;    // that wait for the rate; more are lost
  QueueParams queue{};
  Micros jitter{};   // the delay is up to so much longer; frames stay in order
  uint32_t mtu = 0;  // octets of the largest IP packet carried; larger ones vanish without a word; 0: any
  FaultRates faults{};
};

// A frame on its way. `id` counts the departures of all links that share a counter, so that runs can be
// compared.
struct Flight {
  uint64_t id = 0;
  uint64_t copy_of = 0;  // the id of the frame of which the link made this one; 0: sent by a host
  Fate fate = Fate::Arrived;
  Instant sent_at{};
  Instant arrives_at{};  // kNever when lost
  Micros waited{};       // in the queue, for those before it
  std::vector<uint8_t> octets{};

  // A packet of `pool` with these octets; one that tests false when the pool is exhausted or its packets are
  // too small.
  Packet land(PacketPool& pool) const;
};

// Told of every flight as it departs, lost ones included; `sent` is the frame as the sender gave it.
class DepartureObserver {
 public:
  virtual ~DepartureObserver() = default;
  virtual void departed(const Flight& flight, std::span<const uint8_t> sent) = 0;
};

class Link {
 public:
  // `ids` is the shared counter and outlives the link.
  Link(const LinkParams& params, uint64_t seed, uint64_t& ids);

  // From now on; frames in flight arrive as they would have.
  void set_params(const LinkParams& params);
  Faults& faults() { return faults_; }

  void send(std::span<const uint8_t> frame, Instant now, DepartureObserver* observer = nullptr);

  Instant next_arrival() const { return flights_.empty() ? kNever : flights_.front().arrives_at; }
  // The earliest frame that has arrived by `now`.
  std::optional<Flight> take(Instant now);
  size_t in_flight() const { return flights_.size(); }

 private:
  // Finer than an Instant: at 10 Gbit/s a frame of 1514 octets takes 1.2112 us.
  using Fine = std::chrono::time_point<ShardClock, std::chrono::nanoseconds>;
  struct Leaving {
    Instant at{};  // of the last bit
    Micros waited{};
    bool marked = false;
  };
  // Nothing when the queue is full, or drops the frame.
  std::optional<Leaving> leave_queue(std::span<const uint8_t> frame, Instant now);
  // What the last bit of so many octets takes, after whatever of a nanosecond frames before it have left
  // over.
  std::chrono::nanoseconds serialize(size_t octets);
  Micros varied_delay(Instant leaving);
  void fly(Flight flight, std::span<const uint8_t> sent, DepartureObserver* observer);

  LinkParams params_;
  Faults faults_;
  uint64_t* ids_;
  std::vector<Flight> flights_;  // a heap, the earliest arrival in front
  std::deque<Fine> waiting_;     // when the frames in the queue will have left it
  uint64_t part_ = 0;            // of a nanosecond, in 1 / bits_per_second
  CoDel codel_;
  Instant last_arrival_{};  // of frames that nothing has held up
};

// Both directions between two ends.
struct TwoWayLink {
  TwoWayLink(const LinkParams& there, const LinkParams& back, uint64_t seed, uint64_t& ids)
      : forward(there, seed, ids), backward(back, ~seed, ids) {}
  Link forward;
  Link backward;
};

}  // namespace millrace::sim

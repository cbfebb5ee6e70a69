// Watches one connection between two hosts of a world and writes its ladder down: frames from the links,
// states from both shards after every phase of their loops. To tell the effect of each frame it wants hosts
// that receive one frame an iteration (HostOptions::receive_burst = 1). Neighbours: world.h (what is
// watched), ladder.h (the result).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "sim/ladder.h"
#include "sim/world.h"

namespace millrace::sim {

class Recorder final : public Observer {
 public:
  // `left` and `right` are hosts of `world`, which outlives the recorder.
  Recorder(World& world, HostId left, HostId right);
  ~Recorder() override;

  // The connection to watch, its ends as the ladder shows them. Frames seen before are forgotten.
  void watch(const Endpoint& left, const Endpoint& right);
  // Words beside the side's column: what its application does now.
  void say(Side side, std::string words);

  const Ladder& ladder() const { return ladder_; }
  tcp::State state(Side side) const { return current_[static_cast<size_t>(side)]; }
  const std::vector<tcp::State>& path(Side side) const {
    return side == Side::Left ? ladder_.left_path : ladder_.right_path;
  }

  void departed(HostId from, HostId to, const Flight& flight, std::span<const uint8_t> sent) override;
  void arrived(HostId from, HostId to, const Flight& flight) override;
  void after(HostId host, Phase phase) override;

 private:
  HostId host_of(Side side) const { return side == Side::Left ? left_ : right_; }
  std::optional<Side> side_of(HostId host) const;
  bool is_ours(const wire::Segment& segment, Side from) const;
  tcp::State look(Side side);
  void poll(Side side, Phase phase);
  void state_changed(Side side, tcp::State from, tcp::State to, Phase phase);
  void open_row(LadderRow row, const Flight& flight);

  World& world_;
  HostId left_;
  HostId right_;
  bool watching_ = false;
  Ladder ladder_;
  SegmentLens lens_;
  uint64_t events_ = 0;
  uint64_t frames_ = 0;
  tcp::State current_[2] = {tcp::State::Closed, tcp::State::Closed};
  std::unordered_map<uint64_t, size_t> rows_;  // flight id -> row
  std::vector<size_t> arriving_[2];            // rows of the burst that a side is about to receive
  std::optional<size_t> spoken_[2];  // a Note row of this iteration, to which a change of state belongs
};

}  // namespace millrace::sim

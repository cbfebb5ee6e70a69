// A port whose peer is another process: how it starts without one, and what is done when the peer has gone.
#include <rte_ethdev.h>

#include "dpdk/port.h"

namespace millrace::dpdk {

namespace {

using std::chrono::milliseconds;

// A driver that lost its peer is still busy with that on DPDK's interrupt thread; twice what gate.cpp lets it
// wait for the loops.
constexpr milliseconds kSettled{1000};
// Between two tries.
constexpr milliseconds kPause{10'000};
// A peer listens a little before it is ready.
constexpr milliseconds kReady{1000};
// For a loop that lost its CPU to come by.
constexpr milliseconds kLoopPatience{2000};

}  // namespace

Status Port::start() {
  Status started = start_device();
  if (started) tried_ = SteadyClock::now();
  if (started || peer_loss(device_) != PeerLoss::Restart) return started;
  if (params_.notice)
    params_.notice(device_.name + ": its peer is not there yet; the link is down until it comes");
  shut_.emplace(gate_of(id_), milliseconds(0));
  return done();
}

void Port::attend() {
  const PeerLoss loss = peer_loss(device_);
  if (loss == PeerLoss::Waits || (!shut_ && !peer_is_long_gone())) return;
  if (started_ && ends_with_its_peer(device_)) return;
  const SteadyClock::time_point now = SteadyClock::now();
  if (now - tried_ < kPause || !peer_is_ready(now)) return;
  // A memif server that is left before it has looked may end: its driver closes a socket that DPDK's
  // interrupt thread still waits for. Where CPUs are scarce it may look late, and agreeing takes a dozen
  // messages.
  if (loss == PeerLoss::Restart && in_touch_with_peer(device_)) return;
  tried_ = now;
  listens_since_.reset();
  if (!shut_) {
    shut_.emplace(gate_of(id_), kLoopPatience);
    if (!shut_->empty()) return shut_.reset();
  }
  if (loss == PeerLoss::Restart ? !restart() : !reattach()) return;
  down_since_.reset();
  shut_.reset();
}

bool Port::peer_is_long_gone() {
  if (link_up()) {
    down_since_.reset();
    return false;
  }
  const SteadyClock::time_point now = SteadyClock::now();
  if (!down_since_) down_since_ = now;
  return now - *down_since_ >= kSettled;
}

bool Port::peer_is_ready(SteadyClock::time_point now) {
  if (!peer_listens(device_)) {
    listens_since_.reset();
    return false;
  }
  if (!listens_since_) listens_since_ = now;
  return now - *listens_since_ >= kReady;
}

bool Port::restart() {
  stop();
  return static_cast<bool>(start_device());
}

bool Port::reattach() {
  stop();
  if (attached_) close_device();
  if (make_device(params_, device_) != 0) return false;
  attached_ = true;
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(device_.name.c_str(), &id) != 0 || id != id_) return false;
  params_.mac = report_.mac;
  // The new back end may take checksums that the old one did not: the shards keep what they began with. The
  // other way round there is no going on.
  const wire::Checksum checksum = report_.checksum;
  if (!configure(std::vector(rx_pools_))) return false;
  const bool lost = checksum == wire::Checksum::Offload && report_.checksum != checksum;
  report_.checksum = checksum;
  return !lost && static_cast<bool>(start_device());
}

}  // namespace millrace::dpdk

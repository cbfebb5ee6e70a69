// A port from attach to detach: device made, capabilities masked, queues set up, started, stopped.
// Neighbours: quirks.h (what its driver cannot), peer.h (a peer in another process), port_peer.cpp (what is
// done when that has gone), rx.h and tx.h (its queues in the loop).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.h"
#include "dpdk/device.h"
#include "dpdk/gate.h"
#include "dpdk/idle.h"
#include "dpdk/mempool.h"
#include "dpdk/peer.h"
#include "dpdk/quirks.h"
#include "dpdk/result.h"
#include "dpdk/rss.h"
#include "wire/build.h"

namespace millrace::dpdk {

struct PortParams {
  std::string device{};  // net_tap0,iface=mr0 or 0000:01:00.0
  bool pci = false;      // EAL has made it already
  uint16_t mtu = 1500;
  std::optional<MacAddress> mac{};
  uint16_t rx_descriptors = 1024;
  uint16_t tx_descriptors = 1024;
  uint16_t queues = 0;  // 0: one a pool, as far as the device has them
  uint16_t vlan = 0;    // of all frames; 0: they carry no tag
  flow::Toeplitz::Key rss_key{};
  std::function<void(const std::string& sentence)> notice{};  // told what takes its time; may be empty
};

// What is in use, for people.
struct PortReport {
  std::string device;
  std::string driver;
  MacAddress mac;
  uint16_t mtu = 0;
  uint16_t queues = 0;
  uint16_t rx_descriptors = 0;
  uint16_t tx_descriptors = 0;
  wire::Checksum checksum = wire::Checksum::Software;
  std::vector<std::string> offloads;
  bool rss = false;  // told to spread flows over its queues
  bool proven = false;
};

struct PortStats {
  uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;
  uint64_t rx_missed = 0;  // lost by the device: the ring was full
  uint64_t rx_errors = 0;
  uint64_t rx_no_buffer = 0;  // lost for want of mbufs
  uint64_t tx_errors = 0;
};

class Port {
 public:
  static Result<std::unique_ptr<Port>> attach(const PortParams& params);
  ~Port();  // stops and detaches
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  // ---- what pools must be like ---------------------------------------------------------------------------
  uint16_t vlan() const { return params_.vlan; }
  uint32_t frame_room() const { return dpdk::frame_room(device_, params_.mtu); }
  uint32_t least_rx_mbufs() const { return dpdk::least_rx_mbufs(device_); }
  int numa_node() const;
  const Quirks& quirks() const { return *quirks_; }

  // Queue i receives into rx_pools[i]. Fewer queues than pools when the device has no more.
  Status configure(std::span<MbufPool* const> rx_pools);
  // A peer that is not there yet is no failure where the device can wait for it: the link is down until then.
  Status start();
  void stop();
  // To be called about once a second while loops run: brings a link up again whose peer has gone and come
  // back, where the driver does not by itself.
  void attend();

  uint16_t id() const { return id_; }
  const PortReport& report() const { return report_; }
  MacAddress mac() const { return report_.mac; }
  // How flows find their shard among so many; from configure() on.
  flow::SteeringParams steering(unsigned shards) const;
  wire::Checksum checksum() const { return report_.checksum; }
  bool link_up() const;
  // What wakes a loop on this queue; from start() on.
  RxWake rx_wake(uint16_t queue) const;
  PortStats stats() const;
  // The kernel's interface that the port is, or is the other end of; empty: none.
  std::string interface() const;

 private:
  Port(const PortParams& params, Device device, uint16_t id);

  using SteadyClock = std::chrono::steady_clock;

  static int make_device(const PortParams& params, const Device& device);
  Status set_up_queues(std::span<MbufPool* const> rx_pools, uint64_t tx_offloads);
  void report_descriptors();
  Status choose_mac();
  Status set_mtu();
  void listen_to_groups();
  Status start_device();
  void close_device();
  bool peer_is_long_gone();
  bool peer_is_ready(SteadyClock::time_point now);
  bool restart();
  bool reattach();
  Failure failed(const std::string& what, int error, uint64_t log_mark) const;

  PortParams params_;
  Device device_;
  const Quirks* quirks_;
  uint16_t id_;
  bool started_ = false;
  bool promiscuous_ = false;
  bool all_multicast_ = false;
  bool mac_in_software_ = false;
  bool attached_ = true;  // there is a device
  std::vector<MbufPool*> rx_pools_;
  // While the device is not started although loops may poll it.
  std::optional<Gate::Shut> shut_;
  std::optional<SteadyClock::time_point> down_since_;
  std::optional<SteadyClock::time_point> listens_since_;
  SteadyClock::time_point tried_{};  // to reach a peer
  PortReport report_;
  std::optional<Rss> rss_;
};

}  // namespace millrace::dpdk

#include "control/endpoint/params.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/endpoint/entropy.h"
#include "dpdk/mempool.h"

namespace millrace::control {

namespace {

// For the devices' own rings and EAL's tables.
constexpr uint64_t kDeviceBytes = 64ULL << 20;

dpdk::HugePages huge_pages(config::HugePages setting) {
  switch (setting) {
    case config::HugePages::On:
      return dpdk::HugePages::On;
    case config::HugePages::Off:
      return dpdk::HugePages::Off;
    case config::HugePages::Auto:
      break;
  }
  return dpdk::HugePages::Auto;
}

dpdk::IdleMode idle_mode(config::IdleSetting setting, const dpdk::Quirks& quirks) {
  switch (setting) {
    case config::IdleSetting::Poll:
      return dpdk::IdleMode::Poll;
    case config::IdleSetting::Pause:
      return dpdk::IdleMode::Pause;
    case config::IdleSetting::Sleep:
      return dpdk::IdleMode::Sleep;
    case config::IdleSetting::Auto:
      break;
  }
  // Who has given a CPU to a NIC or to shared memory wants the first packet served at once; what the kernel
  // hands over has come late already.
  return quirks.wake == dpdk::RxWakeBy::Nothing ? dpdk::IdleMode::Poll : dpdk::IdleMode::Sleep;
}

dpdk::Device device_of(const config::PortSettings& port) {
  dpdk::Device device = dpdk::Device::parse(port_params(port).device);
  dpdk::complete_arguments(device, port.mtu);
  return device;
}

uint64_t pool_bytes(const config::Settings& settings) {
  uint32_t room = 0;
  uint32_t rx_mbufs = settings.mbufs.rx_mbufs;
  for (const config::PortSettings& port : settings.ports) {
    const dpdk::Device device = device_of(port);
    room = std::max(room, dpdk::frame_room(device, port.mtu));
    rx_mbufs = std::max(rx_mbufs, dpdk::least_rx_mbufs(device));
  }
  const size_t lcores = lcore_count(settings);
  const auto users = static_cast<unsigned>(lcores);
  return lcores * (dpdk::MbufPool::bytes(rx_mbufs, room, users) +
                   dpdk::MbufPool::bytes(settings.mbufs.tx_mbufs, room, users));
}

}  // namespace

size_t lcore_count(const config::Settings& settings) {
  return std::max<size_t>(settings.lcores.use.size(), 1);
}

dpdk::EalParams eal_params(const config::Settings& settings) {
  dpdk::EalParams params;
  params.huge_pages = huge_pages(settings.eal.huge_pages);
  params.file_prefix = settings.eal.file_prefix;
  params.memory_bytes = settings.eal.memory_bytes;
  // Pools are cut from the heap in large pieces, and what is left between them is lost.
  params.needed_bytes = pool_bytes(settings) * 3 / 2 + kDeviceBytes;
  params.in_memory = settings.eal.in_memory;
  params.cpus = settings.lcores.use;
  params.args = settings.eal.args;
  for (const config::PortSettings& port : settings.ports) {
    if (!port.pci.empty()) params.pci.push_back(port.pci);
    params.single_file_segments |= dpdk::wants_single_file(device_of(port));
  }
  return params;
}

dpdk::PortParams port_params(const config::PortSettings& port) {
  SystemEntropy entropy;
  flow::Toeplitz::Key key;
  for (uint8_t& octet : key) octet = static_cast<uint8_t>(entropy.next());
  return {.device = port.pci.empty() ? port.vdev : port.pci,
          .pci = !port.pci.empty(),
          .mtu = port.mtu,
          .mac = port.mac,
          .rx_descriptors = port.rx_descriptors,
          .tx_descriptors = port.tx_descriptors,
          .queues = port.queues,
          .vlan = port.vlan,
          .rss_key = key,
          .notice = [](const std::string& sentence) { spdlog::info("{}", sentence); }};
}

ShardParams shard_params(const config::Settings& settings, const dpdk::PortReport& port,
                         const Secrets& secrets) {
  ShardParams params;
  params.secrets = secrets;
  params.tcp = settings.tcp;
  params.neighbor = settings.neighbor;
  params.icmp = settings.icmp;
  params.memory = settings.memory;
  params.interface.mac = port.mac;
  params.interface.mtu = port.mtu;
  params.interface.addresses = settings.addresses;
  params.interface.routes = settings.routes;
  return params;
}

const char* checksum_text(wire::Checksum checksum) {
  switch (checksum) {
    case wire::Checksum::Software:
      return "in software";
    case wire::Checksum::Offload:
      return "by the device";
    case wire::Checksum::Waived:
      return "waived by the link";
  }
  return "";
}

dpdk::IdleParams idle_params(const config::Settings& settings, const dpdk::Port& port,
                             std::optional<uint16_t> queue) {
  // Without a queue of its own a loop has only what other lcores hand over, and they ring.
  const dpdk::RxWake wake = queue ? port.rx_wake(*queue) : dpdk::RxWake{.announced = true};
  return {.mode = idle_mode(settings.lcores.idle, port.quirks()),
          .after = settings.lcores.idle_after,
          .nap = settings.lcores.idle_nap,
          .rx = wake};
}

}  // namespace millrace::control

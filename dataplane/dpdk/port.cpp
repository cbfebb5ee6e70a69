#include "dpdk/port.h"

#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dpdk/eal_log.h"
#include "dpdk/host.h"

namespace millrace::dpdk {

namespace {

// What may be switched on at all. MBUF_FAST_FREE stays out for good: it would corrupt mbufs that are held.
struct Offload {
  uint64_t flag;
  const char* name;
};
constexpr Offload kRxOffloads[] = {{RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, "rx-ipv4-checksum"},
                                   {RTE_ETH_RX_OFFLOAD_TCP_CKSUM, "rx-tcp-checksum"}};
constexpr Offload kTxOffloads[] = {{RTE_ETH_TX_OFFLOAD_TCP_CKSUM, "tx-tcp-checksum"}};

uint64_t masked(std::span<const Offload> whitelist, uint64_t capable, std::vector<std::string>& names) {
  uint64_t flags = 0;
  for (const Offload& offload : whitelist) {
    if ((capable & offload.flag) == 0) continue;
    flags |= offload.flag;
    names.emplace_back(offload.name);
  }
  return flags;
}

MacAddress mac_of(const rte_ether_addr& address) {
  std::array<uint8_t, 6> octets{};
  std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), octets.begin());
  return MacAddress(octets);
}

// Ours beside the kernel's: one bit in the last octet apart, and locally administered (IEEE 802).
MacAddress neighbouring(const MacAddress& mac) {
  std::array<uint8_t, 6> octets = mac.octets();
  octets[0] = static_cast<uint8_t>((octets[0] | 0x02) & ~0x01);
  octets[5] ^= 0x01;
  return MacAddress(octets);
}

// `01:00.0` as DPDK names it.
void complete_pci_address(Device& device) {
  if (device.name.size() == sizeof "01:00.0" - 1) device.name.insert(0, "0000:");
}

}  // namespace

Result<std::unique_ptr<Port>> Port::attach(const PortParams& params) {
  Device device = Device::parse(params.device);
  if (params.pci) complete_pci_address(device);
  complete_arguments(device, params.mtu);
  if (Status status = check_arguments(device, params.mtu); !status) return status.failure();
  if (Status status = prepare_socket(device); !status) return status.failure();
  const uint64_t mark = dpdk_log_mark();
  const int error = make_device(params, device);
  if (error != 0) return Failure{attach_advice(device, -error, dpdk_error_since(mark))};
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(device.name.c_str(), &id) != 0) {
    if (!params.pci) rte_eal_hotplug_remove("vdev", device.name.c_str());
    return Failure{
        "no port " + device.name +
        (params.pci
             ? ": is the device bound to vfio-pci, and its driver installed? `dpdk-devbind.py --status` tells"
             : ": its driver makes none")};
  }
  return std::unique_ptr<Port>(new Port(params, std::move(device), id));
}

// A PCI device is there since EAL started; a vdev is made now, where its failure can be told and undone.
int Port::make_device(const PortParams& params, const Device& device) {
  if (params.pci) return 0;
  if (const std::string notice = attach_notice(device); !notice.empty() && params.notice)
    params.notice(notice);
  return rte_eal_hotplug_add("vdev", device.name.c_str(), device.argument_text().c_str());
}

Port::Port(const PortParams& params, Device device, uint16_t id)
    : params_(params), device_(std::move(device)), quirks_(&quirks_of("")), id_(id) {
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(id_, &info);
  report_.device = device_.name;
  report_.driver = info.driver_name == nullptr ? "unknown" : info.driver_name;
  report_.mtu = params.mtu;
  quirks_ = &quirks_of(report_.driver);
  report_.proven = quirks_->proven;
  if (quirks_->unmaps_in_use) guard_unmapping(id_);
}

Port::~Port() {
  stop();
  leave_unmapping(id_);
  if (attached_) close_device();
}

void Port::close_device() {
  rte_eth_dev_close(id_);
  if (!params_.pci) rte_eal_hotplug_remove("vdev", device_.name.c_str());
  attached_ = false;
}

int Port::numa_node() const { return rte_eth_dev_socket_id(id_); }

Failure Port::failed(const std::string& what, int error, uint64_t log_mark) const {
  const std::string said = dpdk_error_since(log_mark);
  return {device_.name + ": " + what + " failed: " + (said.empty() ? rte_strerror(std::abs(error)) : said)};
}

Status Port::configure(std::span<MbufPool* const> rx_pools) {
  rx_pools_.assign(rx_pools.begin(), rx_pools.end());
  report_.offloads.clear();
  const std::optional<StandardStreamCapture> silence =
      quirks_->prints ? std::optional<StandardStreamCapture>(std::in_place) : std::nullopt;
  const uint64_t mark = dpdk_log_mark();
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0)
    return failed("asking the driver", error, mark);

  const uint16_t most = std::min(info.max_rx_queues, info.max_tx_queues);
  const size_t usual = quirks_->paired_queues ? 1 : rx_pools.size();
  const auto wanted = static_cast<uint16_t>(params_.queues != 0 ? params_.queues : usual);
  if (params_.queues > most)
    return Failure{device_.name + ": " + std::to_string(params_.queues) +
                   " queues are asked for and the device has " + std::to_string(most) +
                   "; lower the port's queues, or leave them out"};
  report_.queues = std::min(std::min(wanted, most), static_cast<uint16_t>(rx_pools.size()));

  rte_eth_conf conf{};
  rss_.emplace(info, report_.queues, params_.rss_key);
  rss_->put_into(conf);
  report_.rss = rss_->on();
  if (quirks_->checksum == wire::Checksum::Offload) {
    conf.rxmode.offloads = masked(kRxOffloads, info.rx_offload_capa, report_.offloads);
    conf.txmode.offloads = masked(kTxOffloads, info.tx_offload_capa, report_.offloads);
  }
  report_.checksum = quirks_->checksum == wire::Checksum::Waived ? wire::Checksum::Waived
                     : conf.txmode.offloads != 0                 ? wire::Checksum::Offload
                                                                 : wire::Checksum::Software;
  if (!quirks_->misstates_mtu) conf.rxmode.mtu = params_.mtu;
  if (quirks_->wake == RxWakeBy::Interrupt) conf.intr_conf.rxq = 1;
  if (quirks_->link_interrupt && (*info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0) conf.intr_conf.lsc = 1;
  if (const int error = rte_eth_dev_configure(id_, report_.queues, report_.queues, &conf); error != 0)
    return failed("configuring it for an MTU of " + std::to_string(params_.mtu) + " and " +
                      std::to_string(report_.queues) + " queues",
                  error, mark);
  if (Status status = set_mtu(); !status) return status;
  if (Status status = set_up_queues(rx_pools, conf.txmode.offloads); !status) return status;
  return choose_mac();
}

Status Port::set_up_queues(std::span<MbufPool* const> rx_pools, uint64_t tx_offloads) {
  const uint64_t mark = dpdk_log_mark();
  report_.rx_descriptors = params_.rx_descriptors;
  report_.tx_descriptors = params_.tx_descriptors;
  if (const int error =
          rte_eth_dev_adjust_nb_rx_tx_desc(id_, &report_.rx_descriptors, &report_.tx_descriptors);
      error != 0)
    return failed("choosing the number of descriptors", error, mark);
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(id_, &info);
  rte_eth_txconf tx = info.default_txconf;
  tx.offloads = tx_offloads;
  const auto node = static_cast<unsigned>(numa_node());
  for (uint16_t queue = 0; queue < report_.queues; ++queue) {
    int error =
        rte_eth_rx_queue_setup(id_, queue, report_.rx_descriptors, node, nullptr, rx_pools[queue]->get());
    if (error == 0) error = rte_eth_tx_queue_setup(id_, queue, report_.tx_descriptors, node, &tx);
    if (error != 0) return failed("setting queue " + std::to_string(queue) + " up", error, mark);
  }
  report_descriptors();
  return done();
}

// What the driver has made of the numbers, where it says so.
void Port::report_descriptors() {
  rte_eth_rxq_info rx{};
  if (rte_eth_rx_queue_info_get(id_, 0, &rx) == 0 && rx.nb_desc != 0) report_.rx_descriptors = rx.nb_desc;
  rte_eth_txq_info tx{};
  if (rte_eth_tx_queue_info_get(id_, 0, &tx) == 0 && tx.nb_desc != 0) report_.tx_descriptors = tx.nb_desc;
}

// Interfaces of the host keep the MTU that their owner gave them; check_arguments() has compared it.
Status Port::set_mtu() {
  if (quirks_->host_interface) return done();
  const uint64_t mark = dpdk_log_mark();
  if (quirks_->makes_interface) {
    if (set_interface_mtu(interface(), params_.mtu)) return done();
    return failed("setting the MTU of " + interface() + " to " + std::to_string(params_.mtu), errno, mark);
  }
  uint16_t current = 0;
  if (rte_eth_dev_get_mtu(id_, &current) != 0 || current == params_.mtu) return done();
  const int error = rte_eth_dev_set_mtu(id_, params_.mtu);
  if (error == 0 || error == -ENOTSUP || quirks_->misstates_mtu) return done();
  return failed("setting an MTU of " + std::to_string(params_.mtu), error, mark);
}

// Where the kernel's end bears the device's address, or the device cannot change its own, ours is kept in
// software alone.
Status Port::choose_mac() {
  const uint64_t mark = dpdk_log_mark();
  rte_ether_addr own{};
  if (const int error = rte_eth_macaddr_get(id_, &own); error != 0)
    return failed("reading its MAC address", error, mark);
  if (!params_.mac && quirks_->shares_mac) params_.mac = MacAddress(random_mac());
  report_.mac = params_.mac ? *params_.mac : mac_of(own);
  if (quirks_->makes_interface) {
    if (!params_.mac) report_.mac = neighbouring(report_.mac);
    if (params_.mac && *params_.mac == mac_of(own))
      return Failure{device_.name + ": " + report_.mac.text() +
                     " is the address of the kernel's end of the link; give another mac"};
    mac_in_software_ = true;
    return done();
  }
  if (!params_.mac || *params_.mac == mac_of(own)) return done();
  if (!quirks_->host_interface) {
    rte_ether_addr address{};
    std::copy(report_.mac.octets().begin(), report_.mac.octets().end(), std::begin(address.addr_bytes));
    if (rte_eth_dev_default_mac_addr_set(id_, &address) == 0) return done();
  }
  mac_in_software_ = true;
  return done();
}

Status Port::start_device() {
  const uint64_t mark = dpdk_log_mark();
  if (const int error = rte_eth_dev_start(id_); error != 0) return failed("starting it", error, mark);
  started_ = true;
  rss_->write_table(id_);
  listen_to_groups();
  return done();
}

// IPv6 resolves by multicast, so a port that filters groups would be deaf; without the finer switch, or with
// an address that the device does not know, it hears everything.
void Port::listen_to_groups() {
  if (quirks_->makes_interface) return;
  all_multicast_ = rte_eth_allmulticast_get(id_) == 0 && rte_eth_allmulticast_enable(id_) == 0;
  if (all_multicast_ && !mac_in_software_) return;
  promiscuous_ = rte_eth_promiscuous_get(id_) == 0 && rte_eth_promiscuous_enable(id_) == 0;
}

void Port::stop() {
  if (!started_) return;
  if (promiscuous_) rte_eth_promiscuous_disable(id_);
  if (all_multicast_) rte_eth_allmulticast_disable(id_);
  rte_eth_dev_stop(id_);
  started_ = false;
}

flow::SteeringParams Port::steering(unsigned shards) const {
  return {.shards = shards, .key = params_.rss_key, .table = rss_ ? rss_->table() : std::vector<uint16_t>()};
}

// Drivers of the kernel's interfaces say up, come what may.
bool Port::link_up() const {
  if (quirks_->host_interface || quirks_->makes_interface) return interface_running(interface());
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

RxWake Port::rx_wake(uint16_t queue) const {
  std::vector<int> sockets;
  switch (quirks_->wake) {
    case RxWakeBy::Nothing:
      return {};
    case RxWakeBy::Interrupt: {
      const int descriptor = rte_eth_dev_rx_intr_ctl_q_get_fd(id_, queue);
      return {.descriptor = descriptor, .announced = descriptor >= 0};
    }
    case RxWakeBy::Packet:
      sockets = own_sockets(AF_PACKET, interface());
      break;
    case RxWakeBy::Xdp:
      sockets = own_sockets(AF_XDP, interface());
      break;
  }
  // Which is whose shows only while each queue has one.
  if (sockets.size() != report_.queues) return {};
  return {.descriptor = sockets[queue], .announced = true};
}

PortStats Port::stats() const {
  rte_eth_stats stats{};
  if (rte_eth_stats_get(id_, &stats) != 0) return {};
  return {stats.ipackets, stats.ibytes,  stats.opackets,  stats.obytes,
          stats.imissed,  stats.ierrors, stats.rx_nombuf, stats.oerrors};
}

std::string Port::interface() const {
  if (!quirks_->host_interface && !quirks_->makes_interface) return {};
  return std::string(device_.argument("iface").value_or(quirks_->makes_interface ? "dtap0" : ""));
}

}  // namespace millrace::dpdk

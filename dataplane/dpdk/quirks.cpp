#include "dpdk/quirks.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "dpdk/host.h"

namespace millrace::dpdk {

namespace {

using wire::Checksum;

constexpr Quirks kQuirks[] = {
    // Its checksum offloads are the driver's own loops in software. It cannot be told of an MTU beyond 1500,
    // and
    // then never takes a larger frame, nor what waits behind it.
    {.driver = "net_tap",
     .checksum = Checksum::Software,
     .max_mtu = 1500,
     .makes_interface = true,
     .wake = RxWakeBy::Interrupt},
    {.driver = "net_af_packet",
     .checksum = Checksum::Software,
     .host_interface = true,
     .misstates_mtu = true,
     .peer_offloads = true,
     .wake = RxWakeBy::Packet},
    {.driver = "net_af_xdp",
     .checksum = Checksum::Software,
     .max_mtu = 3542,
     .min_rx_mbufs = 8191,
     .dense_mbufs = true,
     .host_interface = true,
     .peer_offloads = true,
     .wake = RxWakeBy::Xdp,
     .prints = true},
    {.driver = "net_memif",
     .checksum = Checksum::Software,
     .misstates_mtu = true,
     .socket = "socket",
     .unmaps_in_use = true,
     .paired_queues = true},
    {.driver = "net_ring", .checksum = Checksum::Waived, .shares_mbufs = true, .shares_mac = true},
    {.driver = "net_virtio_user", .single_file_segments = true, .socket = "path", .link_interrupt = true},
    // Both have receive interrupts, whose descriptors are their peer's and change with it.
    {.driver = "net_vhost", .shares_mac = true, .socket = "iface"},
    {.driver = "", .proven = false},
};

constexpr uint32_t kFrameHeaders = 14 + 4;  // Ethernet and one 802.1Q tag
constexpr uint32_t kAfPacketFrame = 2048;   // the driver's default slot
// The kernel drops what finds no slot, and tells nobody. The driver's 512 lost SYNs and requests of 10,000
// connections by the hundred thousand; 4096 (8 MiB each way and queue) cost nothing at 64 connections.
constexpr const char* kAfPacketSlots = "4096";
constexpr uint32_t kAfPacketSlotHeader =
    66;  // of a slot, taken by tpacket2_hdr and sockaddr_ll with their padding
constexpr uint32_t kMemifBuffer = 2048;   // the driver's default
constexpr uint32_t kMemifRing = 1 << 10;  // likewise
constexpr uint32_t kCacheLine = 64;

Failure refused(const Device& device, const std::string& why) { return {device.name + ": " + why}; }

Status check_host_interface(const Device& device, uint16_t mtu) {
  const std::string name(device.argument("iface").value_or(""));
  if (name.empty()) return refused(device, "names no interface; add ,iface=NAME");
  const std::optional<uint32_t> actual = interface_mtu(name);
  if (!actual)
    return refused(device, "there is no interface " + name +
                               " in this network namespace; `ip link` lists those there are");
  if (*actual < mtu)
    return refused(device, "the port's MTU is " + std::to_string(mtu) + ", but the interface " + name +
                               " has " + std::to_string(*actual) +
                               "; lower the port's mtu, or `ip link set dev " + name + " mtu " +
                               std::to_string(mtu) + '`');
  return done();
}

// A second program would be let in as another queue and take every other packet.
Status check_own_interface(const Device& device) {
  const std::string name(device.argument("iface").value_or("dtap0"));
  if (!interface_running(name)) return done();
  return refused(device,
                 "the interface " + name + " is in use by another program; give another by iface=NAME");
}

void complete_af_packet(Device& device, uint16_t mtu) {
  if (mtu + kFrameHeaders > kAfPacketFrame - kAfPacketSlotHeader) {
    // A slot holds a whole frame and must divide its block.
    device.complete("framesz", "16384");
    device.complete("blocksz", "65536");
    device.complete("framecnt", "256");
  } else if (!device.argument("framesz")) {
    device.complete("framecnt", kAfPacketSlots);
  }
}

bool is_net_af_packet(const Quirks& quirks) { return quirks.driver == "net_af_packet"; }
bool is_net_memif(const Quirks& quirks) { return quirks.driver == "net_memif"; }

}  // namespace

const Quirks& quirks_of(std::string_view device_or_driver) {
  return *std::find_if(std::begin(kQuirks), std::prev(std::end(kQuirks)),
                       [&](const Quirks& row) { return device_or_driver.starts_with(row.driver); });
}

void complete_arguments(Device& device, uint16_t mtu) {
  const Quirks& quirks = quirks_of(device.name);
  if (is_net_af_packet(quirks)) complete_af_packet(device, mtu);
  if (is_net_memif(quirks)) {
    const bool jumbo = mtu + kFrameHeaders > kMemifBuffer;
    // The client's choice. We never send into a full ring, so no more slots are needed than keep both ends
    // busy; every slot's buffer passes through the cache in its turn, and 2^13 of them halve the throughput.
    // A peer that drops what the ring does not take wants 2^13 to survive the loss of its CPU for a moment.
    device.complete("rsize", "11");
    if (jumbo)
      device.complete("bsize",
                      std::to_string((mtu + kFrameHeaders + kCacheLine - 1) / kCacheLine * kCacheLine));
  }
}

Status check_arguments(const Device& device, uint16_t mtu) {
  const Quirks& quirks = quirks_of(device.name);
  if (quirks.max_mtu != 0 && mtu > quirks.max_mtu)
    return refused(device, std::string(quirks.driver) + " carries an MTU of at most " +
                               std::to_string(quirks.max_mtu) + ", and the port's is " + std::to_string(mtu) +
                               "; lower the port's mtu");
  const uint32_t frame = mtu + kFrameHeaders;
  if (is_net_memif(quirks) && frame > device.number("bsize").value_or(kMemifBuffer))
    return refused(device, "bsize must be at least " + std::to_string(frame) + " for the port's MTU of " +
                               std::to_string(mtu) + ": memif writes larger frames past its buffers");
  if (is_net_af_packet(quirks) &&
      frame + kAfPacketSlotHeader > device.number("framesz").value_or(kAfPacketFrame))
    return refused(device, "framesz must be at least " + std::to_string(frame + kAfPacketSlotHeader) +
                               " for the port's MTU of " + std::to_string(mtu) +
                               ": larger frames would be cut off");
  if (device.name.starts_with("net_vhost") && device.number("tso").value_or(0) != 0)
    return refused(device, "tso=1 lets the peer send frames larger than the port's MTU; leave it out");
  if (quirks.host_interface) return check_host_interface(device, mtu);
  if (quirks.makes_interface) return check_own_interface(device);
  return done();
}

bool wants_single_file(const Device& device) {
  return quirks_of(device.name).single_file_segments || device.argument("zero-copy") == "yes";
}

// With zero-copy the whole of memif's ring is filled with mbufs of ours.
uint32_t least_rx_mbufs(const Device& device) {
  const uint32_t ring =
      device.argument("zero-copy") == "yes" ? kMemifRing << (device.number("rsize").value_or(10) - 10) : 0;
  return std::max(quirks_of(device.name).min_rx_mbufs, ring);
}

uint32_t frame_room(const Device& device, uint16_t mtu) {
  const uint32_t frame = mtu + kFrameHeaders;
  // The driver refuses mbufs that are smaller than a slot.
  if (is_net_af_packet(quirks_of(device.name)))
    return std::max(frame, device.number("framesz").value_or(kAfPacketFrame));
  if (is_net_memif(quirks_of(device.name)))
    return std::max(frame, device.number("bsize").value_or(kMemifBuffer));
  return frame;
}

std::string attach_advice(const Device& device, int error, const std::string& driver_said) {
  const Quirks& quirks = quirks_of(device.name);
  const std::string cause = driver_said.empty() ? std::strerror(error) : driver_said;
  const std::string prefix = "cannot make the port " + device.name + ": ";
  if (const std::string missing = missing_net_capabilities();
      !missing.empty() && (quirks.host_interface || quirks.makes_interface))
    return prefix + "no permission, for want of " + missing +
           "; run as root, or give the program both by `setcap cap_net_admin,cap_net_raw+ep PROGRAM`";
  if (quirks.makes_interface) {
    if (!openable("/dev/net/tun"))
      return prefix + "/dev/net/tun cannot be opened; `modprobe tun`, or hand it to the container";
  }
  if (!quirks.proven)
    return prefix + cause +
           "; is there such a driver? Known are net_tap, net_af_packet, net_af_xdp, net_memif, net_ring, "
           "net_virtio_user and net_vhost, each followed by a number";
  return prefix + cause;
}

}  // namespace millrace::dpdk

// What each driver can and cannot, beside what it says of itself: the one table. Rows are facts as tried with
// DPDK 22.11; a device that has none gets the last row and is labelled unproven.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dpdk/device.h"
#include "dpdk/result.h"
#include "wire/build.h"

namespace millrace::dpdk {

// By what a loop that sleeps learns of packets.
enum class RxWakeBy : uint8_t {
  Nothing,    // that holds for as long as the port: it looks from time to time
  Interrupt,  // DPDK's receive interrupt: a descriptor that is readable while packets wait
  Packet,     // the driver's own socket of AF_PACKET, likewise
  Xdp,        // of AF_XDP
};

struct Quirks {
  // As rte_eth_dev_info names it; a vdev's name begins with it.
  std::string_view driver;
  // Offload: where the device offers it, software where not. Waived: both ends are ours and share memory.
  wire::Checksum checksum = wire::Checksum::Offload;
  // 0: what the driver says.
  uint16_t max_mtu = 0;
  // The driver takes so many at the start.
  uint32_t min_rx_mbufs = 0;
  bool proven = true;
  // Registers as much memory with the kernel as mbufs would take side by side. What lies beyond, where pages
  // end between them, cannot be sent or received into.
  bool dense_mbufs = false;
  // `iface` names an interface of the kernel, which must be there.
  bool host_interface = false;
  // `iface` is made by the driver, and the kernel's side of it bears the port's MAC address: ours must be
  // another.
  bool makes_interface = false;
  // Says that an MTU of 1500 is the limit, and carries more.
  bool misstates_mtu = false;
  // The kernel at the other end hands over unfinished checksums and frames larger than the MTU.
  bool peer_offloads = false;
  // Hands over the sender's own mbufs.
  bool shares_mbufs = false;
  // Needs EAL's memory in one file.
  bool single_file_segments = false;
  RxWakeBy wake = RxWakeBy::Nothing;
  // Gives every device the same MAC address, or none.
  bool shares_mac = false;
  // The argument that names the Unix socket of a peer in another process; empty: there is none.
  std::string_view socket{};
  // Unmaps what a queue may be reading when its peer goes.
  bool unmaps_in_use = false;
  // Both ends must have as many queues: one, unless told.
  bool paired_queues = false;
  // Takes notice of a peer that goes or comes on the interrupt alone: asked for the link without it, the
  // driver registers a handler that it never takes back, and ends in it.
  bool link_interrupt = false;
  // Its libraries write to standard error while queues are set up.
  bool prints = false;
};

// EAL's memory must be one file for this device.
bool wants_single_file(const Device& device);
// Mbufs that a receive queue holds from the start, beside those of its descriptors.
uint32_t least_rx_mbufs(const Device& device);

const Quirks& quirks_of(std::string_view device_or_driver);

// Adds the arguments that a port of this MTU needs and that were not given.
void complete_arguments(Device& device, uint16_t mtu);

// Refuses what would corrupt memory or never work, before the driver is asked.
Status check_arguments(const Device& device, uint16_t mtu);

// Octets of frame that an mbuf of this device must hold.
uint32_t frame_room(const Device& device, uint16_t mtu);

// Why a device could not be made, as far as the system can be asked; otherwise what the driver said.
std::string attach_advice(const Device& device, int error, const std::string& driver_said);

}  // namespace millrace::dpdk

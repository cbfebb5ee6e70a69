// Devices whose other end is another process, joined to ours by a Unix socket: net_memif, net_virtio_user and
// net_vhost. Who listens, what is wrong with the socket, and what to do when the peer goes.
#pragma once

#include <cstdint>
#include <string>

#include "dpdk/device.h"
#include "dpdk/result.h"

namespace millrace::dpdk {

enum class PeerLoss : uint8_t {
  Waits,     // the driver takes the next peer by itself
  Restart,   // the port is to be stopped and started until there is one
  Reattach,  // the device is to be made anew
};
PeerLoss peer_loss(const Device& device);

// Refuses a socket that cannot work, and takes away the one that a crashed process left where this device
// will listen. Devices without a socket pass.
Status prepare_socket(const Device& device);

// There is no going on after the first peer.
bool ends_with_its_peer(const Device& device);

// What to tell the user before the device is attached: that this blocks until a peer comes, for one. May be
// empty.
std::string attach_notice(const Device& device);

// A peer may be connected to now, as far as the socket tells.
bool peer_listens(const Device& device);
// A connection of ours to the peer is open, which the driver closes when either end will not go on: until
// then the peer has not looked yet, or the two are agreeing.
bool in_touch_with_peer(const Device& device);

}  // namespace millrace::dpdk

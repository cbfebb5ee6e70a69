#include "dpdk/peer.h"

#include <unistd.h>

#include "dpdk/host.h"
#include "dpdk/quirks.h"

namespace millrace::dpdk {

namespace {

bool is(const Device& device, std::string_view driver) { return quirks_of(device.name).driver == driver; }

bool switched_on(const Device& device, std::string_view key) { return device.number(key).value_or(0) != 0; }

struct Socket {
  std::string key;
  std::string path;
  bool abstract = false;
  bool listens = false;  // our end does

  SocketUse use() const { return abstract ? abstract_socket_use(path) : socket_use(path); }
};

Socket socket_of(const Device& device) {
  Socket socket;
  socket.key = quirks_of(device.name).socket;
  socket.path = device.argument(socket.key).value_or("");
  if (is(device, "net_memif")) {
    if (socket.path.empty()) socket.path = "/tmp/memif.sock";  // the driver's default
    socket.abstract = device.argument("socket-abstract").value_or("yes") != "no";
    const std::string_view role = device.argument("role").value_or("client");
    socket.listens = role == "server" || role == "master";
  } else if (is(device, "net_vhost")) {
    socket.listens = !switched_on(device, "client");
  } else {
    socket.listens = switched_on(device, "server");
  }
  return socket;
}

Failure refused(const Device& device, const std::string& why) { return {device.name + ": " + why}; }

Status prepare_to_listen(const Device& device, const Socket& socket) {
  switch (socket.use()) {
    case SocketUse::Absent:
      return done();
    case SocketUse::Stale:
      if (unlink(socket.path.c_str()) == 0) return done();
      return refused(device, "the socket " + socket.path +
                                 " was left by a process that has ended, and cannot be removed; remove it");
    case SocketUse::NoSocket:
      return refused(device, socket.path + " is there and is no socket; remove it, or give another " +
                                 socket.key + "=PATH");
    case SocketUse::Taken:
      break;
  }
  return refused(device, std::string("the socket ") + (socket.abstract ? "name " : "") + socket.path +
                             " is in use by another program; give another by " + socket.key + "=PATH");
}

// A memif server and a vhost-user front end may come later; virtio-user makes its device from what the back
// end says of itself.
Status check_connection(const Device& device, const Socket& socket) {
  if (!is(device, "net_virtio_user") || openable(socket.path.c_str()) || peer_listens(device)) return done();
  return refused(device, "nobody listens on the socket " + socket.path +
                             "; start the vhost-user back end first, or add ,server=1 to wait for one");
}

}  // namespace

PeerLoss peer_loss(const Device& device) {
  if (quirks_of(device.name).socket.empty() || socket_of(device).listens) return PeerLoss::Waits;
  if (is(device, "net_memif")) return PeerLoss::Restart;
  return is(device, "net_virtio_user") ? PeerLoss::Reattach : PeerLoss::Waits;
}

Status prepare_socket(const Device& device) {
  if (quirks_of(device.name).socket.empty()) return done();
  const Socket socket = socket_of(device);
  if (socket.path.empty()) return refused(device, "names no socket; add ," + socket.key + "=PATH");
  if (socket.path.size() > kSocketPathLimit)
    return refused(device, "the path of its socket has " + std::to_string(socket.path.size()) +
                               " octets, and the kernel takes " + std::to_string(kSocketPathLimit) +
                               "; give a shorter " + socket.key + "=PATH");
  if (!socket.abstract)
    if (const std::string problem = directory_problem(socket.path); !problem.empty())
      return refused(device, problem);
  return socket.listens ? prepare_to_listen(device, socket) : check_connection(device, socket);
}

bool ends_with_its_peer(const Device& device) { return device.argument("zero-copy") == "yes"; }

std::string attach_notice(const Device& device) {
  if (ends_with_its_peer(device))
    return device.name +
           ": with zero-copy=yes the link ends with its peer, for the driver loses the mbufs of its rings; "
           "start the endpoint again then, or leave zero-copy out";
  if (!is(device, "net_virtio_user")) return {};
  const Socket socket = socket_of(device);
  if (!socket.listens) return {};
  return "waiting for a vhost-user back end to connect to " + socket.path + "; SIGINT or SIGTERM ends this";
}

bool peer_listens(const Device& device) { return socket_of(device).use() == SocketUse::Taken; }

bool in_touch_with_peer(const Device& device) { return connected_to(socket_of(device).path); }

}  // namespace millrace::dpdk

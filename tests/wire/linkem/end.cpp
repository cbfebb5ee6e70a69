#include "end.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace millrace::linkem {

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

// A descriptor that is closed.
class Owned {
 public:
  explicit Owned(int descriptor) : descriptor_(descriptor) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

// In another network namespace until it goes out of scope.
class Visit {
 public:
  explicit Visit(const std::string& name) : home_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    if (home_.get() < 0) fail("/proc/self/ns/net");
    if (name.empty()) return;
    const Owned there(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    if (there.get() < 0 || ::setns(there.get(), CLONE_NEWNET) != 0) fail("the network namespace " + name);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() { ::setns(home_.get(), CLONE_NEWNET); }

 private:
  Owned home_;
};

ifreq request_for(const std::string& name) {
  ifreq request{};
  if (name.empty() || name.size() >= IFNAMSIZ) throw std::runtime_error("'" + name + "' cannot be an interface's name");
  std::memcpy(request.ifr_name, name.data(), name.size());
  return request;
}

int open_tap(const std::string& name) {
  Owned tap(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (tap.get() < 0) fail("/dev/net/tun");
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(tap.get(), TUNSETIFF, &request) != 0) fail("the TAP device " + name);
  return tap.release();
}

int open_packet(const std::string& name) {
  Owned socket(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) fail("a packet socket");
  ifreq request = request_for(name);
  if (::ioctl(socket.get(), SIOCGIFINDEX, &request) != 0) fail("the interface " + name);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = request.ifr_ifindex;
  const int yes = 1, room = 16 << 20;
  // What we write ourselves does not come back; a burst waits for us.
  if (::setsockopt(socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes) != 0)
    fail("PACKET_IGNORE_OUTGOING");
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = request.ifr_ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  if (::setsockopt(socket.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) != 0)
    fail("promiscuous mode of " + name);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("binding to " + name);
  return socket.release();
}

}  // namespace

End::End(const std::string& text) {
  const size_t colon = text.find(':');
  const size_t at = text.find('@');
  const std::string kind = text.substr(0, colon);
  if (colon == std::string::npos || (kind != "tap" && kind != "packet"))
    throw std::runtime_error("'" + text + "' is no end: tap:NAME or packet:NAME, with @NAMESPACE behind it");
  const std::string name =
      text.substr(colon + 1, at == std::string::npos ? std::string::npos : at - colon - 1);
  const Visit visit(at == std::string::npos ? std::string() : text.substr(at + 1));
  descriptor_ = kind == "tap" ? open_tap(name) : open_packet(name);
}

End::~End() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

size_t End::read(std::span<uint8_t> room) {
  const ssize_t octets = ::read(descriptor_, room.data(), room.size());
  return octets > 0 ? static_cast<size_t>(octets) : 0;
}

bool End::write(std::span<const uint8_t> frame) {
  return ::write(descriptor_, frame.data(), frame.size()) == static_cast<ssize_t>(frame.size());
}

}  // namespace millrace::linkem

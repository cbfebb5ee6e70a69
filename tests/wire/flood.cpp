// Sends SYNs from made-up sources on a device, as fast as it is told to: what an attacker would do, and
// faster than an interpreter could. Neighbour: syn_flood_test.py, which runs it in a namespace of its own.
//
// usage: wire_flood DEVICE MAC ADDRESS PORT SYNS_A_SECOND SECONDS
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "base/entropy.h"
#include "wire/build.h"

namespace {

using namespace millrace;
using Clock = std::chrono::steady_clock;

constexpr size_t kBatch = 64;

struct Arguments {
  std::string device;
  MacAddress mac;
  Endpoint target;
  double rate = 0;
  double seconds = 0;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "wire_flood: %s\n", what.c_str());
  std::exit(1);
}

Arguments arguments_of(int argc, char** argv) {
  if (argc != 7) fail("usage: wire_flood DEVICE MAC ADDRESS PORT SYNS_A_SECOND SECONDS");
  const auto mac = MacAddress::parse(argv[2]);
  const auto address = IpAddress::parse(argv[3]);
  if (!mac || !address) fail("the MAC address or the address is none");
  Arguments out{.device = argv[1],
                .mac = *mac,
                .target = {*address, static_cast<uint16_t>(std::atoi(argv[4]))},
                .rate = std::atof(argv[5]),
                .seconds = std::atof(argv[6])};
  if (!(out.rate > 0 && out.seconds > 0 && out.seconds <= 60)) fail("a rate and up to 60 seconds");
  return out;
}

int open_device(const std::string& device) {
  const int fd = socket(AF_PACKET, SOCK_RAW, 0);  // sends only: nothing is received
  if (fd < 0) fail(std::string("socket: ") + std::strerror(errno));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(device.c_str()));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail(device + ": " + std::strerror(errno));
  const int on = 1;
  setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  return fd;
}

class Syns {
 public:
  explicit Syns(const Arguments& arguments) : arguments_(arguments) {
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) std::abort();
    entropy_ = std::make_unique<SeededEntropy>(seed);
    for (size_t i = 0; i < kBatch; ++i) packets_[i] = pool_.allocate();
  }
  void make() {
    for (size_t i = 0; i < kBatch; ++i) {
      wire::Segment syn;
      syn.flow = {{source(), static_cast<uint16_t>(1024 + entropy_->next() % 60000)}, arguments_.target};
      syn.seq = Seq(static_cast<uint32_t>(entropy_->next()));
      syn.flags = wire::kSyn;
      syn.window = WireWindow(64240);
      syn.options.mss = Mss(1460);
      syn.options.sack_permitted = true;
      syn.options.window_scale = WindowScale(7);
      syn.options.timestamps = wire::Timestamps{static_cast<uint32_t>(entropy_->next()), 0};
      wire::build_segment(packets_[i], {.destination = arguments_.mac, .source = kOurMac}, syn,
                          wire::Checksum::Software);
      pieces_[i] = {.iov_base = packets_[i].data(), .iov_len = packets_[i].length()};
      messages_[i] = {};
      messages_[i].msg_hdr.msg_iov = &pieces_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  // How many left.
  size_t send(int fd) {
    const int count = sendmmsg(fd, messages_.data(), kBatch, 0);
    return count < 0 ? 0 : static_cast<size_t>(count);
  }

 private:
  static constexpr MacAddress kOurMac{{0x02, 0x66, 0x6c, 0x6f, 0x6f, 0x64}};

  // RFC 2544's addresses for benchmarks, and for IPv6 RFC 5180's.
  IpAddress source() {
    const uint64_t bits = entropy_->next();
    const auto octet = [bits](int i) { return static_cast<uint8_t>(bits >> (8 * i)); };
    if (arguments_.target.address.is_v4())
      return IpAddress::v4(198, static_cast<uint8_t>(18 + (bits >> 56 & 1)), octet(0), octet(1));
    return IpAddress::v6({0x20, 0x01, 0, 2, 0, 0, 0, 0, octet(0), octet(1), octet(2), octet(3), octet(4),
                          octet(5), octet(6), 1});
  }

  const Arguments& arguments_;
  std::unique_ptr<SeededEntropy> entropy_;
  HeapPool pool_{kBatch, 256};
  std::array<Packet, kBatch> packets_;
  std::array<iovec, kBatch> pieces_{};
  std::array<mmsghdr, kBatch> messages_{};
};

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = arguments_of(argc, argv);
  const int fd = open_device(arguments.device);
  Syns syns(arguments);
  const Clock::time_point begin = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  uint64_t sent = 0;
  for (double now = 0; now < arguments.seconds; now = seconds()) {
    if (static_cast<double>(sent) > now * arguments.rate) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    syns.make();
    sent += syns.send(fd);
  }
  std::printf("{\"sent\": %llu, \"seconds\": %.3f}\n", static_cast<unsigned long long>(sent), seconds());
  close(fd);
  return 0;
}

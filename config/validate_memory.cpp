// What pools and buffers add up to, refused where the sum does not hold, with the sum in the message.
#include <algorithm>

#include "config/check.h"
#include "config/quantity.h"
#include "config/validate.h"

namespace millrace::config {

namespace {

// A packet buffer as DPDK lays it out: the pool's header (64), struct rte_mbuf (128), headroom (128), and
// 2048 of data or a whole frame with its Ethernet header and a tag.
constexpr uint64_t kMbufOverhead = 64 + 128 + 128;
constexpr uint64_t kMbufData = 2048;
constexpr uint64_t kFrameHeaders = 14 + 4;
constexpr uint64_t kCacheLine = 64;
constexpr uint64_t kMiB = 1ULL << 20;

uint64_t lcore_count(const Settings& settings) { return std::max<uint64_t>(settings.lcores.use.size(), 1); }

std::string text(uint64_t number) { return std::to_string(number); }

std::string plural(uint64_t count, const std::string& noun) {
  return text(count) + ' ' + noun + (count == 1 ? "" : "s");
}

std::string mebibytes(uint64_t octets) { return text((octets + kMiB - 1) / kMiB) + " MiB"; }

// Queues of this port that one lcore polls.
uint64_t queues_an_lcore(const Settings& settings, const PortSettings& port) {
  const uint64_t lcores = lcore_count(settings);
  return port.queues == 0 ? 1 : (port.queues + lcores - 1) / lcores;
}

uint64_t mbuf_octets(const Settings& settings) {
  uint64_t data = kMbufData;
  for (const PortSettings& port : settings.ports) data = std::max(data, port.mtu + kFrameHeaders);
  return kMbufOverhead + (data + kCacheLine - 1) / kCacheLine * kCacheLine;
}

struct Pool {
  std::string_view mbufs;  // the key that sizes it
  std::string_view ring;   // the port's key that it must fill
  uint16_t PortSettings::*descriptors;
  std::string_view held;  // the key of what applications keep of it; empty: nothing
};

constexpr Pool kPools[] = {
    {"memory.rx_mbufs", "rx_descriptors", &PortSettings::rx_descriptors, "memory.held_packets"},
    {"memory.tx_mbufs", "tx_descriptors", &PortSettings::tx_descriptors, ""},
};

// An lcore's pool must fill the rings that it serves, hold what applications keep, and still have a burst.
void check_pool(Check& check, const Pool& pool) {
  const Entry mbufs = check.entry(pool.mbufs);
  const uint64_t burst = check.settings.lcores.burst;
  for (const PortSettings& port : check.settings.ports) {
    const Entry ring = check.entry("port." + port.name + '.' + std::string(pool.ring));
    const uint64_t queues = queues_an_lcore(check.settings, port);
    uint64_t needed = queues * (port.*pool.descriptors) + burst;
    std::string sum = plural(queues, "queue") + " x " + text(port.*pool.descriptors) +
                      " descriptors + a burst of " + text(burst);
    std::string lower = ring.path();
    Entry other = ring;
    if (!pool.held.empty()) {
      const Entry held = check.entry(pool.held);
      needed += std::get<uint64_t>(held.value);
      sum += " + " + text(std::get<uint64_t>(held.value)) + " held for applications";
      lower += " or " + held.path();
      if (ring.origin.source == Source::Default) other = held;
    }
    if (needed <= std::get<uint64_t>(mbufs.value)) continue;
    check.contradiction(mbufs, other,
                        Check::shown(mbufs) + " is too few for an lcore: " + sum + " = " + text(needed) +
                            " mbufs; raise it, or lower " + lower);
  }
}

void check_buffers(Check& check) {
  const Entry total = check.entry("memory.buffer_bytes");
  const Entry receive = check.entry("tcp.receive_buffer");
  const Entry send = check.entry("tcp.send_buffer");
  const uint64_t one = std::get<uint64_t>(receive.value) + std::get<uint64_t>(send.value);
  if (one <= std::get<uint64_t>(total.value)) return;
  const Entry& larger = receive.origin.source != Source::Default ? receive : send;
  check.contradiction(total, larger,
                      Check::shown(total) + " cannot hold one connection: " + Check::shown(receive) + " + " +
                          Check::shown(send) + " = " + format_size(one) + "; raise it, or lower the buffers");
}

void check_eal_memory(Check& check) {
  const Entry memory = check.entry("eal.memory_bytes");
  const auto given = std::get<uint64_t>(memory.value);
  if (given == 0) return;
  if (given % kMiB != 0) {
    check.problems.add(
        memory.origin, memory.path(),
        memory.text() + " is not a whole number of MiB; give " + text((given + kMiB - 1) / kMiB) + "MiB");
    return;
  }
  const Reckoning needed = packet_memory(check.settings);
  if (needed.bytes > given)
    check.problems.add(memory.origin, memory.path(),
                       memory.text() + " is less than the packet pools take: " + needed.text +
                           "; raise it, or lower memory.rx_mbufs and memory.tx_mbufs");
}

}  // namespace

Reckoning packet_memory(const Settings& settings) {
  const uint64_t lcores = lcore_count(settings);
  const uint64_t rx = settings.mbufs.rx_mbufs;
  const uint64_t tx = settings.mbufs.tx_mbufs;
  const uint64_t mbuf = mbuf_octets(settings);
  const uint64_t bytes = lcores * (rx + tx) * mbuf;
  return {bytes, plural(lcores, "lcore") + " x (" + text(rx) + " + " + text(tx) + ") mbufs x " + text(mbuf) +
                     " octets = " + mebibytes(bytes)};
}

std::vector<std::string> memory_lines(const Settings& settings) {
  const uint64_t one = uint64_t{settings.tcp.receive_buffer} + settings.tcp.send_buffer;
  const uint64_t full = settings.memory.buffer_bytes / one;
  return {"packet pools: " + packet_memory(settings).text,
          "buffers: " + format_size(settings.memory.buffer_bytes) + " an lcore hold " +
              plural(full, "connection") + " with all of " + format_size(one) + " in use, of " +
              text(settings.memory.connections) + " connections that an lcore may have"};
}

void check_memory(Check& check) {
  for (const Pool& pool : kPools) check_pool(check, pool);
  check_buffers(check);
  check_eal_memory(check);
}

}  // namespace millrace::config

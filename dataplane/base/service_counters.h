// What an lcore counts of each service, declared once: written by that lcore, read by any thread. Neighbour:
// counters.h, which counts for all of them together.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/counter.h"

namespace millrace {

// X(name, "unit", "sentence"): monotonic counters.
#define MILLRACE_SERVICE_COUNTERS(X)                                                                        \
  X(accepted, "connections", "Connections accepted; without a service, opened by us.")                      \
  X(closed, "connections", "Connections ended, for whatever reason.")                                       \
  X(reset_by_peer, "connections", "Of them, those that the peer reset or refused.")                         \
  X(reset_by_us, "connections", "Of them, those that we reset: aborted, or for want of memory.")            \
  X(timed_out, "connections", "Of them, those whose peer did not answer or finish in time.")                \
  X(requests, "requests", "Requests answered, by services that know of requests (http, rpc).")              \
  X(bytes_received, "bytes", "Payload octets accepted in order.")                                           \
  X(bytes_sent, "bytes", "Payload octets sent for the first time.")                                         \
  X(retransmitted_segments, "segments", "Segments sent again.")                                             \
  X(dropped_segments, "segments", "Segments of its connections dropped, for whatever reason.")              \
  X(syn_queue_overflows, "segments", "SYNs that found the queue of half-open connections full.")            \
  X(accept_overflows, "segments", "SYNs and ACKs that found the service without room.")

// X(name, "unit", "sentence"): values that rise and fall.
#define MILLRACE_SERVICE_GAUGES(X)                                                                         \
  X(connections, "connections", "Connections that have not ended; those in TIME-WAIT are not counted.")    \
  X(half_open, "connections", "Half-open passive connections.")

struct ServiceCounters {
#define MILLRACE_MEMBER(name, unit, sentence) Counter name;
  MILLRACE_SERVICE_COUNTERS(MILLRACE_MEMBER)
  MILLRACE_SERVICE_GAUGES(MILLRACE_MEMBER)
#undef MILLRACE_MEMBER
};

struct ServiceCounterInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view help;
  Counter ServiceCounters::*member;
  bool gauge;
};

inline constexpr auto kServiceCounterInfos = std::to_array<ServiceCounterInfo>({
#define MILLRACE_INFO(name, unit, sentence) {#name, unit, sentence, &ServiceCounters::name, false},
    MILLRACE_SERVICE_COUNTERS(MILLRACE_INFO)
#undef MILLRACE_INFO
#define MILLRACE_INFO(name, unit, sentence) {#name, unit, sentence, &ServiceCounters::name, true},
        MILLRACE_SERVICE_GAUGES(MILLRACE_INFO)
#undef MILLRACE_INFO
});

// The services of a shard. A number is kept for as long as the shard lives, so that what was counted stays
// when a service listens no longer.
class ServiceTable {
 public:
  static constexpr size_t kMost = 64;
  static constexpr uint8_t kNone = 0;  // of connections that no service has accepted; its name is empty
  static constexpr std::string_view kOthers = "(others)";  // all beyond kMost

  // The number of the service with this name, which is new or known. For the lcore.
  uint8_t number_of(std::string_view name) {
    const size_t size = size_.load(std::memory_order_relaxed);
    for (size_t i = 0; i < size; ++i)
      if (entries_[i].name == name) return static_cast<uint8_t>(i);
    if (size == kMost) return kMost - 1;
    entries_[size].name = size == kMost - 1 ? kOthers : name;
    size_.store(size + 1, std::memory_order_release);
    return static_cast<uint8_t>(size);
  }

  // For any thread: below size() names do not change.
  size_t size() const { return size_.load(std::memory_order_acquire); }
  const std::string& name(size_t number) const { return entries_[number].name; }
  const ServiceCounters& operator[](size_t number) const { return entries_[number].counters; }
  ServiceCounters& operator[](size_t number) { return entries_[number].counters; }

 private:
  struct alignas(64) Entry {
    ServiceCounters counters;
    std::string name;
  };
  std::array<Entry, kMost> entries_;
  std::atomic<size_t> size_{1};  // written by the lcore
};

}  // namespace millrace

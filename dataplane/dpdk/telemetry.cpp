#include "dpdk/telemetry.h"

#include <rte_errno.h>
#include <rte_telemetry.h>
#include <rte_version.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <string>
#include <vector>

namespace millrace::dpdk {

namespace {

// Commands cannot be taken back, and each client has a thread of DPDK's own: what they may read is told under
// a lock.
std::mutex mutex;
std::span<const Counters* const> told;

using Shards = std::span<const Counters* const>;

#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
int add_number(rte_tel_data* dict, std::string_view name, uint64_t value) {
  return rte_tel_data_add_dict_uint(dict, std::string(name).c_str(), value);
}
#else
int add_number(rte_tel_data* dict, std::string_view name, uint64_t value) {
  return rte_tel_data_add_dict_u64(dict, std::string(name).c_str(), value);
}
#endif

// The shards that a client asks for; whatever it sends is hostile until it has been read here.
bool choose(const char* params, Shards& shards) {
  const std::string_view text(params == nullptr ? "" : params);
  if (text.empty()) return true;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number >= shards.size()) return false;
  shards = shards.subspan(number, 1);
  return true;
}

void fill_stats(rte_tel_data* dict, Shards shards) {
  for (const CounterInfo& info : kCounterInfos) {
    uint64_t total = 0;
    for (const Counters* counters : shards) total += (counters->*info.member).value();
    add_number(dict, info.name, total);
  }
}

void fill_drops(rte_tel_data* dict, Shards shards) {
  for (const DropInfo& info : kDropInfos) {
    uint64_t total = 0;
    for (const Counters* counters : shards) total += counters->dropped(info.reason);
    add_number(dict, info.name, total);
  }
}

void fill_histograms(rte_tel_data* dict, Shards shards) {
  for (const HistogramInfo& info : kHistogramInfos) {
    Distribution all;
    for (const Counters* counters : shards) all.add(counters->*info.member);
    rte_tel_data* one = rte_tel_data_alloc();
    if (one == nullptr) return;
    rte_tel_data_start_dict(one);
    add_number(one, "count", all.count);
    add_number(one, "sum", all.sum);
    for (const auto& [name, share] : {std::pair("p50", 0.5), std::pair("p90", 0.9), std::pair("p99", 0.99)})
      add_number(one, name, all.percentile(share));
    const std::string name = std::string(info.name) + '_' + std::string(info.unit);
    if (rte_tel_data_add_dict_container(dict, name.c_str(), one, 0) != 0) rte_tel_data_free(one);
  }
}

template <void (*kFill)(rte_tel_data*, Shards)>
int answer(const char*, const char* params, rte_tel_data* out) {
  const std::lock_guard lock(mutex);
  Shards shards = told;
  if (!choose(params, shards)) return -EINVAL;
  rte_tel_data_start_dict(out);
  kFill(out, shards);
  return 0;
}

// The names of all services; an array of texts holds no more than there can be.
int answer_services(const char*, const char*, rte_tel_data* out) {
  const std::lock_guard lock(mutex);
  std::vector<std::string> names;
  for (const Counters* counters : told)
    for (size_t i = 1, size = counters->services.size(); i < size; ++i)
      if (std::ranges::find(names, counters->services.name(i)) == names.end())
        names.push_back(counters->services.name(i));
  rte_tel_data_start_array(out, RTE_TEL_STRING_VAL);
  for (const std::string& name : names) rte_tel_data_add_array_string(out, name.c_str());
  return 0;
}

int answer_service(const char*, const char* params, rte_tel_data* out) {
  const std::lock_guard lock(mutex);
  const std::string_view wanted(params == nullptr ? "" : params);
  std::array<uint64_t, kServiceCounterInfos.size()> totals{};
  bool found = false;
  for (const Counters* counters : told)
    for (size_t i = 1, size = counters->services.size(); i < size; ++i) {
      if (counters->services.name(i) != wanted) continue;
      found = true;
      for (size_t at = 0; at < totals.size(); ++at)
        totals[at] += (counters->services[i].*kServiceCounterInfos[at].member).value();
    }
  if (!found) return -EINVAL;
  rte_tel_data_start_dict(out);
  for (size_t at = 0; at < totals.size(); ++at) add_number(out, kServiceCounterInfos[at].name, totals[at]);
  return 0;
}

struct Command {
  const char* name;
  telemetry_cb answer;
  const char* help;
};

constexpr Command kCommands[] = {
    {"/millrace/stats", answer<fill_stats>,
     "Counters and gauges of all shards. Parameters: int shard (optional)"},
    {"/millrace/drops", answer<fill_drops>, "Packets dropped, by reason. Parameters: int shard (optional)"},
    {"/millrace/histograms", answer<fill_histograms>,
     "Round trips, handshakes, bursts, loop times. Parameters: int shard (optional)"},
    {"/millrace/services", answer_services, "The names of the services. Takes no parameters"},
    {"/millrace/service", answer_service, "What all shards count of a service. Parameters: string name"},
};
// What one answer may hold.
static_assert(kCounterInfos.size() <= RTE_TEL_MAX_DICT_ENTRIES);
static_assert(kDropInfos.size() <= RTE_TEL_MAX_DICT_ENTRIES);
static_assert(ServiceTable::kMost <= RTE_TEL_MAX_ARRAY_ENTRIES);

}  // namespace

Result<std::unique_ptr<Telemetry>> Telemetry::start(std::span<const Counters* const> shards) {
  static bool registered = false;
  for (const Command& command : kCommands) {
    if (registered) break;
    const int error = rte_telemetry_register_cmd(command.name, command.answer, command.help);
    if (error != 0)
      return Failure{std::string("DPDK telemetry takes no command ") + command.name + ": " +
                     rte_strerror(-error)};
  }
  registered = true;
  const std::lock_guard lock(mutex);
  told = shards;
  return std::unique_ptr<Telemetry>(new Telemetry);
}

Telemetry::~Telemetry() {
  const std::lock_guard lock(mutex);
  told = {};
}

}  // namespace millrace::dpdk

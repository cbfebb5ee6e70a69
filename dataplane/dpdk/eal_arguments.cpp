// Which arguments EAL gets: no DPDK needed to say so. Neighbour: eal.cpp hands them over.
#include <algorithm>

#include "dpdk/eal.h"

namespace millrace::dpdk {

namespace {

std::string listed(const std::vector<uint32_t>& cpus) {
  std::string text;
  for (const uint32_t cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
  return text;
}

bool contains(const std::vector<uint32_t>& cpus, uint32_t cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

std::string lcore_map(const CpuPlan& cpus) {
  std::string map = "0@(" + listed(cpus.control) + ')';
  for (size_t i = 0; i < cpus.workers.size(); ++i)
    map += ',' + std::to_string(i + 1) + '@' + std::to_string(cpus.workers[i]);
  return map;
}

std::string mebibytes(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20); }

}  // namespace

Result<CpuPlan> plan_cpus(const std::vector<uint32_t>& asked, const std::vector<uint32_t>& allowed) {
  CpuPlan plan;
  // CPU 0 usually has the interrupts.
  plan.workers = !asked.empty() ? asked : std::vector{allowed[allowed.size() > 1 ? 1 : 0]};
  for (const uint32_t cpu : plan.workers)
    if (!contains(allowed, cpu))
      return Failure{"lcores.use names CPU " + std::to_string(cpu) + ", but this process may use only " +
                     listed(allowed)};
  for (const uint32_t cpu : allowed)
    if (!contains(plan.workers, cpu)) plan.control.push_back(cpu);
  if (plan.control.empty()) plan.control.push_back(plan.workers.front());
  return plan;
}

std::vector<std::string> eal_arguments(const EalParams& params, const CpuPlan& cpus, bool huge) {
  std::vector<std::string> args = {"millrace", "--lcores=" + lcore_map(cpus), "--main-lcore=0",
                                   "--file-prefix=" + params.file_prefix};
  if (params.pci.empty()) args.emplace_back("--no-pci");
  for (const std::string& device : params.pci) args.push_back("--allow=" + device);
  if (huge) {
    // Without EAL's shared configuration no secondary process finds us.
    args.emplace_back(params.in_memory ? "--in-memory" : "--no-shconf");
    if (params.single_file_segments) args.emplace_back("--single-file-segments");
    if (params.memory_bytes != 0) args.insert(args.end(), {"-m", mebibytes(params.memory_bytes)});
  } else {
    // Nothing can be added later, and EAL's own default is 64 MiB.
    const uint64_t bytes = params.memory_bytes != 0 ? params.memory_bytes : params.needed_bytes;
    args.insert(args.end(), {"--no-huge", "--no-shconf", "-m", mebibytes(bytes)});
  }
  args.insert(args.end(), params.args.begin(), params.args.end());
  return args;
}

}  // namespace millrace::dpdk

#include "dpdk/eal.h"

#include <rte_config.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_version.h>
#include <unistd.h>

#include <cstdlib>

#include "dpdk/eal_log.h"
#include "dpdk/host.h"

namespace millrace::dpdk {

namespace {

std::string& runtime_directory() {
  static std::string* const path = new std::string;
  return *path;
}

// DPDK unlinks its telemetry socket when the process exits and leaves the directory, empty. Registered before
// EAL starts and hence run after that; fails, as it should, while another endpoint of the same prefix lives.
void remove_runtime_directory() {
  if (!runtime_directory().empty()) rmdir(runtime_directory().c_str());
}

std::string mebibytes(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

Result<bool> choose_memory(const EalParams& params) {
  if (params.huge_pages == HugePages::Off) return false;
  const uint64_t free = free_huge_page_bytes();
  const uint64_t needed = params.memory_bytes != 0 ? params.memory_bytes : params.needed_bytes;
  if (free >= needed) return true;
  if (params.huge_pages == HugePages::Auto) return false;
  constexpr uint64_t kPage = 2 << 20;
  return Failure{"eal.huge_pages is on, but of " + mebibytes(needed) + " needed only " + mebibytes(free) +
                 " are free as huge pages; reserve them by `sysctl vm.nr_hugepages=" +
                 std::to_string((needed + kPage - 1) / kPage) + "`, or set eal.huge_pages to auto or off"};
}

int initialise(const std::vector<std::string>& args, std::string& printed) {
  std::vector<char*> argv;
  std::vector<std::string> words = args;  // EAL permutes and keeps them
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  StandardStreamCapture capture;
  const int result = rte_eal_init(static_cast<int>(words.size()), argv.data());
  printed = capture.first_line();
  return result;
}

}  // namespace

Result<std::unique_ptr<Eal>> Eal::start(const EalParams& params) {
  Result<CpuPlan> cpus = plan_cpus(params.cpus, allowed_cpus());
  if (!cpus) return cpus.failure();
  Result<bool> huge = choose_memory(params);
  if (!huge) return huge.failure();

  capture_dpdk_log();
  std::atexit(remove_runtime_directory);
  const uint64_t mark = dpdk_log_mark();
  std::string printed;
  const int result = initialise(eal_arguments(params, *cpus, *huge), printed);
  if (const char* directory = rte_eal_get_runtime_dir(); directory != nullptr)
    runtime_directory() = directory;
  if (result < 0) {
    const int error = rte_errno;
    std::string why = printed.starts_with("millrace: ") ? printed.substr(10) : dpdk_error_since(mark);
    if (why.empty()) why = rte_strerror(error);
    return Failure{"DPDK does not start: " + why};
  }
  std::unique_ptr<Eal> eal(new Eal(*huge, std::move(*cpus)));
  if (rte_eal_process_type() != RTE_PROC_PRIMARY)
    return Failure{"DPDK secondary processes are not supported: their primary's memory is its own"};
  return eal;
}

Eal::~Eal() { rte_eal_cleanup(); }

std::string Eal::version() { return rte_version(); }

}  // namespace millrace::dpdk

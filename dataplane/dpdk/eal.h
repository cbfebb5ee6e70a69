// DPDK's environment: made from a plain struct, ended by the destructor. One a process and one in its life.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dpdk/result.h"

namespace millrace::dpdk {

enum class HugePages : uint8_t { Auto, On, Off };

struct EalParams {
  HugePages huge_pages = HugePages::Auto;
  std::string file_prefix = "millrace";
  uint64_t memory_bytes = 0;  // 0: what is needed
  uint64_t needed_bytes = 0;  // by pools and devices
  bool in_memory = true;      // no files in the huge page file system
  bool single_file_segments = false;
  std::vector<uint32_t> cpus{};     // of the workers; empty: one is chosen
  std::vector<std::string> pci{};   // devices with their arguments; none: the PCI bus is left alone
  std::vector<std::string> args{};  // handed on after ours
};

// Where EAL's lcores run: lcore 0 is the control thread's, lcore i + 1 the i-th worker's.
struct CpuPlan {
  std::vector<uint32_t> control;
  std::vector<uint32_t> workers;
};
// `allowed` is not empty. Control gets every CPU that no worker has, or shares the first worker's.
Result<CpuPlan> plan_cpus(const std::vector<uint32_t>& asked, const std::vector<uint32_t>& allowed);

std::vector<std::string> eal_arguments(const EalParams& params, const CpuPlan& cpus, bool huge);

class Eal {
 public:
  // Every thread that EAL makes inherits the caller's signal mask.
  static Result<std::unique_ptr<Eal>> start(const EalParams& params);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  bool huge_pages() const { return huge_; }
  const CpuPlan& cpus() const { return cpus_; }
  static std::string version();

 private:
  Eal(bool huge, CpuPlan cpus) : huge_(huge), cpus_(std::move(cpus)) {}

  bool huge_;
  CpuPlan cpus_;
};

}  // namespace millrace::dpdk

// The CPUs that lcores run on: how many, kept free of other work, at full clock, and with a clock to trust.
#include <algorithm>
#include <map>

#include "control/doctor/probes.h"

namespace millrace::control::doctor {

namespace {

constexpr std::string_view kCpus = "CPUs";
constexpr std::string_view kFrequency = "frequency";
constexpr std::string_view kClock = "clock";
const std::string kCpuFolder = "sys/devices/system/cpu";

// Kernels write "(null)" or nothing where no CPU is meant.
std::string list_in(const Host& host, const std::string& file) {
  const std::string text = host.text(kCpuFolder + '/' + file).value_or("");
  return text.find_first_of("0123456789") == std::string::npos ? "" : text;
}

std::string last_cpus(uint64_t online) { return online <= 2 ? "1" : "1-" + std::to_string(online - 1); }

}  // namespace

std::string boot_command(std::string_view words) {
  return "echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX " + std::string(words) +
         "\"' > /etc/default/grub.d/millrace.cfg && update-grub && reboot";
}

bool has_cpu_flag(const Host& host, std::string_view flag) {
  for (const std::string& line : host.lines("proc/cpuinfo"))
    if (line.starts_with("flags"))
      return (line + ' ').find(' ' + std::string(flag) + ' ') != std::string::npos;
  return false;
}

void probe_cpus(const Host& host, Findings& findings) {
  const uint64_t online = count_of_list(list_in(host, "online"));
  if (online == 1) {
    findings.push_back(
        {kCpus, Severity::Info,
         "One CPU: the lcore shares it with everything else; leave lcores.idle at sleep or pause."});
    return;
  }
  const std::string isolated = list_in(host, "isolated"), tickless = list_in(host, "nohz_full");
  // Whoever has given a NIC to DPDK wants the latency that other work on the CPU spoils.
  const Severity wanting = has_dpdk_nic(host) ? Severity::Warning : Severity::Info;
  const std::string cpus = isolated.empty() ? last_cpus(online) : isolated;
  const std::string command = boot_command("isolcpus=" + cpus + " nohz_full=" + cpus + " rcu_nocbs=" + cpus);
  if (isolated.empty())
    findings.push_back(
        {kCpus, wanting,
         "None of " + std::to_string(online) +
             " is isolated: the scheduler may put other work on an lcore's, which shows in the "
             "highest latencies.",
         command});
  else if (tickless.empty())
    findings.push_back({kCpus, wanting,
                        isolated + " are isolated, but none is without the timer tick (nohz_full).",
                        command});
  else
    findings.push_back({kCpus, Severity::Ok,
                        isolated + " are isolated (isolcpus) and " + tickless +
                            " without the timer tick (nohz_full): give them to --lcores."});
}

void probe_frequency(const Host& host, Findings& findings) {
  std::map<std::string, uint64_t> governors;
  for (const std::string& name : host.entries(kCpuFolder)) {
    if (!name.starts_with("cpu")) continue;
    const auto governor = host.text(kCpuFolder + '/' + name + "/cpufreq/scaling_governor");
    if (governor) ++governors[*governor];
  }
  if (governors.empty()) {
    findings.push_back({kFrequency, Severity::Ok, "This kernel does not change the CPUs' clock rate."});
    return;
  }
  for (const auto& [governor, cpus] : governors) {
    const bool full = governor == "performance";
    findings.push_back(
        {kFrequency, full ? Severity::Ok : Severity::Warning,
         counted(cpus, "CPU") + (cpus == 1 ? " has" : " have") + " the governor " + governor +
             (full ? "." : ": the clock rate falls when an lcore sleeps and takes time to rise."),
         full ? "" : "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"});
  }
}

void probe_clock(const Host& host, Findings& findings) {
  const std::string folder = "sys/devices/system/clocksource/clocksource0/";
  const std::string source = host.text(folder + "current_clocksource").value_or("unknown");
  const std::string others = ' ' + host.text(folder + "available_clocksource").value_or("") + ' ';
  if (source == "tsc" || source == "arch_sys_counter") {
    findings.push_back(
        {kClock, Severity::Ok, "The kernel's clock source is " + source + ", which lcores read too."});
    return;
  }
  if (has_cpu_flag(host, "constant_tsc") && has_cpu_flag(host, "nonstop_tsc") &&
      (source == "kvm-clock" || source.starts_with("hyperv"))) {
    findings.push_back({kClock, Severity::Info,
                        "The kernel's clock source is " + source +
                            ", the host's; lcores read the TSC, which runs evenly here."});
    return;
  }
  findings.push_back(
      {kClock, Severity::Warning,
       "The kernel's clock source is " + source +
           ": it does not trust the TSC, by which lcores tell the time (`dmesg | grep -i tsc` "
           "says why).",
       others.find(" tsc ") != std::string::npos ? "echo tsc > /" + folder + "current_clocksource" : ""});
}

}  // namespace millrace::control::doctor

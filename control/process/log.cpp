#include "control/process/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "dpdk/eal_log.h"

namespace millrace::control {

namespace {

spdlog::level::level_enum level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::Error:
      return spdlog::level::err;
    case config::LogLevel::Warning:
      return spdlog::level::warn;
    case config::LogLevel::Info:
      return spdlog::level::info;
    case config::LogLevel::Debug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

// A driver may say the same thing over and over while its peer is away: once a minute is enough.
class Repetitions {
 public:
  bool said_lately(std::string_view line) {
    const std::lock_guard lock(mutex_);
    const SteadyClock::time_point now = SteadyClock::now();
    if (said_.size() >= kLines || now - began_ > std::chrono::minutes(1)) {
      said_.clear();
      began_ = now;
    }
    return !said_.emplace(line).second;
  }

 private:
  using SteadyClock = std::chrono::steady_clock;
  static constexpr size_t kLines = 64;

  std::mutex mutex_;
  std::set<std::string, std::less<>> said_;
  SteadyClock::time_point began_{};
};

}  // namespace

void set_up_log(config::LogLevel level) {
  auto logger =
      std::make_shared<spdlog::logger>("millrace", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l: %v");
  logger->set_level(level_of(level));
  spdlog::set_default_logger(std::move(logger));
}

void set_log_level(config::LogLevel level) { spdlog::set_level(level_of(level)); }

void log_dpdk(DpdkPhase phase) {
  dpdk::set_dpdk_sink(
      [phase, repetitions = std::make_shared<Repetitions>()](dpdk::DpdkLevel level, std::string_view line) {
        const bool trouble = level == dpdk::DpdkLevel::Error || level == dpdk::DpdkLevel::Warning;
        const bool warns = trouble && phase == DpdkPhase::Running && !repetitions->said_lately(line);
        spdlog::log(warns ? spdlog::level::warn : spdlog::level::debug, "DPDK: {}", line);
      });
}

}  // namespace millrace::control

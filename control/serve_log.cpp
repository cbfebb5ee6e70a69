#include "control/serve_log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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

}  // namespace

void set_up_log(config::LogLevel level) {
  auto logger =
      std::make_shared<spdlog::logger>("millrace", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l: %v");
  logger->set_level(level_of(level));
  spdlog::set_default_logger(std::move(logger));
}

void log_dpdk(DpdkPhase phase) {
  dpdk::set_dpdk_sink([phase](dpdk::DpdkLevel level, std::string_view line) {
    const bool trouble = level == dpdk::DpdkLevel::Error || level == dpdk::DpdkLevel::Warning;
    spdlog::log(trouble && phase == DpdkPhase::Running ? spdlog::level::warn : spdlog::level::debug,
                "DPDK: {}", line);
  });
}

}  // namespace millrace::control

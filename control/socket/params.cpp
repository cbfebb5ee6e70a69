#include "control/socket/params.h"

#include <spdlog/spdlog.h>

namespace millrace::control {

std::string config_file(const config::Config& config) {
  for (const config::Entry& entry : config.entries())
    if (entry.origin.source == config::Source::File) return entry.origin.where;
  return {};
}

ServerParams socket_params(const config::ControlSettings& control) {
  return {.path = control.socket,
          .mode = static_cast<mode_t>(control.mode),
          .group = control.group,
          .limits = {},
          .log = [](const std::string& sentence) { spdlog::info("{}", sentence); }};
}

}  // namespace millrace::control

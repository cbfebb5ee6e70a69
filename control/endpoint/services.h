// The services of `serve`, from settings to something that a worker can make.
#pragma once

#include <string_view>
#include <vector>

#include "config/settings.h"
#include "services/registry.h"

namespace millrace::control {

// A configured service, ready to be made once a worker.
struct PreparedService {
  const config::ServiceSettings* settings;
  services::ServiceMaker make;
};

// Loads what there is to load. `settings` outlives what it returns. Throws StartError.
std::vector<PreparedService> prepare_services(const config::Settings& settings);

std::string_view kind_name(config::ServiceKind kind);

}  // namespace millrace::control

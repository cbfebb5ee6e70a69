// [load] -> what the generators are told, and what the endpoint under them is to have.
#pragma once

#include "config/config.h"
#include "services/load/params.h"

namespace millrace::control {

services::load::Params load_params(const config::LoadSettings& load);

// The settings of an endpoint for `load`: its sources are own addresses, it has no services, and it does not
// get in the way of a `serve` on the same host.
config::Settings load_endpoint_settings(const config::Settings& settings, const config::Config& config);

}  // namespace millrace::control

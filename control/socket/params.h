// What the control socket of a running endpoint is made with.
#pragma once

#include <string>

#include "config/config.h"
#include "control/socket/server.h"

namespace millrace::control {

ServerParams socket_params(const config::ControlSettings& control);

// The file that settings came from; empty: the command line told all.
std::string config_file(const config::Config& config);

}  // namespace millrace::control

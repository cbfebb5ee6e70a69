// What can be asked about captures. Neighbours: handlers.h (asks), view.h (who captures).
#pragma once

#include "control/socket/handlers.h"

namespace millrace::control {

Answer start_capture(const json& params, EndpointView& view);
// Answered when the files are whole.
Answer stop_capture(EndpointView& view);
Result captures_of(const EndpointView& view);

}  // namespace millrace::control

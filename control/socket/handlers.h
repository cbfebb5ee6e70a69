// Answers the requests of methods.h: at once from the counters, or by a job that asks the lcores.
#pragma once

#include <memory>
#include <variant>

#include "control/socket/job.h"
#include "control/socket/methods.h"

namespace millrace::control {

using Answer = std::variant<Outcome, std::unique_ptr<Job>>;

// Unknown methods and bad parameters are answered here too.
Answer answer(const Request& request, EndpointView& view);

}  // namespace millrace::control

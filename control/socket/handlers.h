// Answers the requests of methods.h: at once from the counters, by a job that asks the lcores, or
// by somebody who takes the connection over.
#pragma once

#include <memory>
#include <variant>

#include "control/socket/job.h"
#include "control/socket/methods.h"

namespace millrace::control {

// The connection leaves its session after this last reply.
struct HandOver {
  Result result;
  CaptureStart take;
};

using Answer = std::variant<Outcome, std::unique_ptr<Job>, HandOver>;

// Unknown methods and bad parameters are answered here too.
Answer answer(const Request& request, EndpointView& view);

}  // namespace millrace::control

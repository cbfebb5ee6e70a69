// What is in use, told once at the start.
#pragma once

#include <iosfwd>

namespace millrace::control {

class RunningEndpoint;

// Ends with a line that begins with `ready`: who waits for the endpoint waits for that.
void report_start(std::ostream& out, const RunningEndpoint& endpoint);

}  // namespace millrace::control

// The log of a running endpoint, on standard error: written by the control side and by DPDK's own threads,
// never by an lcore.
#pragma once

#include "config/settings.h"

namespace millrace::control {

void set_up_log(config::LogLevel level);
void set_log_level(config::LogLevel level);

// What DPDK says is logged from now on: its errors as warnings once the endpoint runs; before that they are
// what it tries in vain, and what matters of them stands in our own message.
enum class DpdkPhase { Starting, Running };
void log_dpdk(DpdkPhase phase);

}  // namespace millrace::control

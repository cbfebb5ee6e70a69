// The syntax of TCP options: RFC 9293 §3.2, RFC 7323, RFC 2018. Whether an option may be used is for tcp/ to
// say. Reading is declared in parse.h, the octets taken by a set of options in build.h.
#pragma once

#include <cstdint>

#include "wire/segment.h"

namespace millrace::wire {

inline constexpr uint32_t kTcpHeader = 20;
inline constexpr uint32_t kMaxTcpOptions = 40;

// Octets of these options, a multiple of 4 and at most 40. SACK blocks that do not fit are left out.
uint32_t tcp_options_length(const TcpOptions& options, bool syn);

// Writes tcp_options_length() octets at `out` and returns their end.
uint8_t* write_tcp_options(uint8_t* out, const TcpOptions& options, bool syn);

}  // namespace millrace::wire

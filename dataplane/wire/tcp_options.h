// The syntax of TCP options: RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 7413. Whether an option may be used is
// for tcp/ to say. Reading is declared in parse.h, the octets taken by a set of options in build.h.
#pragma once

#include <cstdint>

#include "wire/segment.h"

namespace millrace::wire {

inline constexpr uint32_t kTcpHeader = 20;
inline constexpr uint32_t kMaxTcpOptions = 40;

// Octets of these options, a multiple of 4. SACK blocks that do not fit are left out; whether a Fast Open
// cookie leaves the options within kMaxTcpOptions is for who puts it there to see.
uint32_t tcp_options_length(const TcpOptions& options, bool syn);

// Writes tcp_options_length() octets at `out` and returns their end.
uint8_t* write_tcp_options(uint8_t* out, const TcpOptions& options, bool syn);

}  // namespace millrace::wire

// Options of the handshake: what we offer, what we answer, what both then use.
#pragma once

#include "base/params.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

inline constexpr uint32_t kTimestampOctets = 12;  // with its padding, in every segment
inline constexpr uint16_t kSmallestMss = 48;      // tiny values would only multiply headers

// The segment size that an interface's MTU allows (RFC 9293 §3.7.1), options not deducted.
Mss mss_for_mtu(uint16_t mtu, Family family);

// What our SYN offers.
wire::TcpOptions offer(Mss our_mss, Bytes receive_buffer, const TcpParams& params);
// What our SYN-ACK answers: nothing that was not offered (RFC 7323 §2.2, §3.2, RFC 2018 §2).
wire::TcpOptions answer(const wire::TcpOptions& offered, Mss our_mss, Bytes receive_buffer,
                        const TcpParams& params);

// From now on no larger segments (headers without options not counted).
void clamp_mss(Tcb& tcb, Mss most);

// Puts into force what both sides have said. `ours` went out, `theirs` came in.
void agree(Tcb& tcb, const wire::TcpOptions& ours, const wire::TcpOptions& theirs, Family family);

}  // namespace millrace::tcp

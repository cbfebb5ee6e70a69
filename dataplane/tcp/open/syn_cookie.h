// SYN cookies (RFC 4987 §3.6): a SYN-ACK whose sequence number, and timestamp where the peer has the option,
// hold what a SynRecord would; the ACK brings it back. Neighbours: key_ring.h (whose keys vouch for it),
// syn_queue.h (the record that is remade).
//
//   ISS    27 bits of a MAC | 2 of the epoch | 3 of the MSS
//   TSval  a clock, whose lowest 8 bits are:  ECN | 2 of the MSS | SACK permitted | 4 of the window scale
//
// The MAC is over both ends, the peer's ISN, our window scale and all that the cookie holds.
#pragma once

#include <cstdint>
#include <optional>

#include "base/params.h"
#include "tcp/open/key_ring.h"
#include "wire/segment.h"

namespace millrace::tcp {

// What a cookie can bring back of the options that a SYN offers: the next lower MSS of a table; without
// timestamps neither window scale nor SACK, nor ECN.
void keep_by_cookie(wire::Segment& syn, const TcpParams& params);

// The ISN that answers `syn`, of which keep_by_cookie() has left what it keeps. `our_scale` is what we
// should answer to a window scale.
Seq cookie_isn(const KeyRing& keys, const wire::Segment& syn, WindowScale our_scale);
// `clock` is the TSval that a SYN-ACK would have; the one returned is at most 255 ms older.
uint32_t cookie_timestamp(uint32_t clock, const wire::Segment& syn);

// The SYN to which `ack`, the handshake's third segment, is the answer to our cookie. Nothing: to none.
std::optional<wire::Segment> syn_of_cookie(const KeyRing& keys, const wire::Segment& ack,
                                           WindowScale our_scale, const TcpParams& params);

}  // namespace millrace::tcp

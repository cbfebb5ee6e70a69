// What an application is told, on the lcore that owns the connection. Neighbours: connection.h (what it may
// ask for), stack.h (how it opens and listens).
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "base/address.h"
#include "tcp/soft_error.h"

namespace millrace::app {

class Connection;

// Why a connection ended.
enum class CloseReason : uint8_t {
  Finished,      // both directions closed by FIN
  Reset,         // the peer sent RST
  Refused,       // the peer answered our SYN with RST, or ICMP said so
  TimedOut,      // retransmissions were exhausted (RFC 9293 §3.8.3)
  Unreachable,   // as TimedOut, and the network or neighbour had reported unreachability
  Aborted,       // our own abort(), or close() with data unread (RFC 9293 §3.10.4, RFC 1122 §4.2.2.13)
  NoMemory,      // no room was left to go on
  AddressInUse,  // another lcore has a connection between the same two ends
  Internal,      // an invariant of ours broke; the connection was sacrificed
};
std::string_view name_of(CloseReason reason);

using tcp::SoftError;
std::string_view name_of(SoftError error);

// Callbacks run between the receipt of a burst and the transmission of the answers, at most once a connection
// and burst each. In a callback every call on the connection is allowed, abort() included; the object lives
// until on_closed has returned, which comes exactly once and last. Callbacks must not block and must not
// throw.
class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;

  // The handshake has ended: for a listener's handler this is "accept", for connect() "connected". Where a
  // SYN with a valid Fast Open cookie has come (RFC 7413, ListenerParams::fast_open_pending) the listener's
  // handler is told before that, in SYN-RECEIVED: it may read and send, and on_closed follows if the
  // handshake then fails.
  virtual void on_established(Connection&) {}
  // There is payload in readable().
  virtual void on_readable(Connection&) {}
  // Room was made in the send buffer after send() or reserve() had come up short.
  virtual void on_writable(Connection&) {}
  // The peer has sent FIN and everything before it has been consumed: nothing more will be readable.
  virtual void on_peer_finished(Connection&) {}
  // Trouble that the connection goes on to work against (RFC 9293 §3.9.1.8 MUST-47): ICMP or the neighbour
  // cache says that the peer is out of reach, or R1 retransmissions went unanswered. Not more than ten times
  // a second, never with ConnectionParams::error_reports off; last_soft_error() remembers it.
  virtual void on_error(Connection&, SoftError) {}
  // The peer has urgent data: Connection::urgent_bytes() says up to where (RFC 9293 §3.8.5 MUST-32).
  virtual void on_urgent(Connection&) {}
  // For a listener's handler: how many more connections to `local` it takes now. Those for which there is no
  // room are dropped or reset before they exist, as `tcp.accept_overflow` says; an accept queue of bounded
  // length answers with what is left of it.
  virtual uint32_t accept_room(const Endpoint& local) const {
    static_cast<void>(local);
    return std::numeric_limits<uint32_t>::max();
  }
  // The end. A connection that failed to open goes straight here.
  virtual void on_closed(Connection&, CloseReason) {}
};

}  // namespace millrace::app

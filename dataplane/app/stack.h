// The door to the stack of one lcore: open, listen. shard/ implements it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "app/handler.h"
#include "base/address.h"
#include "base/params.h"
#include "base/time.h"

namespace millrace::app {

enum class OpenError : uint8_t {
  None,
  NoRoute,         // no route or no source address for the destination
  NoPorts,         // every ephemeral port to that destination is taken
  NoMemory,        // the table of connections is full
  AddressInUse,    // the given local endpoint already talks to that remote one; or is listened on
  AddressNotOurs,  // the given local address is not configured, or not in use
  BadAddress,      // multicast, broadcast, unspecified, port 0, or families differ
  Draining,        // the stack is stopping
};
std::string_view name_of(OpenError error);
std::string_view explain(OpenError error);  // a sentence for people

struct ConnectOptions {
  Endpoint remote;
  std::optional<IpAddress> local_address;  // none: source-address selection
  std::optional<uint16_t> local_port;      // none: ephemeral (RFC 6056)
  ConnectionParams settings = {};          // of the connection, from its SYN on
  // Queued at once, as by Connection::send(); OpenResult::taken says how much of it.
  std::span<const uint8_t> data = {};
  // Fast Open (RFC 7413). With a cookie of the server's, what is queued by the end of this iteration goes
  // with the SYN as far as it fits; without one the SYN asks for a cookie, and data waits for the handshake
  // as ever. A network that duplicates the SYN may bring its data to the server's application twice (§6.1):
  // only for requests that may be repeated.
  bool fast_open = false;
};

struct OpenResult {
  Connection* connection = nullptr;  // null: error says why
  OpenError error = OpenError::None;
  uint32_t taken = 0;  // octets of ConnectOptions::data
};

class Stack {
 public:
  Stack() = default;
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  virtual ~Stack() = default;

  // Active open (RFC 9293 §3.10.1). `handler` outlives the connection. The SYN leaves with the next transmit.
  virtual OpenResult connect(const ConnectOptions& options, Handler& handler) = 0;
  // Passive open; every connection accepted gets `handler`.
  virtual OpenError listen(const ListenerParams& params, Handler& handler, std::string_view name) = 0;
  // ListenerParams::connection of a listener that there is already; false: nobody listens on exactly this
  // endpoint.
  virtual bool set_listening(const Endpoint& local, const ConnectionParams& settings) = 0;
  // Ends the listening on exactly this endpoint: its half-open connections are forgotten, those that were
  // established stay. False: nobody listened there.
  virtual bool stop_listening(const Endpoint& local) = 0;
  // Whether connections may be opened from, and accepted at, this address, as soon as it is in use.
  virtual bool is_local(const IpAddress& address) const = 0;
  // ListenerParams::fast_open_pending of a listener that there is already; false: there is none at `local`.
  virtual bool set_fast_open_pending(const Endpoint& local, uint32_t pending) = 0;
  // Octets that go with the SYN of a connect() with `fast_open`, whatever options it has; 0: there is no
  // cookie for it, nullopt: Fast Open is off.
  virtual std::optional<Bytes> fast_open_room(const ConnectOptions& options) const = 0;

  // What a connection follows that does not say otherwise.
  virtual const TcpParams& tcp_params() const = 0;
  // The instant of the current iteration.
  virtual Instant now() const = 0;

 private:
  friend class Connection;
  // The connection has something to send, deliver or re-arm.
  virtual void touch(Connection& connection) = 0;
};

}  // namespace millrace::app

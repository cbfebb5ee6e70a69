// What belongs to a service: connections that begin and end. Octets and segments are added where they are
// counted for the shard (receive.cpp, serve.cpp).
#include "shard/impl.h"

namespace millrace::shard {

void Shard::Impl::count_opened(app::Connection& connection, uint8_t service) {
  connection.links.service = service;
  ServiceCounters& of = counters.services[service];
  of.accepted.add();
  of.connections.add();
}

void Shard::Impl::count_ended(const app::Connection& connection) {
  ServiceCounters& of = service_of(connection);
  of.closed.add();
  of.connections.subtract(1);
  switch (connection.tcb().cold.end) {
    case tcp::End::Reset:
    case tcp::End::Refused:
      return of.reset_by_peer.add();
    case tcp::End::TimedOut:
    case tcp::End::Unreachable:
      return of.timed_out.add();
    case tcp::End::Aborted:
    case tcp::End::NoMemory:
    case tcp::End::AddressInUse:
    case tcp::End::Internal:
      return of.reset_by_us.add();
    case tcp::End::None:  // TIME-WAIT
    case tcp::End::Finished:
      return;
  }
}

}  // namespace millrace::shard

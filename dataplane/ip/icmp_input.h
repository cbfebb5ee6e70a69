// ICMP and ICMPv6 as they come in: echo is answered, errors become typed hints to TCP. Neighbours:
// wire/icmp.cpp has checked form and checksum; neighbor_input.h takes neighbour discovery, icmp_output.h the
// answers.
#pragma once

#include <optional>

#include "base/counters.h"
#include "base/params.h"
#include "ip/host.h"
#include "ip/icmp_output.h"
#include "ip/local_addresses.h"
#include "ip/routes.h"

namespace millrace::ip {

class IcmpInput {
 public:
  IcmpInput(const IcmpParams& params, const LocalAddresses& local, const Routes& routes, IcmpOutput& output,
            Counters& counters)
      : params_(params), local_(local), routes_(routes), output_(output), counters_(counters) {}

  // Any ICMP message but neighbour discovery.
  std::optional<TransportError> receive(const wire::Frame& frame, PacketBatch& out);

 private:
  bool ends_valid(const wire::Frame& frame);
  void on_echo_request(const wire::Frame& frame, PacketBatch& out);
  std::optional<TransportError> on_error(const wire::Frame& frame);

  const IcmpParams& params_;
  const LocalAddresses& local_;
  const Routes& routes_;
  IcmpOutput& output_;
  Counters& counters_;
};

}  // namespace millrace::ip

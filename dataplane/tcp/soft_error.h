// Trouble that ends nothing: the connection goes on trying (RFC 9293 §3.9.2.2, §3.8.3).
#pragma once

#include <cstdint>

namespace millrace::tcp {

enum class SoftError : uint8_t {
  None,
  NetUnreachable,
  HostUnreachable,
  ProtocolUnreachable,
  PortUnreachable,
  Prohibited,
  TimeExceeded,
  ParameterProblem,
  NeighborUnreachable,  // address resolution failed
  Retransmitting,       // R1 is reached
};

}  // namespace millrace::tcp

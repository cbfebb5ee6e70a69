// The link layer that packetdrill does not have: an Ethernet header around each packet, and a gateway that
// answers ARP and neighbour solicitations at once. Neighbour: stack.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/address.h"

namespace millrace::packetdrill {

// Nothing: no IP packet.
std::optional<std::vector<uint8_t>> framed(std::span<const uint8_t> packet);
// The destination of a framed packet.
IpAddress destination_of(std::span<const uint8_t> packet);

// The frame that answers `frame` where that asks for a neighbour.
std::optional<std::vector<uint8_t>> gateway_answer(std::span<const uint8_t> frame);
// Whether a frame of the stack is the link's own business: ARP, neighbour discovery, group membership.
bool is_link_business(std::span<const uint8_t> frame);

}  // namespace millrace::packetdrill

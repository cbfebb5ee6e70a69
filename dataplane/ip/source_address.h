// The choice of our address to speak from. Neighbours: local_addresses.h, routes.h.
#pragma once

#include <optional>

#include "base/address.h"
#include "ip/local_addresses.h"

namespace millrace::ip {

// RFC 6724 §5 over our addresses: rules 1, 2, 5.5 (in the shape that one interface needs), 6 and 8. Rules 3,
// 4, 5 and 7 tell apart what we do not have. `next_hop` is where a packet for `destination` goes. None: no
// address of that family.
std::optional<IpAddress> select_source(const LocalAddresses& local, const IpAddress& destination,
                                       const IpAddress& next_hop);

}  // namespace millrace::ip

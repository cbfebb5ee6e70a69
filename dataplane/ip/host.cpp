// The internet layer put together. Neighbours: host.h is the page that others see; the other files of ip/
// each hold one of the parts below.
#include "ip/host.h"

#include <cstring>

#include "ip/icmp_input.h"
#include "ip/icmp_output.h"
#include "ip/link_messages.h"
#include "ip/local_addresses.h"
#include "ip/neighbor.h"
#include "ip/neighbor_input.h"
#include "ip/routes.h"
#include "ip/source_address.h"

namespace millrace::ip {

struct Host::Impl {
  Impl(const InterfaceParams& interface_params, const NeighborParams& neighbor_params,
       const IcmpParams& icmp_params, PacketPool& pool, Counters& counters_in)
      : interface(interface_params),
        icmp(icmp_params),
        counters(counters_in),
        local(interface_params),
        routes(interface_params, local),
        messages(interface_params, local, pool, counters_in),
        neighbors(neighbor_params, messages, counters_in),
        neighbor_input(interface_params, local, routes, neighbors, messages, counters_in),
        icmp_output(interface_params, icmp_params, local, pool, counters_in),
        icmp_input(icmp_params, local, routes, icmp_output, counters_in) {}

  // The neighbour on the way to `destination`; not valid: no route, or nobody known there.
  NeighborHandle neighbor_of(const IpAddress& destination) {
    if (last_destination == destination && neighbors.valid(last_handle)) [[likely]]
      return last_handle;
    const IpAddress* next_hop = routes.next_hop(destination);
    if (next_hop == nullptr) return {};
    last_destination = destination;
    last_handle = neighbors.find(*next_hop);
    return last_handle;
  }

  const InterfaceParams& interface;
  const IcmpParams& icmp;
  Counters& counters;
  LocalAddresses local;
  Routes routes;
  LinkMessages messages;
  NeighborTable neighbors;
  NeighborInput neighbor_input;
  IcmpOutput icmp_output;
  IcmpInput icmp_input;
  // Bursts tend to go one way: the last answer is tried before routes and cache.
  IpAddress last_destination;
  NeighborHandle last_handle;
};

Host::Host(const InterfaceParams& interface, const NeighborParams& neighbor, const IcmpParams& icmp,
           PacketPool& pool, Counters& counters)
    : impl_(std::make_unique<Impl>(interface, neighbor, icmp, pool, counters)) {}

Host::~Host() = default;

LocalId Host::local_id(const IpAddress& address) const { return impl_->local.find(address); }
const IpAddress& Host::local_address(LocalId id) const { return impl_->local.at(id); }
void Host::params_changed() { impl_->icmp_output.set_errors_per_second(impl_->icmp.errors_per_second); }

const InterfaceParams& Host::interface() const { return impl_->interface; }

void Host::add_address(const Prefix& prefix) {
  if (!impl_->local.add(prefix)) return;
  impl_->routes.add_on_link(prefix);
  impl_->last_handle = {};
}

bool Host::source_acceptable(const IpAddress& source) const {
  return !impl_->local.contains(source) && !impl_->local.is_subnet_broadcast(source);
}

void Host::announce(Instant, PacketBatch& out) { impl_->messages.announce_all(out); }

std::optional<TransportError> Host::receive(const wire::Frame& frame, Instant now, PacketBatch& out) {
  if (frame.kind == wire::FrameKind::Arp) {
    impl_->neighbor_input.receive_arp(frame, now, out);
    return std::nullopt;
  }
  if (frame.kind == wire::FrameKind::Icmp6 && frame.message[0] >= wire::icmp6::kRouterSolicit &&
      frame.message[0] <= wire::icmp6::kRedirect) {
    impl_->neighbor_input.receive_nd(frame, now, out);
    return std::nullopt;
  }
  if (frame.kind == wire::FrameKind::Icmp4 || frame.kind == wire::FrameKind::Icmp6)
    return impl_->icmp_input.receive(frame, out);
  return std::nullopt;
}

void Host::confirm(const IpAddress& remote, Instant now) {
  const NeighborHandle handle = impl_->neighbor_of(remote);
  if (impl_->neighbors.valid(handle)) impl_->neighbors.confirm(handle, now);
}

void Host::heard_handshake(const IpAddress& remote, const MacAddress& mac, Instant now, PacketBatch& out) {
  if (resolve(remote, now) != nullptr) return;
  const IpAddress* next_hop = impl_->routes.next_hop(remote);
  if (next_hop != nullptr && *next_hop == remote) impl_->neighbors.heard_request(remote, mac, now, out);
}

void Host::doubt(const IpAddress& remote, Instant now) {
  const NeighborHandle handle = impl_->neighbor_of(remote);
  if (impl_->neighbors.valid(handle)) impl_->neighbors.doubt(handle, now);
}

std::optional<IpAddress> Host::select_source(const IpAddress& destination) const {
  const IpAddress* next_hop = impl_->routes.next_hop(destination);
  if (next_hop == nullptr) return std::nullopt;
  return ip::select_source(impl_->local, destination, *next_hop);
}

const MacAddress* Host::resolve(const IpAddress& destination, Instant now) {
  const NeighborHandle handle = impl_->neighbor_of(destination);
  return impl_->neighbors.valid(handle) ? impl_->neighbors.use(handle, now) : nullptr;
}

bool Host::send(Packet&& packet, const IpAddress& destination, Instant now, PacketBatch& out) {
  if (const MacAddress* mac = resolve(destination, now)) {
    std::memcpy(packet.data(), mac->octets().data(), 6);
    return emit(std::move(packet), out, impl_->counters);
  }
  const IpAddress* next_hop = impl_->routes.next_hop(destination);
  if (next_hop == nullptr) {
    impl_->counters.drop(DropReason::NoRoute);
    packet.reset();
    return false;
  }
  return impl_->neighbors.hold(std::move(packet), *next_hop, destination, now, out);
}

void Host::share_news() { impl_->neighbor_input.share_news(); }
std::vector<NeighborNews> Host::take_news() { return impl_->neighbor_input.take_news(); }

void Host::learn(const NeighborNews& news, Instant now, PacketBatch& out) {
  const Advertisement advertisement{
      .mac = news.mac, .solicited = impl_->neighbors.asking(news.address), .override_ = news.override_};
  impl_->neighbors.heard_advertisement(news.address, advertisement, now, out);
}

std::vector<IpAddress> Host::take_unreachable() { return impl_->neighbors.take_unreachable(); }

void Host::send_error(const wire::Frame& frame, uint8_t type, uint8_t code, Instant now, PacketBatch& out) {
  impl_->icmp_output.send_error(frame, type, code, now, out);
}

void Host::expire(Instant now, PacketBatch& out) { impl_->neighbors.expire(now, out); }
Instant Host::next_deadline() const { return impl_->neighbors.next_deadline(); }
std::vector<NeighborRow> Host::neighbors() const { return impl_->neighbors.rows(); }

}  // namespace millrace::ip

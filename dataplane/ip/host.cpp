// The internet layer put together. Neighbours: host.h is the page that others see; the other files of ip/
// each hold one of the parts below.
#include "ip/host.h"

#include <array>
#include <cstring>

#include "ip/announcer.h"
#include "ip/duplicate_address.h"
#include "ip/icmp_input.h"
#include "ip/icmp_output.h"
#include "ip/link_messages.h"
#include "ip/local_addresses.h"
#include "ip/multicast.h"
#include "ip/neighbor.h"
#include "ip/neighbor_input.h"
#include "ip/router_discovery.h"
#include "ip/routes.h"
#include "ip/source_address.h"

namespace millrace::ip {

struct Host::Impl {
  Impl(const InterfaceParams& interface_params, const NeighborParams& neighbor_params,
       const IcmpParams& icmp_params, PacketPool& pool, Entropy& entropy, Counters& counters_in)
      : interface(interface_params),
        neighbor_params_given(neighbor_params),
        neighbor_params_now(neighbor_params),
        icmp(icmp_params),
        counters(counters_in),
        local(interface_params),
        routes(interface_params, local),
        messages(interface_params, local, pool, counters_in),
        neighbors(neighbor_params_now, messages, counters_in),
        announcer(local, messages),
        duplicates(neighbor_params_now, local, messages, news, entropy, counters_in),
        listener(interface_params, neighbor_params_now, local, pool, entropy, counters_in),
        routers(interface_params, neighbor_params_now, local, routes, neighbors, pool, entropy, counters_in),
        neighbor_input(interface_params, local, routes, neighbors, duplicates, messages, news, counters_in),
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

  // What routers say of the link counts before what is configured.
  void refresh() {
    neighbor_params_now = neighbor_params_given;
    const RouterDiscovery::LinkParameters& link = routers.link();
    neighbor_params_now.reachable = link.reachable.value_or(neighbor_params_given.reachable);
    neighbor_params_now.retransmit = link.retransmit.value_or(neighbor_params_given.retransmit);
    last_handle = {};
  }

  const InterfaceParams& interface;
  const NeighborParams& neighbor_params_given;
  NeighborParams neighbor_params_now;
  const IcmpParams& icmp;
  Counters& counters;
  LocalAddresses local;
  Routes routes;
  LinkMessages messages;
  NeighborTable neighbors;
  NewsBoard news;
  Announcer announcer;
  DuplicateAddresses duplicates;
  MulticastListener listener;
  RouterDiscovery routers;
  NeighborInput neighbor_input;
  IcmpOutput icmp_output;
  IcmpInput icmp_input;
  // Bursts tend to go one way: the last answer is tried before routes and cache.
  IpAddress last_destination;
  NeighborHandle last_handle;
};

Host::Host(const InterfaceParams& interface, const NeighborParams& neighbor, const IcmpParams& icmp,
           PacketPool& pool, Entropy& entropy, Counters& counters)
    : impl_(std::make_unique<Impl>(interface, neighbor, icmp, pool, entropy, counters)) {}

Host::~Host() = default;

LocalId Host::local_id(const IpAddress& address) const { return impl_->local.find(address); }

bool Host::is_configured(const IpAddress& address) const {
  if (impl_->local.contains(address)) return true;
  const LocalId id = impl_->local.number_of(address);
  return id != kNoLocal && impl_->local.state(id) != AddressState::Duplicate;
}

const IpAddress& Host::local_address(LocalId id) const { return impl_->local.at(id); }
void Host::params_changed() {
  impl_->icmp_output.set_errors_per_second(impl_->icmp.errors_per_second);
  impl_->refresh();
}

uint16_t Host::mtu(Family family) const {
  if (family == Family::V4) return impl_->interface.mtu;
  return impl_->routers.link().mtu.value_or(impl_->interface.mtu);
}

const InterfaceParams& Host::interface() const { return impl_->interface; }

void Host::add_address(const Prefix& prefix) {
  if (!impl_->local.add(prefix)) return;
  impl_->routes.add_on_link(prefix);
  impl_->last_handle = {};
}

bool Host::source_acceptable(const IpAddress& source) const {
  return !impl_->local.contains(source) && !impl_->local.is_subnet_broadcast(source);
}

void Host::start(bool speaks, Instant now, PacketBatch& out) {
  impl_->duplicates.begin(speaks, now);
  if (!speaks) return;
  // RFC 4862 §5.4.2: the groups are joined before anything is asked.
  impl_->listener.begin(now);
  impl_->announcer.begin(1, now);
  impl_->routers.begin(now);
  expire(now, out);
}

void Host::link_changed(bool up, Instant now) {
  if (!up) return impl_->duplicates.pause();
  impl_->duplicates.resume(now);
  impl_->listener.begin(now);
  impl_->announcer.begin(Announcer::kTimes, now);
  impl_->routers.begin(now);
}

std::optional<TransportError> Host::receive(const wire::Frame& frame, Instant now, PacketBatch& out) {
  if (frame.kind == wire::FrameKind::Arp) {
    impl_->neighbor_input.receive_arp(frame, now, out);
    return std::nullopt;  // IPv4 addresses have no groups of theirs to leave
  }
  if (frame.kind == wire::FrameKind::Icmp6 && concerns_all(frame)) {
    receive_from_router(frame, now, out);
    return std::nullopt;
  }
  if (frame.kind == wire::FrameKind::Icmp6 && frame.message[0] >= wire::icmp6::kRouterSolicit &&
      frame.message[0] <= wire::icmp6::kRedirect) {
    impl_->neighbor_input.receive_nd(frame, now, out);
    if (impl_->duplicates.take_given_up()) impl_->listener.follow_addresses(now);
    return std::nullopt;
  }
  if (frame.kind == wire::FrameKind::Icmp4 || frame.kind == wire::FrameKind::Icmp6)
    return impl_->icmp_input.receive(frame, out);
  return std::nullopt;
}

bool Host::concerns_all(const wire::Frame& frame) {
  if (frame.kind != wire::FrameKind::Icmp6) return false;
  return frame.message[0] == wire::icmp6::kRouterAdvert || frame.message[0] == wire::icmp6::kMldQuery;
}

[[gnu::cold]] void Host::receive_from_router(const wire::Frame& frame, Instant now, PacketBatch& out) {
  if (!impl_->local.contains(frame.destination) && !impl_->local.in_group(frame.destination))
    return impl_->counters.drop(DropReason::IpNotOurs);
  if (frame.message[0] == wire::icmp6::kMldQuery) {
    if (!impl_->listener.receive(frame, now)) impl_->counters.drop(DropReason::IcmpUnwanted);
  } else if (impl_->routers.receive(frame, now, out)) {
    impl_->refresh();
  }
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

void Host::share_news() { impl_->news.share(); }
bool Host::has_news() const { return !impl_->news.empty(); }
std::vector<LinkNews> Host::take_news() { return impl_->news.take(); }

void Host::learn(const LinkNews& news, Instant now, PacketBatch& out) {
  if (news.kind == LinkNews::Kind::Address) {
    impl_->duplicates.learn(news);
    if (impl_->duplicates.take_given_up()) impl_->listener.follow_addresses(now);
    return;
  }
  const Advertisement advertisement{
      .mac = news.mac, .solicited = impl_->neighbors.asking(news.address), .override_ = news.override_};
  impl_->neighbors.heard_advertisement(news.address, advertisement, now, out);
}

std::vector<IpAddress> Host::take_unreachable() { return impl_->neighbors.take_unreachable(); }

void Host::send_error(const wire::Frame& frame, uint8_t type, uint8_t code, Instant now, PacketBatch& out) {
  impl_->icmp_output.send_error(frame, type, code, now, out);
}

void Host::expire(Instant now, PacketBatch& out) {
  impl_->neighbors.expire(now, out);
  bool ways_changed = impl_->routers.expire(now, out);
  if (impl_->neighbors.has_failed())
    for (const IpAddress& neighbor : impl_->neighbors.take_failed()) ways_changed |= impl_->routers.unreachable(neighbor);
  if (ways_changed) impl_->refresh();
  if (impl_->duplicates.expire(now, out)) {
    impl_->announcer.begin(Announcer::kTimes, now);
    impl_->listener.follow_addresses(now);
  }
  impl_->announcer.expire(now, out);
  impl_->listener.expire(now, out);
}

Instant Host::next_deadline() const {
  const Instant link = earlier(impl_->duplicates.next_deadline(), impl_->announcer.next_deadline());
  const Instant routers = earlier(impl_->routers.next_deadline(), impl_->listener.next_deadline());
  return earlier(impl_->neighbors.next_deadline(), earlier(link, routers));
}

std::vector<NeighborRow> Host::neighbors() const { return impl_->neighbors.rows(); }

std::vector<RouteRow> Host::routes(Instant now) const {
  static constexpr std::array kPreferences = {"low", "medium", "high"};
  std::vector<RouteRow> rows = impl_->routes.rows();
  const auto left = [now](Instant expires) {
    return expires == kNever ? std::nullopt : std::optional(expires - now);
  };
  for (const RouterDiscovery::OnLinkPrefix& prefix : impl_->routers.prefixes())
    rows.push_back({.destination = prefix.prefix, .gateway = {}, .learnt = true, .lifetime = left(prefix.expires)});
  const IpAddress* chosen = impl_->routers.default_router();
  for (const RouterDiscovery::Router& router : impl_->routers.routers()) {
    const bool in_use = chosen != nullptr && *chosen == router.address;
    rows.push_back({.destination = {IpAddress(), 0},
                    .gateway = router.address,
                    .learnt = true,
                    .preference = kPreferences[static_cast<size_t>(router.preference) + 1],
                    .state = in_use ? "in_use" : router.unreachable ? "unreachable" : "standby",
                    .lifetime = left(router.expires)});
  }
  return rows;
}

std::vector<AddressRow> Host::addresses() const {
  static constexpr std::array kNames = {"tentative", "preferred", "duplicate"};
  std::vector<AddressRow> rows;
  for (LocalId id = 0; id < impl_->local.prefixes().size(); ++id)
    rows.push_back({.prefix = impl_->local.prefixes()[id],
                    .state = kNames[static_cast<size_t>(impl_->local.state(id))]});
  return rows;
}

}  // namespace millrace::ip

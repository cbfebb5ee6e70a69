// Router discovery (RFC 4861 §6.3) with preferences (RFC 4191): which routers there are, for how long, and what
// they say of the link. What is configured comes first: routes.h. All that is learnt is bounded. Neighbours:
// wire/router.h has the form of messages; neighbor.h the routers' MAC addresses.
#pragma once

#include <optional>
#include <vector>

#include "base/counters.h"
#include "base/entropy.h"
#include "base/packet.h"
#include "base/params.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "ip/local_addresses.h"
#include "ip/neighbor.h"
#include "ip/routes.h"
#include "wire/router.h"

namespace millrace::ip {

class RouterDiscovery {
 public:
  static constexpr size_t kRouters = 8;    // RFC 4861 §6.3.4: at least two
  static constexpr size_t kPrefixes = 16;  // on the link
  // Of all shards' advertisements: more in a second are not worth looking at.
  static constexpr uint32_t kAdvertisementsPerSecond = 100;

  struct Router {
    IpAddress address;
    wire::RouterPreference preference = wire::RouterPreference::Medium;
    Instant expires{};
    bool unreachable = false;  // by neighbour unreachability detection, since it was last heard
  };
  struct OnLinkPrefix {
    Prefix prefix;
    Instant expires{};  // kNever: without end
  };
  // What routers say of the link; what they leave open is as configured.
  struct LinkParameters {
    std::optional<Micros> reachable;
    std::optional<Micros> retransmit;
    std::optional<uint16_t> mtu;
  };

  RouterDiscovery(const InterfaceParams& interface, const NeighborParams& params, const LocalAddresses& local,
                  Routes& routes, NeighborTable& neighbors, PacketPool& pool, Entropy& entropy,
                  Counters& counters);

  // The link is there, or there again: routers are asked to speak (RFC 4861 §6.3.7).
  void begin(Instant now);
  // A valid router advertisement (type 134). True: the ways out have changed, or what is known of the link.
  bool receive(const wire::Frame& frame, Instant now, PacketBatch& out);
  // A neighbour does not answer. True: likewise.
  bool unreachable(const IpAddress& neighbor);
  // True: likewise.
  bool expire(Instant now, PacketBatch& out) {
    if (now < next_deadline_) [[likely]]
      return false;
    return expire_due(now, out);
  }
  Instant next_deadline() const { return next_deadline_; }

  const LinkParameters& link() const { return link_; }
  const std::vector<Router>& routers() const { return routers_; }
  const std::vector<OnLinkPrefix>& prefixes() const { return prefixes_; }
  // Where packets go for which no route is configured; nullptr: nowhere.
  const IpAddress* default_router() const { return chosen_ ? &*chosen_ : nullptr; }

 private:
  bool take_router(const wire::RouterAdvertisement& advertisement, Instant now);
  bool take_prefix(const wire::PrefixInformation& information, Instant now);
  bool take_link(const wire::RouterAdvertisement& advertisement);
  bool expire_due(Instant now, PacketBatch& out);
  void solicit(Instant now, PacketBatch& out);
  bool choose();
  void tell_prefixes();
  void rearm();

  const InterfaceParams& interface_;
  const NeighborParams& params_;
  const LocalAddresses& local_;
  Routes& routes_;
  NeighborTable& neighbors_;
  PacketPool& pool_;
  Entropy& entropy_;
  Counters& counters_;
  TokenBucket advertisements_{kAdvertisementsPerSecond};
  std::vector<Router> routers_;
  std::vector<OnLinkPrefix> prefixes_;
  LinkParameters link_;
  std::optional<IpAddress> chosen_;
  unsigned solicitations_ = 0;  // still to be sent
  Instant solicit_at_ = kNever;
  Instant next_deadline_ = kNever;
};

}  // namespace millrace::ip

// Duplicate address detection (RFC 4862 §5.4) and, for IPv4, address conflict detection (RFC 5227 §2.1): an
// address is used once the link has been asked for it and nobody has objected. Neighbours: neighbor_input.h
// tells what comes; link_messages.h asks; announcer.h goes on from there.
#pragma once

#include <utility>
#include <vector>

#include "base/counters.h"
#include "base/entropy.h"
#include "base/params.h"
#include "base/time.h"
#include "ip/link_messages.h"
#include "ip/link_news.h"
#include "ip/local_addresses.h"

namespace millrace::ip {

class DuplicateAddresses {
 public:
  DuplicateAddresses(const NeighborParams& params, LocalAddresses& local, LinkMessages& messages,
                     NewsBoard& news, Entropy& entropy, Counters& counters)
      : params_(params),
        local_(local),
        messages_(messages),
        news_(news),
        entropy_(entropy),
        counters_(counters) {}

  // The link is there: every address becomes tentative whose family has probes. `speaks`: it is we who ask;
  // otherwise another shard does, and tells.
  void begin(bool speaks, Instant now);
  // Without a link nobody can object: the addresses that are tentative stay so until they have been asked for
  // on one. Of the shard that speaks.
  void pause() { checks_.clear(); }
  void resume(Instant now);
  // Whether `address` is being asked for.
  bool is_tentative(const IpAddress& address) const {
    if (local_.tentative() == 0) [[likely]]
      return false;
    const LocalId id = local_.number_of(address);
    return id != kNoLocal && local_.state(id) == AddressState::Tentative;
  }

  // Another host speaks for an address of ours that is tentative.
  void conflict(const IpAddress& address);
  // Whether a solicitation from the unspecified address is ours, come back (RFC 7527 §4.1).
  bool is_own_probe(const wire::NdMessage& message) const;
  void learn(const LinkNews& news);
  // Whether an address has been given up since the last call.
  bool take_given_up() { return std::exchange(given_up_, false); }

  // True: addresses have come into use.
  bool expire(Instant now, PacketBatch& out) {
    if (checks_.empty()) [[likely]]
      return false;
    return expire_checks(now, out);
  }
  Instant next_deadline() const;

 private:
  struct Check {
    LocalId id;
    uint32_t probes;  // still to be sent
    Instant at;       // the next probe, or the end
    wire::NdNonce nonce;
  };

  uint32_t probes_for(LocalId id) const;
  Instant first_probe(Instant now) const;
  wire::NdNonce draw_nonce() const;
  bool expire_checks(Instant now, PacketBatch& out);
  bool probe(Check& check, Instant now, PacketBatch& out);
  void enter(LocalId id, AddressState state);
  void forget(LocalId id);

  const NeighborParams& params_;
  LocalAddresses& local_;
  LinkMessages& messages_;
  NewsBoard& news_;
  Entropy& entropy_;
  Counters& counters_;
  bool speaks_ = false;
  bool given_up_ = false;
  std::vector<Check> checks_;
};

}  // namespace millrace::ip

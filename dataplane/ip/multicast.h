// The groups that we listen to, told to the routers and switches of the link (RFC 3810): when we join them, and
// when asked. Neighbours: wire/mld.h, local_addresses.h.
#pragma once

#include <vector>

#include "base/counters.h"
#include "base/entropy.h"
#include "base/packet.h"
#include "base/params.h"
#include "base/time.h"
#include "ip/local_addresses.h"
#include "wire/mld.h"
#include "wire/parse.h"

namespace millrace::ip {

class MulticastListener {
 public:
  MulticastListener(const InterfaceParams& interface, const NeighborParams& params,
                    const LocalAddresses& local, PacketPool& pool, Entropy& entropy, Counters& counters)
      : interface_(interface),
        params_(params),
        local_(local),
        pool_(pool),
        entropy_(entropy),
        counters_(counters) {}

  // The link is there, or there again: every group is reported.
  void begin(Instant now);
  // Our addresses have changed, and with them the groups.
  void follow_addresses(Instant now);
  // An ICMPv6 message. False: it is no query of which we take notice.
  bool receive(const wire::Frame& frame, Instant now);

  void expire(Instant now, PacketBatch& out) {
    if (now >= next_deadline()) [[unlikely]]
      send_due(now, out);
  }
  Instant next_deadline() const { return earlier(earlier(change_at_, answer_at_), send_at_); }

 private:
  struct Group {
    IpAddress address;
    bool left = false;
    unsigned changes = 0;  // reports of the change still to be sent
  };

  [[gnu::cold]] void send_due(Instant now, PacketBatch& out);
  void queue_changes(Instant now);
  void queue_answer();
  bool send_some(Instant now, PacketBatch& out);
  std::vector<IpAddress> wanted() const;
  IpAddress source() const;
  Micros draw(Micros below) const;

  const InterfaceParams& interface_;
  const NeighborParams& params_;
  const LocalAddresses& local_;
  PacketPool& pool_;
  Entropy& entropy_;
  Counters& counters_;
  bool speaks_ = false;  // from begin() on
  std::vector<Group> groups_;
  Instant change_at_ = kNever;
  Instant answer_at_ = kNever;
  Instant answer_after_{};    // not before that
  Instant version1_until_{};  // a querier of version 1 has been heard
  std::vector<wire::MldGroup> queue_;  // records to be sent
  Instant send_at_ = kNever;           // them
};

}  // namespace millrace::ip

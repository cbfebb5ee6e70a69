// The way from one shard to the others of the endpoint. dpdk/ makes it of rings between lcores, simulations
// of queues. Neighbour: steer.cpp, the only one who uses it.
#pragma once

#include <cstdint>

#include "base/packet.h"
#include "flow/steering.h"
#include "ip/link_news.h"
#include "wire/segment.h"

namespace millrace::shard {

// What one shard tells another.
struct alignas(4) Notice {  // rings copy words
  enum class Kind : uint8_t {
    Link,  // what it has heard of the link: `news`
    // A connection of `from` uses a flow that by the steering function is the receiver's.
    Claim,    // may it?
    Granted,  // it may: packets of the flow are handed over
    Denied,   // the flow is in use
    Release,  // it has ended
  };
  Kind kind = Kind::Link;
  uint16_t from = 0;
  ip::LinkNews news{};
  wire::FlowAddress flow{};
};

class Peers {
 public:
  Peers() = default;
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;
  virtual ~Peers() = default;

  // Takes the packet. False: that shard has too many waiting, and the packet stays.
  virtual bool hand_over(unsigned shard, Packet& packet) = 0;
  // False: too many are waiting; tell it again later.
  virtual bool tell(unsigned shard, const Notice& notice) = 0;
};

// Where a shard stands among the others; alone by default.
struct Place {
  unsigned index = 0;
  const flow::Steering* steering = nullptr;  // these two outlive the shard
  Peers* peers = nullptr;
  bool rss = false;  // the port was told to bring each shard its own flows: see whether it does
};

}  // namespace millrace::shard

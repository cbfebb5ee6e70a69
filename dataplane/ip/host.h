// The internet layer of one shard: our addresses, routes, neighbours, ICMP. tcp/ and shard/ see only this
// page.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/entropy.h"
#include "base/packet.h"
#include "base/params.h"
#include "base/time.h"
#include "ip/link_news.h"
#include "wire/parse.h"

namespace millrace::ip {

// What an ICMP error says to TCP (RFC 1122 §4.2.3.9, RFC 5927 §4).
enum class IcmpHint : uint8_t {
  Unreachable,   // soft: net or host unreachable, time exceeded
  Refused,       // hard: protocol or port unreachable, administratively prohibited
  PacketTooBig,  // fragmentation needed; next_mtu says to what (RFC 1191, RFC 8201)
  SourceQuench,  // ignored (RFC 6633)
};

struct TransportError {
  IcmpHint hint = IcmpHint::Unreachable;
  wire::QuotedSegment quoted;
  uint16_t next_mtu = 0;
  uint8_t type = 0;  // of the message, as its family numbers them
  uint8_t code = 0;
};

// Our addresses, interned: records of connections hold a 16-bit id instead of 16 octets.
using LocalId = uint16_t;
inline constexpr LocalId kNoLocal = 0xffff;

struct NeighborRow {  // for `millracectl neighbors`
  IpAddress address;
  MacAddress mac;
  const char* state = "";  // incomplete, reachable, stale, delay, probe (RFC 4861 §7.3.2)
  uint32_t queued = 0;
};

struct RouteRow {  // for `millracectl routes`
  Prefix destination;
  IpAddress gateway;                // unspecified: on the link
  bool learnt = false;              // a router says so (RFC 4861)
  const char* preference = "";      // of a router that is learnt: low, medium, high (RFC 4191)
  const char* state = "";           // likewise: in_use, standby, unreachable
  std::optional<Micros> lifetime{};  // of what is learnt; none: without end
};

struct AddressRow {  // for `millracectl addresses`
  Prefix prefix;
  const char* state = "";  // tentative, preferred, duplicate (RFC 4862 §2)
};

class Host {
 public:
  // All that is handed in outlives the host. `pool` supplies packets for ARP, ND and ICMP, `entropy` what
  // tells hosts apart that do the same at the same time.
  Host(const InterfaceParams& interface, const NeighborParams& neighbor, const IcmpParams& icmp,
       PacketPool& pool, Entropy& entropy, Counters& counters);
  ~Host();

  LocalId local_id(const IpAddress& address) const;  // kNoLocal: not ours, or not in use
  // Whether this is an address of ours that is in use or may yet be.
  bool is_configured(const IpAddress& address) const;
  const IpAddress& local_address(LocalId id) const;
  const InterfaceParams& interface() const;
  // Octets of an IP packet, as the link is configured or a router says (RFC 4861 §6.3.4).
  uint16_t mtu(Family family) const;
  // One more address of ours with its on-link prefix; nothing happens when it is there already.
  void add_address(const Prefix& prefix);

  // The params that the host was made with have changed in their place.
  void params_changed();

  // Whether a received segment may have this source as far as our own addresses say: false for one of ours
  // and for a broadcast address of our subnets (RFC 1122 §3.2.1.3). The parser has seen to the rest.
  bool source_acceptable(const IpAddress& source) const;

  // The link is there. Addresses are asked for where NeighborParams say so, and meanwhile not used; those in
  // use are announced (gratuitous ARP, unsolicited neighbour advertisements). `speaks`: this is the shard of
  // the endpoint that does it, and tells the others.
  void start(bool speaks, Instant now, PacketBatch& out);
  // The link has gone, or has come back. While it is away no address is found to be ours; when it comes what
  // start() said is said anew, with the next expire(). Of the shard that speaks.
  void link_changed(bool up, Instant now);

  // An ARP, ICMP or ICMPv6 frame. Answers go to `out`. A returned error concerns a segment that one of our
  // addresses sent; whether it belongs to a connection, and icmp_errors_received, is for the caller.
  std::optional<TransportError> receive(const wire::Frame& frame, Instant now, PacketBatch& out);

  // Confirms that the neighbour on the way to `remote` is reachable: TCP made progress (RFC 4861 §7.3.1).
  void confirm(const IpAddress& remote, Instant now);

  // `remote` has completed a handshake with frames of this station, so both ways work. Where it is on the
  // link and nobody is known by its address, this is its neighbour, without a question. Of a remote behind a
  // router nothing is learnt: its frames may come by another router than ours go.
  void heard_handshake(const IpAddress& remote, const MacAddress& mac, Instant now, PacketBatch& out);

  // The opposite: TCP's segments to `remote` stay unanswered (RFC 9293 §3.8.3 MUST-20 (a)). The neighbour on
  // the way is asked for anew with the next packet.
  void doubt(const IpAddress& remote, Instant now);

  // The source address for a destination (RFC 6724 §5, the rules that apply to one interface); none: no route
  // or no address of that family.
  std::optional<IpAddress> select_source(const IpAddress& destination) const;

  // The next hop's MAC address if it is known and usable: the fast path of every segment. nullptr: call
  // send().
  const MacAddress* resolve(const IpAddress& destination, Instant now);

  // Sends a whole frame whose destination MAC address is still blank: fills it in, or holds the packet until
  // the neighbour answers (bounded), starting its resolution. False: dropped, counted by reason.
  bool send(Packet&& packet, const IpAddress& destination, Instant now, PacketBatch& out);

  // Destinations whose neighbour did not answer since the last call: TCP treats them as soft errors.
  std::vector<IpAddress> take_unreachable();

  // An ICMP error about a received packet (port unreachable and the like), rate-limited; never about an ICMP
  // error, a group address or a fragment (RFC 1122 §3.2.2, RFC 4443 §2.4). Goes back to the frame's source
  // MAC.
  void send_error(const wire::Frame& frame, uint8_t type, uint8_t code, Instant now, PacketBatch& out);

  // Whether every shard of ours should have this frame: no flow says whose it is.
  static bool concerns_all(const wire::Frame& frame);
  // Keeps what this shard hears and decides for take_news(): other shards of ours may be waiting for it.
  void share_news();
  bool has_news() const;
  std::vector<LinkNews> take_news();
  // What another shard of ours has said; brings a neighbour's entry up to date, makes none.
  void learn(const LinkNews& news, Instant now, PacketBatch& out);

  void expire(Instant now, PacketBatch& out);
  Instant next_deadline() const;
  std::vector<NeighborRow> neighbors() const;
  std::vector<AddressRow> addresses() const;
  std::vector<RouteRow> routes(Instant now) const;

 private:
  void receive_from_router(const wire::Frame& frame, Instant now, PacketBatch& out);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::ip

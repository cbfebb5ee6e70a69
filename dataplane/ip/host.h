// The internet layer of one shard: our addresses, routes, neighbours, ICMP. tcp/ and shard/ see only this
// page.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/packet.h"
#include "base/params.h"
#include "base/time.h"
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

// What a neighbour said of itself, for the shards that its frame did not reach.
struct NeighborNews {
  IpAddress address;
  MacAddress mac;
  bool override_ = true;  // RFC 4861 §4.4
};

class Host {
 public:
  // `params` outlives the host. `pool` supplies packets for ARP, ND and ICMP.
  Host(const InterfaceParams& interface, const NeighborParams& neighbor, const IcmpParams& icmp,
       PacketPool& pool, Counters& counters);
  ~Host();

  LocalId local_id(const IpAddress& address) const;  // kNoLocal: not ours
  const IpAddress& local_address(LocalId id) const;
  const InterfaceParams& interface() const;
  // One more address of ours with its on-link prefix; nothing happens when it is there already.
  void add_address(const Prefix& prefix);

  // The params that the host was made with have changed in their place.
  void params_changed();

  // Whether a received segment may have this source as far as our own addresses say: false for one of ours
  // and for a broadcast address of our subnets (RFC 1122 §3.2.1.3). The parser has seen to the rest.
  bool source_acceptable(const IpAddress& source) const;

  // Announces our addresses: gratuitous ARP, unsolicited neighbour advertisements.
  void announce(Instant now, PacketBatch& out);

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

  // Keeps what neighbours say for take_news(): other shards of ours may be waiting for it.
  void share_news();
  std::vector<NeighborNews> take_news();
  // What another shard of ours has heard; brings an entry up to date, makes none.
  void learn(const NeighborNews& news, Instant now, PacketBatch& out);

  void expire(Instant now, PacketBatch& out);
  Instant next_deadline() const;
  std::vector<NeighborRow> neighbors() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::ip

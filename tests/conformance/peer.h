// The other side of the link: one shard of ours under a virtual clock and a scripted peer that builds every
// segment by hand, answers ARP and neighbour discovery itself, and keeps what leaves. Neighbours: stage.h,
// which walks a connection to a state; rule.h, which says what is owed for a segment.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/entropy.h"
#include "base/packet.h"
#include "base/params.h"
#include "shard/shard.h"
#include "wire/parse.h"
#include "wire/segment.h"

namespace millrace::conformance {

inline constexpr uint16_t kOurPort = 80;
inline constexpr uint16_t kPeerPort = 7000;
inline constexpr uint16_t kPeerMss = 1460;
inline constexpr uint16_t kPeerWindow = 20'000;  // MAX.SND.WND, where no test says otherwise

// A segment that left the shard, as the peer sees it.
struct Captured {
  Instant at;
  wire::Segment segment;  // flow.local is the peer
  std::vector<uint8_t> payload = {};
  bool dont_fragment = false;   // IPv4
  uint16_t identification = 0;  // likewise
  uint8_t priority = 0;         // for the tag of a VLAN
};

// What the peer is to send. Sequence numbers are absolute here.
struct PeerSegment {
  wire::Flags flags;
  Seq seq = {};
  Seq ack = {};
  uint32_t length = 0;
  uint16_t window = kPeerWindow;
  uint16_t urgent_pointer = 0;
  wire::TcpOptions options = {};
  uint8_t dscp = 0;
  uint8_t ecn = 0;
  // Instead of the peer's address and ours.
  std::optional<IpAddress> source = {};
  std::optional<IpAddress> destination = {};
  uint16_t our_port = kOurPort;
  uint16_t peer_port = kPeerPort;
};

std::string describe(const wire::Segment& segment);

// Small tables, short retries of which nobody is told, and a window of 1000 octets, which does not grow, so
// that one segment can reach past its edge.
ShardParams default_params(Family family);

class Peer {
 public:
  explicit Peer(Family family);
  Peer(Family family, const ShardParams& params);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  shard::Shard& shard() { return *shard_; }
  Instant now() const { return now_; }
  Endpoint ours(uint16_t port = kOurPort) const { return {our_address_, port}; }
  Endpoint theirs(uint16_t port = kPeerPort) const { return {peer_address_, port}; }
  // The one flow that most tests are about, as the shard sees it.
  wire::FlowAddress flow() const { return {ours(), theirs()}; }
  tcp::State state() const { return shard_->state_of(flow()); }

  // Sends one segment to the shard and runs it until it is quiet.
  void send(const PeerSegment& segment);
  // Queues it only: several segments arrive as one burst with the next send() or run().
  void enqueue(const PeerSegment& segment);
  // A whole frame, for what no PeerSegment can say.
  void send_frame(const std::vector<uint8_t>& frame);
  std::vector<uint8_t> frame_of(const PeerSegment& segment);
  // An ICMP error that quotes our segment beginning at `seq`.
  void send_error(uint8_t type, uint8_t code, Seq seq, uint16_t mtu = 0);
  // The same about a quote of the caller's making.
  void send_error_about(uint8_t type, uint8_t code, const std::vector<uint8_t>& quote, uint16_t mtu = 0);
  // Our segment beginning at `seq` as an ICMP error quotes it.
  std::vector<uint8_t> quote_of(Seq seq);

  // From now on the device takes nothing of what the shard has to send, or does again.
  void block(bool on) { blocked_ = on; }

  // Runs the shard until nothing moves at this instant.
  void run();
  // Lets time pass, stopping at each deadline on the way.
  void advance(Micros duration);
  // Moves on to the next deadline up to `end`, or to `end`.
  void step(Instant end);

  // What has left since the last call, in order.
  std::vector<Captured> take();
  // Exactly one segment is expected; none or several is a failure of the test (and throws).
  Captured take_one();

  // The octet that belongs at an offset of the stream that the peer (or the application) sends.
  static uint8_t octet_at(Seq seq) { return static_cast<uint8_t>(seq.raw() * 31U); }
  // Whether nothing is held any more: packets, timers, records.
  std::string leaks() const;

 private:
  void receive_all();
  void collect();
  void answer_neighbor(const wire::Frame& frame);
  Packet packet_of(const PeerSegment& segment);

  Family family_;
  IpAddress our_address_;
  IpAddress peer_address_;
  Instant now_{1000s};
  int stuck_ = 0;  // steps in a row that met a deadline in the past
  HeapPool pool_;
  HeapPool peer_pool_;
  SeededEntropy entropy_{42};
  std::unique_ptr<shard::Shard> shard_;
  PacketBatch out_;
  PacketBatch nothing_{0};
  bool blocked_ = false;
  std::vector<Packet> inbox_;
  std::vector<Captured> captured_;
};

}  // namespace millrace::conformance

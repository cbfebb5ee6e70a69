#include "peer.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "wire/arp_nd.h"
#include "wire/build.h"
#include "wire/icmp.h"

namespace millrace::conformance {

namespace {

constexpr MacAddress kOurMac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr IpAddress kOur4 = IpAddress::v4(10, 0, 0, 2), kPeer4 = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress kOur6 = IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
constexpr IpAddress kPeer6 = IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
constexpr uint32_t kFrameRoom = 2048;
constexpr int kQuietBound = 64;  // iterations within which one instant must come to rest

}  // namespace

std::string describe(const wire::Segment& segment) {
  std::string out;
  const auto bit = [&](bool on, const char* name) {
    if (!on) return;
    if (!out.empty()) out += ',';
    out += name;
  };
  bit(segment.flags.syn(), "SYN");
  bit(segment.flags.fin(), "FIN");
  bit(segment.flags.rst(), "RST");
  bit(segment.flags.psh(), "PSH");
  bit(segment.flags.ack(), "ACK");
  bit(segment.flags.urg(), "URG");
  bit((segment.flags.bits() & wire::Flags::kEce) != 0, "ECE");
  bit((segment.flags.bits() & wire::Flags::kCwr) != 0, "CWR");
  if (out.empty()) out = "(no flags)";
  return out + " seq=" + std::to_string(segment.seq.raw()) + " ack=" + std::to_string(segment.ack.raw()) +
         " len=" + std::to_string(segment.payload_length) + " wnd=" + std::to_string(segment.window.field());
}

ShardParams default_params(Family family) {
  ShardParams params;
  params.interface.mac = kOurMac;
  params.interface.addresses = {family == Family::V4 ? Prefix{kOur4, 24} : Prefix{kOur6, 64}};
  params.tcp.receive_buffer = 1000;
  params.tcp.receive_buffer_max = params.tcp.send_buffer_max = 0;  // buffers as the tests have set them
  params.tcp.syn_retries = 3;
  params.tcp.syn_ack_retries = 3;
  params.tcp.data_retries = 4;
  params.tcp.report_retries = 0;
  params.memory = {.connections = 16,
                   .syn_records = 16,
                   .time_wait_records = 16,
                   .buffer_bytes = 4U << 20,
                   .trace_segments = 16};
  params.neighbor.dup_addr_detect_transmits = params.neighbor.arp_probes = 0;
  params.neighbor.multicast_reports = params.neighbor.router_discovery = false;
  return params;
}

Peer::Peer(Family family) : Peer(family, default_params(family)) {}

Peer::Peer(Family family, const ShardParams& params)
    : family_(family),
      our_address_(family == Family::V4 ? kOur4 : kOur6),
      peer_address_(family == Family::V4 ? kPeer4 : kPeer6),
      pool_(512, kFrameRoom),
      peer_pool_(512, kFrameRoom),
      out_(256) {
  shard_ = std::make_unique<shard::Shard>(params, wire::Checksum::Software, pool_, entropy_, now_);
  shard_->start(now_, out_);
  collect();
  run();
}

Peer::~Peer() {
  inbox_.clear();
  out_.clear();
  shard_.reset();  // gives its packets back before the pools go
}

Packet Peer::packet_of(const PeerSegment& segment) {
  Packet packet = peer_pool_.allocate();
  if (!packet) throw std::runtime_error("the peer's own pool is empty");
  const uint32_t headers = wire::tcp_headers_length(family_, segment.options, segment.flags.syn());
  const Seq first = segment.seq + (segment.flags.syn() ? 1 : 0);
  for (uint32_t i = 0; i < segment.length; ++i) packet.data()[headers + i] = octet_at(first + i);
  wire::Segment fields;
  fields.flow = {theirs(segment.peer_port), ours(segment.our_port)};
  if (segment.source) fields.flow.local.address = *segment.source;
  if (segment.destination) fields.flow.remote.address = *segment.destination;
  fields.seq = segment.seq;
  fields.ack = segment.ack;
  fields.flags = segment.flags;
  fields.window = WireWindow(segment.window);
  fields.urgent_pointer = segment.urgent_pointer;
  fields.options = segment.options;
  fields.dscp = segment.dscp;
  fields.ecn = segment.ecn;
  fields.payload_length = segment.length;
  wire::build_segment(packet, {.destination = kOurMac, .source = kPeerMac}, fields, wire::Checksum::Software);
  return packet;
}

void Peer::enqueue(const PeerSegment& segment) { inbox_.push_back(packet_of(segment)); }

void Peer::send(const PeerSegment& segment) {
  enqueue(segment);
  run();
}

std::vector<uint8_t> Peer::frame_of(const PeerSegment& segment) {
  const Packet packet = packet_of(segment);
  return {packet.bytes().begin(), packet.bytes().end()};
}

void Peer::send_frame(const std::vector<uint8_t>& frame) {
  Packet packet = peer_pool_.allocate();
  if (frame.size() != 0) std::memcpy(packet.data(), frame.data(), frame.size());
  packet.set_length(static_cast<uint32_t>(frame.size()));
  inbox_.push_back(std::move(packet));
  run();
}

std::vector<uint8_t> Peer::quote_of(Seq seq) {
  Packet quoted = peer_pool_.allocate();
  wire::Segment fields;
  fields.flow = flow();
  fields.seq = seq;
  fields.flags = wire::kAck;
  wire::build_segment(quoted, {.destination = kPeerMac, .source = kOurMac}, fields, wire::Checksum::Software);
  return {quoted.bytes().begin() + wire::kEthernetHeader, quoted.bytes().end()};
}

void Peer::send_error(uint8_t type, uint8_t code, Seq seq, uint16_t mtu) {
  send_error_about(type, code, quote_of(seq), mtu);
}

void Peer::send_error_about(uint8_t type, uint8_t code, const std::vector<uint8_t>& quote, uint16_t mtu) {
  Packet error = peer_pool_.allocate();
  const wire::IcmpMessage message{.type = type, .code = code, .rest = mtu, .body = quote};
  if (!wire::build_icmp(error, {.destination = kOurMac, .source = kPeerMac},
                        {.source = peer_address_, .destination = our_address_}, message))
    throw std::runtime_error("an ICMP error does not fit");
  inbox_.push_back(std::move(error));
  run();
}

void Peer::receive_all() {
  std::vector<Packet> burst = std::move(inbox_);
  inbox_.clear();
  shard_->receive(burst, now_, out_);
}

void Peer::run() {
  for (int i = 0; i < kQuietBound; ++i) {
    receive_all();
    shard_->expire(now_, out_);
    shard_->run(now_);
    shard_->transmit(now_, blocked_ ? nothing_ : out_);
    const bool sent = out_.size() != 0;
    collect();
    if (!sent && inbox_.empty() && (blocked_ || !shard_->busy())) return;
  }
  throw std::runtime_error("the shard does not come to rest at one instant");
}

void Peer::step(Instant end) {
  const Instant deadline = shard_->next_deadline();
  if (deadline > now_) {
    now_ = std::min(deadline, end);
    stuck_ = 0;
  } else {
    // A deadline that stays in the past would hold the clock: the wheel's tick may excuse a few.
    if (++stuck_ > kQuietBound) throw std::runtime_error("a deadline stays in the past");
    now_ = std::min(now_ + 100us, end);
  }
  run();
}

void Peer::advance(Micros duration) {
  const Instant end = now_ + duration;
  while (now_ < end) step(end);
}

void Peer::collect() {
  for (Packet& packet : out_.packets()) {
    wire::Frame frame;
    wire::parse_frame(packet, {.mac = kPeerMac, .mtu = 1500}, frame);
    if (frame.kind == wire::FrameKind::Tcp) {
      const wire::Segment& segment = frame.tcp;
      Captured seen{.at = now_, .segment = segment};
      seen.payload.assign(segment.payload, segment.payload + segment.payload_length);
      seen.segment.payload = nullptr;
      seen.priority = packet.priority;
      if (family_ == Family::V4) {
        const uint8_t* ip = packet.data() + wire::kEthernetHeader;
        seen.identification = static_cast<uint16_t>(ip[4] << 8 | ip[5]);
        seen.dont_fragment = (ip[6] & 0x40) != 0;
      }
      captured_.push_back(std::move(seen));
    } else {
      answer_neighbor(frame);
    }
  }
  out_.clear();
}

// Only what the shard needs to know where the peer is.
void Peer::answer_neighbor(const wire::Frame& frame) {
  Packet reply = peer_pool_.allocate();
  const wire::LinkHeader link{.destination = kOurMac, .source = kPeerMac};
  bool built = false;
  if (frame.kind == wire::FrameKind::Arp) {
    const std::optional<wire::ArpPacket> request = wire::parse_arp(frame.message);
    if (!request || request->operation != wire::ArpPacket::kRequest || request->target != peer_address_)
      return;
    built = wire::build_arp(reply, link,
                            {.operation = wire::ArpPacket::kReply,
                             .sender_mac = kPeerMac,
                             .sender = peer_address_,
                             .target_mac = kOurMac,
                             .target = our_address_});
  } else if (frame.kind == wire::FrameKind::Icmp6) {
    const std::optional<wire::NdMessage> request = wire::parse_nd(frame);
    if (!request || !request->solicitation || request->target != peer_address_) return;
    wire::NdMessage advert;
    advert.solicited = true;
    advert.override_ = true;
    advert.target = peer_address_;
    advert.mac = kPeerMac;
    built = wire::build_nd(reply, link, peer_address_, frame.source, advert);
  }
  if (built) inbox_.push_back(std::move(reply));
}

std::vector<Captured> Peer::take() {
  std::vector<Captured> out = std::move(captured_);
  captured_.clear();
  return out;
}

Captured Peer::take_one() {
  std::vector<Captured> seen = take();
  if (seen.size() == 1) return seen.front();
  std::string text = "expected one segment, got " + std::to_string(seen.size());
  for (const Captured& one : seen) text += "\n  " + describe(one.segment);
  throw std::runtime_error(text);
}

std::string Peer::leaks() const {
  const shard::Shard::Usage usage = shard_->usage();
  std::string out;
  const auto note = [&](uint64_t count, const char* name) {
    if (count != 0) out += std::to_string(count) + " " + name + "; ";
  };
  note(usage.connections, "connections");
  note(usage.syn_records, "SYN-RECEIVED records");
  note(usage.time_wait_records, "TIME-WAIT records");
  note(usage.timers, "timers");
  note(usage.buffer_bytes, "octets of buffers");
  note(usage.held_packets, "packets in queues");
  note(pool_.outstanding(), "packets to send");
  note(peer_pool_.outstanding(), "packets received");
  return out;
}

}  // namespace millrace::conformance

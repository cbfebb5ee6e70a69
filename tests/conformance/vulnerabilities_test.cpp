// Known vulnerabilities of TCP stacks that lie in what one segment, or one connection, may do: each test is
// named for its vulnerability and fails on a naive stack. Neighbour: vulnerabilities_flood_test.cpp, for
// those that lie in numbers.
#include <cmath>
#include <set>

#include "frames.h"
#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

class Vulnerabilities : public Scene {
 protected:
  uint64_t drops(DropReason reason) { return peer().shard().counters().dropped(reason); }
  shard::Shard::Usage usage() { return peer().shard().usage(); }
  // The connection is there and carries octets both ways.
  void expect_sound(Walk& w) {
    peer().run();
    peer().take();
    ASSERT_EQ(peer().state(), State::Established);
    w.app.received.clear();
    peer().send(w.next(wire::kAck | wire::kPsh, 40));
    peer().advance(100ms);  // a delayed acknowledgement too
    w.v.rcv_nxt += 40;
    ASSERT_EQ(w.app.received.size(), 40U);
    for (uint32_t i = 0; i < 40; ++i)
      ASSERT_EQ(w.app.received[i], Peer::octet_at(w.v.rcv_nxt - 40 + i)) << "the stream is corrupt";
    peer().take();
    w.send_text(40);
    w.acknowledge();
  }
};

// ---- NUMBER:JACK (CVE-2020-27213 and others): initial sequence numbers that can be computed

double chi_square(const std::vector<uint32_t>& numbers, unsigned shift) {
  std::array<uint32_t, 16> bins{};
  for (const uint32_t number : numbers) ++bins[number >> shift & 15];
  const double expected = static_cast<double>(numbers.size()) / 16;
  double sum = 0;
  for (const uint32_t bin : bins) sum += (bin - expected) * (bin - expected) / expected;
  return sum;
}

// All within one tick of the clock: what is left is the keyed hash.
TEST_P(Vulnerabilities, PredictableIsn_NumberJack) {
  params.memory.syn_records = 1024;
  Walk& w = begin(Opening::Passive);
  w.listen();
  std::vector<uint32_t> numbers;
  for (uint16_t i = 0; i < 1000; ++i) {
    PeerSegment syn{.flags = wire::kSyn, .seq = Seq(i), .ack = Seq(), .options = mss_option()};
    syn.peer_port = static_cast<uint16_t>(20'000 + i);
    peer().send(syn);
    numbers.push_back(peer().take_one().segment.seq.raw());
  }
  constexpr double kSixSigma = 15 + 6 * 5.48;
  std::vector<uint32_t> steps;
  uint32_t guessed = 0;
  for (size_t i = 1; i < numbers.size(); ++i) {
    steps.push_back(numbers[i] - numbers[i - 1]);
    if (i < 2) continue;
    const uint32_t error = numbers[i] - (numbers[i - 1] + steps[i - 2]);
    guessed += error + (1U << 24) < (2U << 24) ? 1 : 0;
  }
  for (const unsigned shift : {0U, 4U, 12U, 20U, 28U}) {
    EXPECT_LT(chi_square(numbers, shift), kSixSigma) << "bits from " << shift;
    EXPECT_LT(chi_square(steps, shift), kSixSigma) << "of differences, bits from " << shift;
  }
  EXPECT_LT(guessed, 30U) << "numbers foretold within 2^24: 8 would be chance";
  EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), numbers.size());
}

// ---- SegmentSmack (CVE-2018-5390): segments out of order make the receiver work and hold without bound

TEST_P(Vulnerabilities, SegmentSmack_Cve2018_5390) {
  params.tcp.receive_buffer = 60'000;
  Walk& w = begin();
  w.open();
  const uint64_t before = usage().buffer_bytes;
  constexpr uint32_t kPieces = 20'000;
  uint64_t answers = 0, most = 0;
  for (uint32_t i = 0; i < kPieces; ++i) {
    PeerSegment piece = w.next(wire::kAck, 1);
    piece.seq = w.v.rcv_nxt + 1 + 2 * (i * 7919 % kPieces);
    peer().send(piece);
    answers += peer().take().size();
    most = std::max(most, usage().buffer_bytes - before);
  }
  // 256 pieces a connection, and that is how far one more has to be carried along the list.
  EXPECT_LE(most, params.tcp.reassembly_segments * 2304U);
  EXPECT_GE(drops(DropReason::TcpReassemblyFull), kPieces - params.tcp.reassembly_segments);
  EXPECT_LE(answers, kPieces) << "one acknowledgement a segment at most";
  // The stream itself is not harmed.
  const Seq end = w.v.rcv_nxt + 2 * kPieces;
  while (w.v.rcv_nxt.before(end)) {
    peer().send(w.next(wire::kAck, 1000));
    w.v.rcv_nxt += 1000;
  }
  ASSERT_EQ(w.app.received.size(), 2U * kPieces);
  for (uint32_t i = 0; i < 2 * kPieces; ++i)
    ASSERT_EQ(w.app.received[i], Peer::octet_at(end - 2 * kPieces + i)) << i;
  EXPECT_EQ(usage().buffer_bytes, before);
}

// Pieces that are worth their memory: Buffers.OutOfOrderFloodOfLargePieces_CostsBoundedSteps. Here, octet by
// octet from behind: one run, of which each octet would have a block of its own.
TEST_P(Vulnerabilities, SegmentSmack_OctetsBackwards) {
  params.tcp.receive_buffer = 60'000;
  Walk& w = begin();
  w.open();
  const uint64_t before = usage().buffer_bytes;
  constexpr uint32_t kPieces = 5000;
  for (uint32_t i = 0; i < kPieces; ++i) {
    PeerSegment piece = w.next(wire::kAck, 1);
    piece.seq = w.v.rcv_nxt + kPieces - i;
    peer().send(piece);
  }
  EXPECT_LE(peer().take().size(), kPieces);
  EXPECT_LE(usage().buffer_bytes - before, (params.tcp.reassembly_segments + 1) * 2304U);
  EXPECT_EQ(drops(DropReason::TcpReassemblyFull), kPieces - params.tcp.reassembly_segments);
}

// ---- tiny MSS (CVE-2019-11479): a peer that announces an MSS of 1 has every octet sent in a packet

TEST_P(Vulnerabilities, TinyMss_Cve2019_11479) {
  for (const uint16_t announced : {0, 1, 8, 47}) {
    Walk& w = begin();
    wire::TcpOptions options = mss_option(announced);
    options.timestamps = wire::Timestamps{.value = 1, .echo_reply = 0};
    w.open(options);
    constexpr uint32_t kOctets = 4000;
    w.app_send(kOctets);
    uint32_t text = 0, segments = 0;
    for (int i = 0; i < 400 && text < kOctets; ++i) {
      for (const Captured& one : seen()) {
        if (one.segment.payload_length == 0) continue;
        text += one.segment.payload_length;
        ++segments;
        w.v.snd_nxt = one.segment.end();
      }
      peer().send(w.next(wire::kAck));
    }
    EXPECT_EQ(text, kOctets);
    EXPECT_LE(segments, kOctets / (48 - 12) + 2) << "MSS " << announced << ": 48 octets are the least";
    EXPECT_EQ(clean_up(w), "");
    walk.reset();
  }
}

// ---- urgent pointers (CVE-2019-12255, -12260, -12261, -12263; Urgent/11)

TEST_P(Vulnerabilities, UrgentPointerConfusion_Cve2019_12255) {
  Walk& w = begin();
  w.open();
  Seq next = w.v.rcv_nxt;
  std::vector<PeerSegment> sent;
  for (const uint16_t pointer : {0, 1, 49, 50, 51, 999, 0x7fff, 0xffff}) {
    PeerSegment text = w.next(wire::kAck | wire::kUrg, 50);
    text.urgent_pointer = pointer;
    // In order, again with another pointer, out of order, and empty: no octet is lost, none counted twice.
    for (const uint32_t ahead : {0U, 0U, 100U}) {
      text.seq = next + ahead;
      peer().send(text);
      text.urgent_pointer = static_cast<uint16_t>(pointer - 1);
    }
    text.seq = next + 50;
    peer().send(text);
    PeerSegment empty = w.next(wire::kAck | wire::kUrg);
    empty.seq = next + 150;
    empty.urgent_pointer = pointer;
    peer().send(empty);
    text = w.next(wire::kAck, 50);
    text.seq = next + 100;
    peer().send(text);
    next += 150;
    ASSERT_EQ(w.app.received.size(), next - w.v.rcv_nxt) << pointer;
  }
  for (uint32_t i = 0; i < w.app.received.size(); ++i)
    ASSERT_EQ(w.app.received[i], Peer::octet_at(w.v.rcv_nxt + i)) << i;
  w.v.rcv_nxt = next;
  expect_sound(w);
}

// -12261: urgent while connecting; with FIN; -12260: behind a malformed authentication option.
TEST_P(Vulnerabilities, UrgentPointerConfusion_OnSynFinAndWithAuthenticationOption) {
  Walk& w = begin();
  w.connect();
  peer().send({.flags = wire::kSyn | wire::kAck | wire::kUrg,
               .seq = w.v.irs,
               .ack = w.v.snd_nxt,
               .urgent_pointer = 0xffff,
               .options = mss_option()});
  w.v.rcv_nxt = w.v.irs + 1;
  peer().take();
  ASSERT_EQ(peer().state(), State::Established);
  PeerSegment urgent = w.next(wire::kAck | wire::kUrg, 10);
  urgent.seq = w.v.rcv_nxt - 10;  // an old one: nothing of it may count
  for (const uint8_t length : {0, 1, 2, 3, 4, 0xff})
    peer().send_frame(with_options(peer().frame_of(urgent), {29, length, 0, 0}));
  EXPECT_TRUE(w.app.received.empty());
  expect_sound(w);
  PeerSegment fin = w.next(wire::kAck | wire::kUrg | wire::kFin, 20);
  fin.urgent_pointer = 0;
  w.app.received.clear();
  peer().send(fin);
  EXPECT_EQ(w.app.received.size(), 20U);
  EXPECT_EQ(peer().state(), State::CloseWait);
}

// ---- AMNESIA:33 (CVE-2020-13987, -17439 and others): headers that lie about their lengths

class Lies : public Vulnerabilities {
 protected:
  enum class Told : uint8_t { Refused, Believed, Either };

  // Each lie is told with the checksums that fit it, in a segment whose octets were received long ago. A
  // frame that contradicts itself must not reach TCP at all, for there it would be answered or not by its
  // sequence number, and what was read behind its end would not show.
  void tell(const Octets& frame, size_t tcp, size_t claimed, Told owed) {
    Octets lie = frame;
    fix_checksums(lie, tcp, claimed);
    send(lie, owed);
    ++told;
  }
  void send(const Octets& frame, Told owed) {
    const size_t held = usage().buffer_bytes;
    const uint64_t before = peer().shard().counters().tcp_segments_received.value();
    peer().send_frame(frame);
    const uint64_t reached = peer().shard().counters().tcp_segments_received.value() - before;
    if (owed != Told::Either) {
      EXPECT_EQ(reached, owed == Told::Believed ? 1U : 0U) << testing::PrintToString(frame);
    }
    EXPECT_LE(peer().take().size(), 1U);
    EXPECT_EQ(usage().buffer_bytes, held);
  }
  Octets old_segment(Walk& w) {
    PeerSegment segment = w.next(wire::kAck, 64);
    segment.seq = w.v.rcv_nxt - kExchanged;
    segment.options.timestamps = wire::Timestamps{.value = 1, .echo_reply = 1};
    return peer().frame_of(segment);
  }
  unsigned told = 0;
};

TEST_P(Lies, Amnesia33_LengthsThatLie) {
  Walk& w = at(Stage::Established);
  const Octets honest = old_segment(w);
  const size_t tcp = tcp_at(honest);
  const size_t octets = honest.size() - tcp;
  for (unsigned value = 0; value < 256; ++value) {
    Octets lie = honest;
    lie[tcp + 12] = static_cast<uint8_t>(value);  // data offset
    const size_t offset = value / 16 * 4;
    tell(lie, tcp, octets, offset < 20 || offset > octets ? Told::Refused : Told::Either);
    for (const size_t at : {tcp + 20, tcp + 21, tcp + 22}) {  // kinds of options
      lie = honest;
      lie[at] = static_cast<uint8_t>(value);
      tell(lie, tcp, octets, Told::Either);
    }
    lie = honest;
    lie[tcp + 23] = static_cast<uint8_t>(value);  // the length of timestamps, 10 octets before the text
    tell(lie, tcp, octets, value < 2 || value > 10 ? Told::Refused : Told::Either);
    if (!is_v4(honest)) continue;
    lie = honest;
    lie[kIpAt] = static_cast<uint8_t>(value);  // version and header length
    const size_t header = (value & 15U) * 4;
    tell(lie, kIpAt + header, lie.size() - std::min(lie.size(), kIpAt + header),
         value / 16 != 4 || header < 20 ? Told::Refused : Told::Either);
  }
  const size_t total = honest.size() - kIpAt;
  for (const size_t claimed : {size_t{0}, size_t{1}, size_t{19}, size_t{20}, size_t{21}, size_t{39},
                               size_t{40}, size_t{41}, size_t{59}, size_t{60}, total - 1, total + 1,
                               total + 2, size_t{1500}, size_t{0x7fff}, size_t{0xffff}}) {
    Octets lie = honest;
    put16(lie, kIpAt + (is_v4(lie) ? 2 : 4), claimed);
    const size_t ip = claimed + (is_v4(lie) ? 0 : 40);
    const bool holds = ip >= tcp - kIpAt + 32 && ip <= total;  // headers and options, and no more than came
    tell(lie, tcp, ip - std::min(ip, tcp - kIpAt), holds ? Told::Believed : Told::Refused);
  }
  for (size_t length = 0; length < honest.size(); ++length)
    send(Octets(honest.begin(), honest.begin() + static_cast<ptrdiff_t>(length)), Told::Refused);
  EXPECT_GT(told, 1200U);
  expect_sound(w);
}

class LiesOfIpv6 : public Lies {};
TEST_P(LiesOfIpv6, Amnesia33_ExtensionHeadersThatLie) {
  Walk& w = at(Stage::Established);
  const Octets honest = old_segment(w);
  for (const uint8_t kind : {0, 43, 44, 50, 51, 60, 135, 139, 140, 253})
    for (unsigned length = 0; length < 256; ++length)
      for (const uint8_t option : {0, 1, 0x05, 0xc2}) {
        Octets header{0, static_cast<uint8_t>(length), option, static_cast<uint8_t>(length), 0, 0, 0, 0};
        Octets lie = with_extension(honest, kind, header);
        const bool known = kind == 0 || kind == 43 || kind == 60;
        const bool fits = (length + 1) * 8 <= lie.size() - tcp_at(honest);
        tell(lie, tcp_at(honest) + 8, honest.size() - tcp_at(honest),
             known && fits ? Told::Either : Told::Refused);
      }
  // As many as fit: a parser that follows each of them without bound would be held up.
  Octets chain = honest;
  while (chain.size() + 8 < 1500) chain = with_extension(chain, 60, {0, 0, 1, 4, 0, 0, 0, 0});
  tell(chain, chain.size() - (honest.size() - tcp_at(honest)), honest.size() - tcp_at(honest), Told::Refused);
  expect_sound(w);
}

// ---- options of length zero: a parser that steps by the length stays where it is

TEST_P(Lies, OptionOfLengthZero_EndlessLoop) {
  Walk& w = at(Stage::Established);
  PeerSegment old = w.next(wire::kAck, 10);
  old.seq = w.v.rcv_nxt - kExchanged;
  const Octets plain = peer().frame_of(old);
  for (unsigned kind = 0; kind < 256; ++kind)
    for (const uint8_t length : {0, 1, 2, 3, 38, 39, 40, 41, 255}) {
      Octets options(40, 1);
      options[0] = static_cast<uint8_t>(kind);
      options[1] = length;
      const bool has_length = kind > 1;
      const auto owed = [&](size_t room) {
        return !has_length ? Told::Either : length >= 2 && length <= room ? Told::Believed : Told::Refused;
      };
      send(with_options(plain, options), owed(40));
      options.assign(40, 1);
      options[38] = static_cast<uint8_t>(kind);
      options[39] = length;
      send(with_options(plain, options), owed(2));
    }
  expect_sound(w);
}

// ---- LAND (CVE-1999-0016): a SYN that says it comes from us

TEST_P(Vulnerabilities, Land_Cve1999_0016) {
  Walk& w = begin(Opening::Passive);
  w.listen();
  for (const wire::Flags flags : {wire::kSyn, wire::kSyn | wire::kAck, wire::kAck, wire::kFin | wire::kAck})
    for (const uint16_t port : {kOurPort, uint16_t{9999}}) {
      PeerSegment land{.flags = flags, .seq = Seq(1), .ack = Seq(2), .options = {}};
      land.source = peer().ours().address;
      land.our_port = land.peer_port = port;
      peer().send(land);
    }
  EXPECT_TRUE(peer().take().empty()) << "an answer would come back to us, and be answered";
  EXPECT_EQ(usage().syn_records, 0U);
  EXPECT_EQ(drops(DropReason::IpSourceInvalid), 8U);
}

// ---- Teardrop (CVE-1999-0015) and its kin: fragments that overlap, or never end

TEST_P(Vulnerabilities, Teardrop_Cve1999_0015) {
  Walk& w = at(Stage::Established);
  const Octets whole = peer().frame_of(w.next(wire::kAck | wire::kPsh, 80));
  const uint64_t before = drops(DropReason::IpFragment);
  unsigned sent = 0;
  for (const unsigned offset : {0U, 1U, 3U, 4U, 8U, 0x1fffU})
    for (const bool more : {true, false}) {
      if (offset == 0 && !more) continue;  // no fragment
      Octets piece = whole;
      if (is_v4(whole)) {
        put16(piece, kIpAt + 6, (more ? 0x2000U : 0U) | offset);
        fix_checksums(piece);
      } else {
        const auto at = static_cast<uint16_t>(offset << 3 | (more ? 1U : 0U));
        piece = with_extension(whole, 44,
                               {0, 0, static_cast<uint8_t>(at >> 8), static_cast<uint8_t>(at), 0, 0, 0, 7});
      }
      for (int i = 0; i < 100; ++i, ++sent) peer().send_frame(piece);
    }
  EXPECT_TRUE(peer().take().empty());
  EXPECT_TRUE(w.app.received.empty());
  EXPECT_EQ(usage().buffer_bytes + usage().held_packets, 0U) << "nothing is kept for a reassembly";
  EXPECT_EQ(drops(DropReason::IpFragment) - before, sent);
  expect_sound(w);
}

// ---- TIME-WAIT assassination (RFC 1337)

TEST_P(Vulnerabilities, TimeWaitAssassination_Rfc1337) {
  Walk& w = at(Stage::TimeWait);
  for (uint32_t i = 0; i < 2000; ++i) {
    peer().send({.flags = i % 2 == 0 ? wire::kRst : wire::kRst | wire::kAck,
                 .seq = w.v.rcv_nxt - 500 + i / 2,
                 .ack = w.v.snd_nxt,
                 .options = {}});
  }
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(peer().state(), State::TimeWait);
  peer().advance(2 * params.tcp.msl + 10ms);
  EXPECT_EQ(peer().state(), State::Closed);
}

MILLRACE_BOTH_FAMILIES(Vulnerabilities);
MILLRACE_BOTH_FAMILIES(Lies);
INSTANTIATE_TEST_SUITE_P(Rfc9293, LiesOfIpv6, testing::Values(Family::V6), name_of_family);

}  // namespace
}  // namespace millrace::conformance

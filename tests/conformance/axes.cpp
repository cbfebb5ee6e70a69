#include "axes.h"

#include <algorithm>
#include <ostream>

namespace millrace::conformance {

namespace {

struct EventInfo {
  std::string_view name;
  wire::Flags flags;
  uint32_t text;
};

constexpr std::array<EventInfo, kEvents> kEventInfos = {{
    {"syn", wire::kSyn, 0},
    {"syn_ack", wire::kSyn | wire::kAck, 0},
    {"syn_fin", wire::kSyn | wire::kFin, 0},
    {"ack", wire::kAck, 0},
    {"text", wire::kAck | wire::kPsh, kTextOctets},
    {"fin", wire::kFin | wire::kAck, 0},
    {"text_fin", wire::kFin | wire::kAck | wire::kPsh, kTextOctets},
    {"rst", wire::kRst, 0},
    {"rst_ack", wire::kRst | wire::kAck, 0},
    {"text_without_ack", wire::kPsh, kTextOctets},
}};

constexpr std::array<std::string_view, kSeqs> kSeqNames = {"left_of_window", "overlapping",   "at_left_edge",
                                                           "inside",         "at_last_octet", "at_right_edge",
                                                           "right_of_window"};
constexpr std::array<std::string_view, kAcks> kAckNames = {"acks_too_old", "acks_old_edge",  "acks_old",
                                                           "acks_una",     "acks_inside",    "acks_nxt",
                                                           "acks_beyond",  "acks_far_beyond"};

const EventInfo& info(Event event) { return kEventInfos[static_cast<size_t>(event)]; }

// SEG.LEN
uint32_t length_of(Event event) {
  const EventInfo& of = info(event);
  return of.text + (of.flags.syn() ? 1U : 0U) + (of.flags.fin() ? 1U : 0U);
}

// Numbers between SND.UNA and SND.NXT, by the way a place is reached. There is nothing to count in CLOSED and
// LISTEN, where any numbers do (stage.cpp makes some up).
uint32_t in_flight(const Place& place) {
  switch (place.stage) {
    case Stage::SynSent:
    case Stage::SynReceived:
    case Stage::SynReceivedFastOpen:
      return 1;
    case Stage::FinWait1:
    case Stage::FinWait1Deaf:
    case Stage::Closing:
    case Stage::LastAck:
      return 1 + (place.sending ? kExchanged : 0);
    case Stage::Established:
    case Stage::CloseWait:
      return place.sending ? kExchanged : 0;
    default:
      return 0;
  }
}

Seq seq_of(const Cell& cell, const Variables& v) {
  const uint32_t length = length_of(cell.event);
  switch (cell.seq) {
    case SeqAt::Left:
      return v.rcv_nxt - std::max(length, 1U);
    case SeqAt::Overlapping:
      return v.rcv_nxt - std::min(length / 2, kKnownOctets);
    case SeqAt::LeftEdge:
      return v.rcv_nxt;
    case SeqAt::Inside:
      return v.rcv_nxt + 100;
    case SeqAt::LastOctet:
      return v.rcv_edge() - 1;
    case SeqAt::RightEdge:
      return v.rcv_edge();
    case SeqAt::Right:
      return v.rcv_edge() + 1;
  }
  return v.rcv_nxt;
}

Seq ack_of(AckAt at, const Variables& v) {
  switch (at) {
    case AckAt::TooOld:
      return v.snd_una - kPeerWindow - 1;
    case AckAt::OldEdge:
      return v.snd_una - kPeerWindow;
    case AckAt::Old:
      return v.snd_una - 1;
    case AckAt::Una:
      return v.snd_una;
    case AckAt::Inside:
      return v.snd_una + (v.snd_nxt - v.snd_una) / 2;
    case AckAt::Nxt:
      return v.snd_nxt;
    case AckAt::Beyond:
      return v.snd_nxt + 1;
    case AckAt::FarBeyond:
      return v.snd_nxt + kPeerWindow;
  }
  return v.snd_nxt;
}

}  // namespace

std::vector<Place> all_places() {
  std::vector<Place> out;
  for (const Stage stage :
       {Stage::Closed, Stage::Listen, Stage::SynSent, Stage::SynReceived, Stage::SynReceivedFastOpen,
        Stage::Established, Stage::FinWait1, Stage::FinWait2, Stage::FinWait1Deaf, Stage::FinWait2Deaf,
        Stage::CloseWait, Stage::Closing, Stage::LastAck, Stage::TimeWait})
    for (const Opening opening : {Opening::Passive, Opening::Active})
      for (const bool sending : {false, true})
        if (exists(stage, opening) && (!sending || can_be_sending(stage)))
          out.push_back({stage, opening, sending});
  return out;
}

std::vector<Cell> all_cells() {
  std::vector<Cell> out;
  for (const Place& place : all_places())
    for (unsigned event = 0; event < kEvents; ++event)
      for (unsigned seq = 0; seq < kSeqs; ++seq)
        for (unsigned ack = 0; ack < kAcks; ++ack)
          for (const Family family : {Family::V4, Family::V6})
            out.push_back(
                {static_cast<Event>(event), static_cast<SeqAt>(seq), static_cast<AckAt>(ack), place, family});
  return out;
}

std::string name_of(const Cell& cell) {
  std::string state(name_of(cell.place.stage));
  if (cell.place.sending) state += "_sending";
  if (exists(cell.place.stage, Opening::Passive) && exists(cell.place.stage, Opening::Active))
    state += cell.place.opening == Opening::Passive ? "_passive" : "_active";
  std::string out = "rcv_";
  out += info(cell.event).name;
  out += '_';
  out += kSeqNames[static_cast<size_t>(cell.seq)];
  out += '_';
  out += kAckNames[static_cast<size_t>(cell.ack)];
  return out + '_' + state + family_suffix(cell.family);
}

void PrintTo(const Cell& cell, std::ostream* out) { *out << name_of(cell); }

std::string_view impossible(const Cell& cell) {
  if (cell.seq == SeqAt::Overlapping && length_of(cell.event) < 2)
    return "fewer than two sequence numbers cannot lie on both sides of an edge";
  if (cell.place.stage == Stage::Closed || cell.place.stage == Stage::Listen) return "";
  if (cell.ack == AckAt::Inside && in_flight(cell.place) < 2)
    return "no number lies between SND.UNA and SND.NXT";
  if (cell.ack == AckAt::Una && in_flight(cell.place) == 0) return "SND.UNA is SND.NXT";
  return "";
}

PeerSegment segment_of(const Cell& cell, const Variables& v) {
  return {.flags = info(cell.event).flags,
          .seq = seq_of(cell, v),
          .ack = ack_of(cell.ack, v),
          .length = info(cell.event).text,
          .options = {}};
}

}  // namespace millrace::conformance

// The axes of the full grid: what arrives, where its sequence number lies to the window, and where its
// acknowledgement number lies to what we have sent. Neighbours: paragraphs.cpp, which says what is owed;
// full_grid_test.cpp, which asks for every cell.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rule.h"
#include "verdict.h"

namespace millrace::conformance {

enum class Event : uint8_t { Syn, SynAck, SynFin, Ack, Text, Fin, TextFin, Rst, RstAck, NoAck };
inline constexpr unsigned kEvents = 10;

enum class SeqAt : uint8_t {
  Left,         // the segment's last number is RCV.NXT - 1
  Overlapping,  // it begins before RCV.NXT and ends behind it
  LeftEdge,     // RCV.NXT
  Inside,
  LastOctet,  // RCV.NXT + RCV.WND - 1
  RightEdge,  // RCV.NXT + RCV.WND: the first number outside
  Right,
};
inline constexpr unsigned kSeqs = 7;

enum class AckAt : uint8_t {
  TooOld,   // SND.UNA - MAX.SND.WND - 1: RFC 5961 §5.2 no longer takes it
  OldEdge,  // SND.UNA - MAX.SND.WND: the oldest that it takes
  Old,      // SND.UNA - 1
  Una,      // SND.UNA
  Inside,
  Nxt,        // SND.NXT
  Beyond,     // SND.NXT + 1
  FarBeyond,  // SND.NXT + MAX.SND.WND
};
inline constexpr unsigned kAcks = 8;

// A state as reached one way; `sending`: with octets of ours in flight.
struct Place {
  Stage stage = Stage::Closed;
  Opening opening = Opening::Active;
  bool sending = false;
};

struct Cell {
  Event event = Event::Ack;
  SeqAt seq = SeqAt::LeftEdge;
  AckAt ack = AckAt::Nxt;
  Place place;
  Family family = Family::V4;
};

// Octets in a segment with text, and how many of them an overlapping one has that are known already.
inline constexpr uint32_t kTextOctets = 100;
inline constexpr uint32_t kKnownOctets = 50;

std::vector<Place> all_places();
std::vector<Cell> all_cells();

// "rcv_rst_ack_inside_acks_una_established_passive_v4"
std::string name_of(const Cell& cell);
void PrintTo(const Cell& cell, std::ostream* out);

// Why no segment can stand there; empty: one can.
std::string_view impossible(const Cell& cell);

// The segment, in the numbers of a walk that has reached the place. A segment without the ACK bit carries a
// number in the field all the same, which must not matter (RFC 9293 §3.1).
PeerSegment segment_of(const Cell& cell, const Variables& v);

// What is owed, and the paragraphs that say so.
struct Owed {
  Rule rule;
  std::string app;  // rule.app
  std::string sections;
};
Owed owed_for(const Cell& cell);

}  // namespace millrace::conformance

// What a simulated link does to frames beside carrying them: by chance, from a seed, and by script ("lose the
// second SYN"). It only decides; link.h carries the decision out.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/time.h"
#include "wire/parse.h"

namespace millrace::sim {

// Chances in parts per million of the frames sent.
struct FaultRates {
  uint32_t loss_ppm = 0;
  // Losses in bursts (Gilbert 1960, Elliott 1963): frames turn the link bad, and good again, with these chances;
  // while it is bad frames are lost with the third.
  uint32_t burst_begins_ppm = 0;
  uint32_t burst_ends_ppm = 250'000;
  uint32_t burst_loss_ppm = 1'000'000;
  uint32_t duplication_ppm = 0;
  uint32_t corruption_ppm = 0;
  uint32_t reordering_ppm = 0;  // these frames take up to `jitter` longer and may be overtaken
  Micros jitter{};
};

// How a frame fared. One value a frame that left, one more for the copy that duplication makes.
enum class Fate : uint8_t {
  Arrived,
  Lost,       // by chance or by script
  Overflown,  // the link's queue was full
  Corrupted,  // arrives, damaged
  Duplicate,  // a copy that the link made
};
std::string_view name_of(Fate fate);

// Asked with the frame as it left the sender, intact.
using Match = std::function<bool(const wire::Frame&)>;

struct ScriptedFault {
  enum class Action : uint8_t { Lose, Duplicate, Corrupt, Hold };
  Match match;
  Action action = Action::Lose;
  uint32_t nth = 1;    // the first to which it happens, counted from 1 among the frames that match
  uint32_t count = 1;  // to so many matching frames from then on
  Micros hold{};       // Hold: it takes this much longer; Duplicate: the copy does
};

struct FaultDecision {
  bool lose = false;
  bool corrupt = false;
  bool duplicate = false;
  Micros extra_delay{};
  Micros duplicate_delay{};  // of the copy, beside extra_delay
};

class Faults {
 public:
  Faults(const FaultRates& rates, uint64_t seed) : rates_(rates), entropy_(seed) {}

  void set_rates(const FaultRates& rates) { rates_ = rates; }
  void add(ScriptedFault fault) { script_.push_back({std::move(fault), 0}); }
  // Whether every scripted fault has happened as often as it should.
  bool script_done() const;

  FaultDecision decide(std::span<const uint8_t> frame);
  // Anything from 0 to `most`.
  Micros varied(Micros most) { return Micros{static_cast<int64_t>(below(static_cast<uint64_t>(most.count()) + 1))}; }
  // Damages `frame` anywhere: one bit, or all of one octet, or its end is cut off. Never more than one
  // octet's worth of bits: those the Internet checksum always sees (RFC 1071), so that what gets through is
  // our fault.
  void corrupt(std::vector<uint8_t>& frame);

 private:
  struct Running {
    ScriptedFault fault;
    uint32_t matched;
  };
  bool happens(uint32_t ppm) { return ppm != 0 && entropy_.next() % 1'000'000 < ppm; }
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : entropy_.next() % bound; }
  void decide_by_script(std::span<const uint8_t> frame, FaultDecision& decision);

  bool lost_in_a_burst();

  FaultRates rates_;
  bool bad_ = false;
  SeededEntropy entropy_;
  std::vector<Running> script_;
};

// Parses a frame as its receiver would, whoever that is. The result points into `octets`. A frame that nobody
// could parse has kind Dropped.
wire::Frame frame_view(std::span<const uint8_t> octets);

// The usual matches.
bool is_tcp(const wire::Frame& frame);
bool is_syn(const wire::Frame& frame);  // SYN without ACK
bool is_syn_ack(const wire::Frame& frame);
bool is_fin(const wire::Frame& frame);
bool is_rst(const wire::Frame& frame);
bool has_payload(const wire::Frame& frame);
bool is_bare_ack(const wire::Frame& frame);  // ACK alone: no payload, no other flag

}  // namespace millrace::sim

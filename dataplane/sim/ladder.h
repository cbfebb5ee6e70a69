// The ladder diagram of a connection as data: every segment, when it left and arrived, and the states of both
// ends around it. It is made of frames on a simulated link (recorder.h) or of what a live endpoint's flight
// recorder holds (ladder_of), and drawn by ladder_text.cpp and ladder_json.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/seq.h"
#include "base/time.h"
#include "base/units.h"
#include "shard/rows.h"
#include "sim/faults.h"
#include "tcp/state.h"
#include "wire/segment.h"

namespace millrace::sim {

enum class Side : uint8_t { Left, Right };
constexpr Side other(Side side) { return side == Side::Left ? Side::Right : Side::Left; }

// A segment as a reader wants it. Relative numbers count from each side's initial sequence number.
struct SegmentSummary {
  wire::Flags flags;
  Seq seq;
  Seq ack;
  uint32_t relative_seq = 0;
  uint32_t relative_ack = 0;
  WireWindow window;                    // the field
  std::optional<Bytes> window_bytes{};  // what it means; unknown when the ladder begins after the handshake
  uint16_t urgent_pointer = 0;
  wire::TcpOptions options{};
  uint32_t payload_bytes = 0;
  bool retransmission = false;  // it occupies sequence space that this side had sent before
};

// The state of one side before and after its part in a row; nothing where nobody saw it.
struct Passage {
  std::optional<tcp::State> before;
  std::optional<tcp::State> after;
  bool changed() const { return before != after; }
};

struct LadderRow {
  enum class Kind : uint8_t {
    Segment,
    Neighbor,  // ARP, ND or another frame that is not TCP
    State,     // one side changed its state without a segment: an application's call, a timer
    Note,      // words only
  };
  Kind kind = Kind::Segment;
  uint64_t number = 0;   // Segment, Neighbor: counted from 1
  uint64_t copy_of = 0;  // Fate::Duplicate: the number of the original
  Instant at{};          // when it left or happened
  std::optional<Instant> arrived_at{};
  uint64_t departure = 0;  // place in the order of all events
  uint64_t arrival = 0;    // likewise; equal to `departure` when only one end was watched
  Side from = Side::Left;  // the sender, or the side that a State or Note row is about
  Fate fate = Fate::Arrived;
  SegmentSummary segment{};  // Segment
  Passage left{};
  Passage right{};
  std::string note{};

  Passage& passage(Side side) { return side == Side::Left ? left : right; }
  const Passage& passage(Side side) const { return side == Side::Left ? left : right; }
};

struct Ladder {
  std::string left_name = "client";
  std::string right_name = "server";
  Endpoint left{};
  Endpoint right{};
  Instant origin{};                        // time 0 of the drawing
  std::optional<tcp::State> left_start{};  // nothing: the side was not watched
  std::optional<tcp::State> right_start{};
  std::vector<LadderRow> rows{};
  std::vector<tcp::State> left_path{};  // states walked, the first included
  std::vector<tcp::State> right_path{};
};

std::string path_text(std::span<const tcp::State> path);  // "CLOSED > SYN-SENT > ESTABLISHED"
std::string flags_text(wire::Flags flags);                // "SYN,ACK"

// What has to be remembered of a connection to summarise its segments.
class SegmentLens {
 public:
  SegmentSummary look(Side from, const wire::Segment& segment);

 private:
  struct Half {
    std::optional<Seq> base{};     // the initial sequence number, or the first number seen
    std::optional<Seq> sent_to{};  // one past the highest octet sent
    std::optional<WindowScale> scale{};
    bool syn_seen = false;
  };
  Half halves_[2];
};

// The ladder of one flow as its endpoint recorded it: `flow` seen from there. The endpoint stands on the
// right when the peer's SYN came first, else on the left; the peer's states are not known.
Ladder ladder_of(std::span<const shard::TraceRow> trace, const wire::FlowAddress& flow);

struct TextStyle {
  bool ascii = false;
  bool neighbors = false;  // ARP and ND too
  unsigned columns = 118;
};
std::string render_text(const Ladder& ladder, const TextStyle& style = {});

// One JSON object; times in microseconds since the origin. `indent` < 0: on one line.
std::string render_json(const Ladder& ladder, bool neighbors = false, int indent = 2);

}  // namespace millrace::sim

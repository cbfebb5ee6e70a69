// A ladder drawn in text: one line a segment, a second one with what is absolute and optional, and beside
// each line the states of both ends. A segment that crosses another on the way gets a line where it leaves
// and one where it arrives; all others get one. Neighbours: ladder.h (the data), ladder_json.cpp.
#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <utility>

#include "sim/ladder.h"

namespace millrace::sim {

namespace {

constexpr size_t kNumber = 4;  // columns
constexpr size_t kTime = 12;
constexpr size_t kState = 12;  // SYN-RECEIVED
constexpr size_t kLead = kNumber + kTime + 2 + kState + 1;

struct Glyphs {
  std::string_view line, dots, right, left, cross, bullet;
};
constexpr Glyphs kUtf8 = {"─", "┄", "▶", "◀", "╳", "•"};
constexpr Glyphs kAscii = {"-", ".", ">", "<", "X", "*"};

enum class Part : uint8_t { Whole, Departure, Arrival, Words };

struct Stroke {
  uint64_t order;
  const LadderRow* row;
  Part part;
};

// In columns: what is not the continuation of a UTF-8 sequence.
size_t width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(),
                                           [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::string repeated(std::string_view glyph, size_t count) {
  std::string out;
  while (count-- > 0) out += glyph;
  return out;
}

std::string padded(std::string text, size_t columns) {
  const size_t have = width(text);
  return have >= columns ? text : text.append(columns - have, ' ');
}

std::string right_aligned(std::string_view text, size_t columns) {
  const size_t have = width(text);
  return have >= columns ? std::string(text) : std::string(columns - have, ' ').append(text);
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

std::string seconds(Micros time) {
  char text[32];
  const auto us = static_cast<long long>(time.count());
  std::snprintf(text, sizeof text, "%lld.%06lld", us / 1'000'000, us % 1'000'000);
  return text;
}

std::string label_of(const LadderRow& row) {
  if (row.kind == LadderRow::Kind::Neighbor) return row.note;
  const SegmentSummary& segment = row.segment;
  std::string out = padded(flags_text(segment.flags), 7) + "  seq " + std::to_string(segment.relative_seq);
  if (segment.flags.ack()) out += "  ack " + std::to_string(segment.relative_ack);
  out += "  len " + std::to_string(segment.payload_bytes);
  if (segment.flags.rst()) return out;
  if (segment.window_bytes) return out + "  win " + std::to_string(*segment.window_bytes);
  return out + "  win " + std::to_string(segment.window.field()) + " unscaled";
}

std::vector<std::string> details_of(const SegmentSummary& segment) {
  std::vector<std::string> out = {"absolute seq " + std::to_string(segment.seq.raw())};
  if (segment.flags.ack()) out.push_back("ack " + std::to_string(segment.ack.raw()));
  const wire::TcpOptions& options = segment.options;
  if (options.mss) out.push_back("mss " + std::to_string(options.mss->octets()));
  if (options.sack_permitted) out.emplace_back("sack ok");
  if (options.timestamps)
    out.push_back("ts " + std::to_string(options.timestamps->value) + "/" +
                  std::to_string(options.timestamps->echo_reply));
  if (options.window_scale) out.push_back("scale " + std::to_string(options.window_scale->shift()));
  if (options.fast_open)
    out.emplace_back(options.fast_open->is_request() ? "fast open asks" : "fast open cookie");
  for (uint8_t i = 0; i < options.sack_count; ++i)
    out.push_back("sack " + std::to_string(options.sack[i].left.raw()) + "-" +
                  std::to_string(options.sack[i].right.raw()));
  if (segment.flags.urg()) out.push_back("urgent " + std::to_string(segment.urgent_pointer));
  return out;
}

std::string remark_of(const LadderRow& row) {
  std::string out = row.segment.retransmission ? "again" : "";
  if (row.kind == LadderRow::Kind::Segment && !row.note.empty()) out += (out.empty() ? "" : ", ") + row.note;
  return out.empty() ? out : joined({" (", out, ")"});
}

// From where to where in the order of events a row reaches. A copy is only seen to arrive.
std::pair<uint64_t, uint64_t> reach_of(const LadderRow& row) {
  if (row.fate == Fate::Duplicate) return {row.arrival, row.arrival};
  if (row.arrival != 0) return {row.departure, row.arrival};
  return {row.departure, row.fate == Fate::Arrived ? UINT64_MAX : row.departure};
}

// Whether one line for `row` would contradict the order of what `peer` tells: they cross, one overtakes the
// other, or the receiver does something of its own while `row` is on its way.
bool in_the_way(const LadderRow& row, const LadderRow& peer) {
  if (&row == &peer) return false;
  const auto [left, arrived] = reach_of(row);
  const auto [first, last] = reach_of(peer);
  const bool frame = peer.kind == LadderRow::Kind::Segment || peer.kind == LadderRow::Kind::Neighbor;
  if (frame && peer.fate != Fate::Duplicate && row.from != peer.from) return left < last && first < arrived;
  return (frame || peer.from != row.from) && first > left && last < arrived;
}

class Drawing {
 public:
  Drawing(const Ladder& ladder, const TextStyle& style)
      : ladder_(ladder),
        glyphs_(style.ascii ? kAscii : kUtf8),
        middle_(std::max<size_t>(style.columns, kLead + 1 + kState + 40) - kLead - 1 - kState),
        left_(ladder.left_start),
        right_(ladder.right_start) {
    for (const LadderRow& row : ladder.rows)
      if (style.neighbors || row.kind != LadderRow::Kind::Neighbor) shown_.push_back(&row);
  }

  std::string text() {
    heading();
    for (const Stroke& stroke : strokes()) draw(stroke);
    return std::move(out_);
  }

 private:
  std::vector<Stroke> strokes() const {
    std::vector<Stroke> out;
    for (const LadderRow* row : shown_) {
      if (row->kind == LadderRow::Kind::State || row->kind == LadderRow::Kind::Note) {
        out.push_back({row->departure, row, Part::Words});
      } else if (row->fate == Fate::Duplicate) {
        if (row->arrival != 0) out.push_back({row->arrival, row, Part::Arrival});
      } else if (row->arrival == 0 || crossed(*row)) {
        out.push_back({row->departure, row, Part::Departure});
        if (row->arrival != 0) out.push_back({row->arrival, row, Part::Arrival});
      } else {
        out.push_back({row->departure, row, Part::Whole});
      }
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const Stroke& a, const Stroke& b) { return a.order < b.order; });
    return out;
  }

  bool crossed(const LadderRow& row) const {
    if (row.departure == row.arrival) return false;
    return std::any_of(shown_.begin(), shown_.end(),
                       [&](const LadderRow* peer) { return in_the_way(row, *peer); });
  }

  void heading() {
    const auto name = [](const std::string& role, const Endpoint& endpoint) {
      return endpoint.port == 0 ? role : role + " " + endpoint.text();
    };
    std::string names = name(ladder_.left_name, ladder_.left);
    const std::string right = name(ladder_.right_name, ladder_.right);
    names +=
        right_aligned(right, std::max(middle_ + kState + 1 + kState + 1 - width(names), width(right) + 2));
    line(right_aligned("#", kNumber - 1) + " " + right_aligned("seconds", kTime) + "  " + names);
    states_line("", "", "");
  }

  void line(std::string text) {
    text.erase(text.find_last_not_of(' ') + 1);
    out_ += text + '\n';
  }

  void states_line(std::string_view number, std::string_view time, std::string middle) {
    const auto cell = [](const std::optional<tcp::State>& state) {
      return state ? std::string(tcp::name_of(*state)) : std::string();
    };
    line(right_aligned(number, kNumber - 1) + " " + right_aligned(time, kTime) + "  " +
         padded(cell(left_), kState) + " " + padded(std::move(middle), middle_) + " " + cell(right_));
  }

  void draw(const Stroke& stroke) {
    const LadderRow& row = *stroke.row;
    settle(row, stroke.part);
    const bool leaves = stroke.part == Part::Whole || stroke.part == Part::Departure;
    const Instant at = stroke.part == Part::Arrival ? row.arrived_at.value_or(row.at) : row.at;
    states_line(leaves ? std::to_string(row.number) : "", seconds(at - ladder_.origin),
                middle_of(row, stroke.part));
    if (leaves && row.kind == LadderRow::Kind::Segment) details(row);
  }

  // The states as they are once this stroke has happened.
  void settle(const LadderRow& row, Part part) {
    const auto take = [&](Side side) {
      if (row.passage(side).after) (side == Side::Left ? left_ : right_) = row.passage(side).after;
    };
    if (part != Part::Arrival) take(row.from);
    if (part == Part::Arrival || part == Part::Whole) take(other(row.from));
  }

  std::string middle_of(const LadderRow& row, Part part) const {
    const bool rightward = row.from == Side::Left;
    switch (part) {
      case Part::Words:
        return words(row);
      case Part::Arrival:
        return arrival(row, rightward);
      case Part::Whole:
        return whole(row, rightward);
      case Part::Departure:
        return row.fate == Fate::Arrived || row.arrival != 0 ? departure(row, rightward)
                                                             : lost(row, rightward);
    }
    return {};
  }

  std::string words(const LadderRow& row) const {
    if (row.from == Side::Left) return joined({glyphs_.bullet, " ", row.note});
    return right_aligned(joined({row.note, " ", glyphs_.bullet}), middle_);
  }

  std::string whole(const LadderRow& row, bool rightward) const {
    const std::string label = joined({" ", label_of(row), remark_of(row), damage(row), " "});
    const std::string fill = repeated(glyphs_.line, middle_ - std::min(middle_, width(label) + 3));
    if (rightward) return repeated(glyphs_.line, 2) + label + fill + std::string(glyphs_.right);
    return std::string(glyphs_.left) + repeated(glyphs_.line, 1) + label + fill + repeated(glyphs_.line, 1);
  }

  std::string departure(const LadderRow& row, bool rightward) const {
    const std::string label = joined({" ", label_of(row), remark_of(row), " "});
    const std::string dots = repeated(glyphs_.dots, middle_ - std::min(middle_, width(label) + 4));
    const std::string line2 = repeated(glyphs_.line, 2);
    return rightward ? line2 + label + line2 + dots : dots + line2 + label + line2;
  }

  std::string arrival(const LadderRow& row, bool rightward) const {
    const std::string what =
        row.fate == Fate::Duplicate ? "copy of " + std::to_string(row.copy_of) : std::to_string(row.number);
    const std::string label = joined({" ", what, " arrives", damage(row), " "});
    const std::string dots = repeated(glyphs_.dots, middle_ - std::min(middle_, width(label) + 3));
    const std::string line2 = repeated(glyphs_.line, 2);
    if (rightward) return dots + label + line2 + std::string(glyphs_.right);
    return std::string(glyphs_.left) + line2 + label + dots;
  }

  std::string lost(const LadderRow& row, bool rightward) const {
    const std::string label = joined({" ", label_of(row), remark_of(row), " "});
    const std::string_view why = row.fate == Fate::Overflown ? "queue full" : "lost";
    const std::string line2 = repeated(glyphs_.line, 2);
    if (rightward) return joined({line2, label, line2, line2, glyphs_.cross, " ", why});
    return right_aligned(joined({why, " ", glyphs_.cross, line2, line2, label, line2}), middle_);
  }

  static std::string damage(const LadderRow& row) { return row.fate == Fate::Corrupted ? ", damaged" : ""; }

  void details(const LadderRow& row) {
    std::string text;
    const auto flush = [&] { line(std::string(kLead + 3, ' ') + std::exchange(text, {})); };
    for (const std::string& detail : details_of(row.segment)) {
      if (!text.empty() && text.size() + 2 + detail.size() > middle_ - 3) flush();
      text += (text.empty() ? "" : ", ") + detail;
    }
    flush();
  }

  const Ladder& ladder_;
  const Glyphs& glyphs_;
  const size_t middle_;
  std::optional<tcp::State> left_;
  std::optional<tcp::State> right_;
  std::vector<const LadderRow*> shown_;
  std::string out_;
};

}  // namespace

std::string render_text(const Ladder& ladder, const TextStyle& style) {
  return Drawing(ladder, style).text();
}

}  // namespace millrace::sim

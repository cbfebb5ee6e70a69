#include "sim/recorder.h"

#include <utility>

namespace millrace::sim {

namespace {

std::string_view neighbor_words(const wire::Frame& frame) {
  switch (frame.kind) {
    case wire::FrameKind::Arp:
      return "ARP";
    case wire::FrameKind::Icmp4:
      return "ICMP";
    case wire::FrameKind::Icmp6:
      return "ICMPv6";
    case wire::FrameKind::Tcp:
      return "TCP of another connection";
    case wire::FrameKind::Dropped:
      return "a frame that is none of ours";
  }
  return "";
}

std::string neighbor_note(const wire::Frame& frame) {
  std::string out(neighbor_words(frame));
  if (frame.message.empty()) return out;
  const auto octet = [&](size_t at) { return at < frame.message.size() ? frame.message[at] : uint8_t{0}; };
  if (frame.kind == wire::FrameKind::Arp) return out + (octet(7) == 1 ? " request" : " reply");
  if (frame.kind == wire::FrameKind::Icmp6 && octet(0) == 135) return "neighbour solicitation";
  if (frame.kind == wire::FrameKind::Icmp6 && octet(0) == 136) return "neighbour advertisement";
  return out + " type " + std::to_string(octet(0));
}

// Why a state changed that no segment and no word of an application explains.
std::string reason_of(tcp::State from, tcp::State to, Phase phase) {
  if (phase != Phase::Expire) return "the application acts";
  if (from == tcp::State::TimeWait && to == tcp::State::Closed) return "2 * MSL have passed";
  return "its timer gives up";
}

}  // namespace

Recorder::Recorder(World& world, HostId left, HostId right) : world_(world), left_(left), right_(right) {
  ladder_.left_name = world.name(left);
  ladder_.right_name = world.name(right);
  world_.observe(this);
}

Recorder::~Recorder() { world_.observe(nullptr); }

void Recorder::watch(const Endpoint& left, const Endpoint& right) {
  ladder_.left = left;
  ladder_.right = right;
  ladder_.origin = world_.now();
  ladder_.rows.clear();
  rows_.clear();
  lens_ = {};
  watching_ = true;
  for (const Side side : {Side::Left, Side::Right}) {
    const tcp::State state = look(side);
    current_[static_cast<size_t>(side)] = state;
    (side == Side::Left ? ladder_.left_start : ladder_.right_start) = state;
    (side == Side::Left ? ladder_.left_path : ladder_.right_path) = {state};
  }
}

std::optional<Side> Recorder::side_of(HostId host) const {
  if (host == left_) return Side::Left;
  if (host == right_) return Side::Right;
  return std::nullopt;
}

bool Recorder::is_ours(const wire::Segment& segment, Side from) const {
  const Endpoint& sender = from == Side::Left ? ladder_.left : ladder_.right;
  const Endpoint& receiver = from == Side::Left ? ladder_.right : ladder_.left;
  return segment.flow.remote == sender && segment.flow.local == receiver;  // parsed as received
}

tcp::State Recorder::look(Side side) {
  const bool left = side == Side::Left;
  const wire::FlowAddress flow{.local = left ? ladder_.left : ladder_.right,
                               .remote = left ? ladder_.right : ladder_.left};
  const tcp::State state = world_.shard(host_of(side)).state_of(flow);
  // A listener goes on listening after the connection that it gave birth to has gone; that is another matter.
  const tcp::State last = current_[static_cast<size_t>(side)];
  const bool born = last != tcp::State::Listen && last != tcp::State::SynReceived && !path(side).empty();
  return state == tcp::State::Listen && born ? tcp::State::Closed : state;
}

void Recorder::say(Side side, std::string words) {
  LadderRow row{.kind = LadderRow::Kind::Note, .at = world_.now()};
  row.departure = row.arrival = ++events_;
  row.from = side;
  row.passage(side) = {.before = state(side), .after = state(side)};
  row.note = std::move(words);
  spoken_[static_cast<size_t>(side)] = ladder_.rows.size();
  ladder_.rows.push_back(std::move(row));
}

void Recorder::departed(HostId from, HostId to, const Flight& flight, std::span<const uint8_t> sent) {
  const std::optional<Side> side = side_of(from);
  if (!watching_ || !side || !side_of(to)) return;
  const wire::Frame frame = frame_view(sent);
  LadderRow row{.at = flight.sent_at};
  row.from = *side;
  row.fate = flight.fate;
  row.passage(*side) = {.before = state(*side), .after = state(*side)};
  if (frame.kind == wire::FrameKind::Tcp && is_ours(frame.tcp, *side)) {
    row.segment = lens_.look(*side, frame.tcp);
  } else {
    row.kind = LadderRow::Kind::Neighbor;
    row.note = neighbor_note(frame);
  }
  open_row(std::move(row), flight);
}

void Recorder::open_row(LadderRow row, const Flight& flight) {
  row.departure = ++events_;
  row.number = ++frames_;
  if (const auto original = rows_.find(flight.copy_of); flight.copy_of != 0 && original != rows_.end())
    row.copy_of = ladder_.rows[original->second].number;
  rows_[flight.id] = ladder_.rows.size();
  ladder_.rows.push_back(std::move(row));
}

void Recorder::arrived(HostId, HostId to, const Flight& flight) {
  const auto found = rows_.find(flight.id);
  const std::optional<Side> side = side_of(to);
  if (found == rows_.end() || !side) return;
  LadderRow& row = ladder_.rows[found->second];
  row.arrived_at = world_.now();
  row.arrival = ++events_;
  row.passage(*side) = {.before = state(*side), .after = state(*side)};
  arriving_[static_cast<size_t>(*side)].push_back(found->second);
}

void Recorder::after(HostId host, Phase phase) {
  const std::optional<Side> side = side_of(host);
  if (watching_ && side) poll(*side, phase);
}

void Recorder::poll(Side side, Phase phase) {
  const auto index = static_cast<size_t>(side);
  const tcp::State before = current_[index];
  const tcp::State now = look(side);
  if (now != before) {
    current_[index] = now;
    (side == Side::Left ? ladder_.left_path : ladder_.right_path).push_back(now);
    state_changed(side, before, now, phase);
  }
  if (phase == Phase::Receive) arriving_[index].clear();
  spoken_[index].reset();
}

// Where the change shows: with the segment that brought it, the words that announced it, or in a row of its
// own.
void Recorder::state_changed(Side side, tcp::State from, tcp::State to, Phase phase) {
  const auto index = static_cast<size_t>(side);
  if (phase == Phase::Receive && !arriving_[index].empty()) {
    for (const size_t row : arriving_[index]) ladder_.rows[row].passage(side).after = to;
    return;
  }
  if (spoken_[index]) {
    ladder_.rows[*spoken_[index]].passage(side).after = to;
    return;
  }
  LadderRow row{.kind = LadderRow::Kind::State, .at = world_.now()};
  row.departure = row.arrival = ++events_;
  row.from = side;
  row.passage(side) = {.before = from, .after = to};
  row.note = reason_of(from, to, phase);
  ladder_.rows.push_back(std::move(row));
}

}  // namespace millrace::sim

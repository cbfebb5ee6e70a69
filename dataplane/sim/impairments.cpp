#include "sim/impairments.h"

#include <charconv>
#include <limits>
#include <optional>

namespace millrace::sim {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kTimes[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}};
constexpr Unit kRates[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}};
constexpr Unit kShares[] = {{"%", 1e4}, {"ppm", 1}};
constexpr Unit kCounts[] = {{"", 1}};

// A number with one of the units, from 0 to `most` in the unit of the parameter.
std::optional<uint64_t> number(std::string_view text, std::span<const Unit> units, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  for (const Unit& known : units) {
    if (unit != known.name) continue;
    value *= known.factor;
    if (!(value >= 0 && value <= most)) return std::nullopt;
    return static_cast<uint64_t>(value + 0.5);
  }
  return std::nullopt;
}

constexpr double kLongest = 60e6;  // a minute

bool set_time(Micros& to, std::string_view value) {
  const auto parsed = number(value, kTimes, kLongest);
  if (parsed) to = Micros{static_cast<int64_t>(*parsed)};
  return parsed.has_value();
}

bool set_share(uint32_t& to, std::string_view value) {
  const auto parsed = number(value, kShares, 1e6);
  if (parsed) to = static_cast<uint32_t>(*parsed);
  return parsed.has_value();
}

bool set_discipline(LinkParams& params, std::string_view value) {
  using enum Discipline;
  QueueParams& queue = params.queue;
  queue.ecn = false;
  if (value == "drop-tail") return queue.discipline = DropTail, true;
  if (value == "codel") return queue.discipline = CoDel, true;
  if (value == "codel-ecn") return queue.discipline = CoDel, queue.ecn = true, true;
  if (value == "ecn-step") return queue.discipline = EcnStep, true;
  return false;
}

using P = LinkParams;
using V = std::string_view;

constexpr Impairment kImpairments[] = {
    {"rate", "bit/s (k, M, G)", "how fast frames leave the queue; 0: at once",
     [](P& p, V v) {
       const auto parsed = number(v, kRates, 1e12);
       if (parsed) p.bits_per_second = *parsed;
       return parsed.has_value();
     }},
    {"delay", "time", "from the queue to the other end", [](P& p, V v) { return set_time(p.delay, v); }},
    {"jitter", "time", "the delay is up to so much longer, in order", [](P& p, V v) { return set_time(p.jitter, v); }},
    {"limit", "frames", "room in the queue",
     [](P& p, V v) {
       const auto parsed = number(v, kCounts, 1e6);
       if (parsed) p.queue_frames = *parsed;
       return parsed.has_value();
     }},
    {"queue", "drop-tail, codel, codel-ecn, ecn-step", "what it does with frames that wait for long", set_discipline},
    {"target", "time", "that is long: of CoDel (RFC 8289), or the threshold of ecn-step",
     [](P& p, V v) { return set_time(p.queue.target, v); }},
    {"interval", "time", "of CoDel", [](P& p, V v) { return set_time(p.queue.interval, v); }},
    {"mtu", "octets", "larger IP packets vanish without a word; 0: none do",
     [](P& p, V v) {
       const auto parsed = number(v, kCounts, 65'535);
       if (parsed) p.mtu = static_cast<uint32_t>(*parsed);
       return parsed.has_value();
     }},
    {"loss", "share", "frames lost, each for itself", [](P& p, V v) { return set_share(p.faults.loss_ppm, v); }},
    {"burst-begins", "share", "frames with which a burst of losses begins (Gilbert, Elliott)",
     [](P& p, V v) { return set_share(p.faults.burst_begins_ppm, v); }},
    {"burst-ends", "share", "frames with which it ends", [](P& p, V v) { return set_share(p.faults.burst_ends_ppm, v); }},
    {"burst-loss", "share", "frames lost in it", [](P& p, V v) { return set_share(p.faults.burst_loss_ppm, v); }},
    {"reorder", "share", "frames that take up to reorder-by longer, and are overtaken",
     [](P& p, V v) { return set_share(p.faults.reordering_ppm, v); }},
    {"reorder-by", "time", "", [](P& p, V v) { return set_time(p.faults.jitter, v); }},
    {"duplicate", "share", "frames that come twice", [](P& p, V v) { return set_share(p.faults.duplication_ppm, v); }},
    {"corrupt", "share", "frames that come damaged", [](P& p, V v) { return set_share(p.faults.corruption_ppm, v); }},
};

}  // namespace

std::span<const Impairment> impairments() { return kImpairments; }

std::string parse(std::string_view text, LinkParams& params) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const size_t equals = one.find('=');
    const std::string_view name = one.substr(0, equals);
    const Impairment* found = nullptr;
    for (const Impairment& known : kImpairments)
      if (known.name == name) found = &known;
    if (found == nullptr) return "there is no impairment called '" + std::string(name) + "'";
    if (equals == std::string_view::npos || !found->set(params, one.substr(equals + 1)))
      return "'" + std::string(one) + "': " + std::string(name) + " wants " + std::string(found->unit);
  }
  return "";
}

}  // namespace millrace::sim

// A cable between two devices that is as bad as one likes: the simulation's link (sim/link.h) in real time. Seeded:
// the same seed decides the same for the same frames.
//
// usage: wire_linkem LEFT RIGHT [--there IMPAIRMENTS] [--back IMPAIRMENTS] [--seed N]
//
// LEFT and RIGHT are tap:NAME[@NAMESPACE] or packet:NAME[@NAMESPACE]. Says "ready" when frames go through, and at
// SIGTERM or SIGINT a line of JSON. Neighbours: sim/impairments.h, end.h.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "end.h"
#include "sim/impairments.h"
#include "sim/receiver_view.h"

namespace millrace::linkem {
namespace {

struct Options {
  std::vector<std::string> ends;
  sim::LinkParams there{.delay = Micros{}};
  sim::LinkParams back{.delay = Micros{}};
  uint64_t seed = 1;
};

Instant now() {
  timespec at{};
  ::clock_gettime(CLOCK_MONOTONIC, &at);
  return Instant(Micros(int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1000));
}

void usage() {
  std::cerr << "usage: wire_linkem LEFT RIGHT [--there IMPAIRMENTS] [--back IMPAIRMENTS] [--seed N]\n"
               "LEFT, RIGHT: tap:NAME[@NAMESPACE] or packet:NAME[@NAMESPACE]\n"
               "IMPAIRMENTS: NAME=VALUE,...\n";
  for (const sim::Impairment& one : sim::impairments())
    std::cerr << "  " << one.name << " (" << one.unit << "): " << one.help << '\n';
}

Options read_options(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = arguments[i];
    if (!word.starts_with("--")) {
      options.ends.push_back(word);
      continue;
    }
    if (i + 1 == count) throw std::runtime_error(word + " wants a value");
    const std::string value = arguments[++i];
    std::string wrong;
    if (word == "--there") {
      wrong = sim::parse(value, options.there);
    } else if (word == "--back") {
      wrong = sim::parse(value, options.back);
    } else if (word == "--seed") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), options.seed);
      if (error != std::errc() || *end != 0) wrong = "--seed wants a number";
    } else {
      wrong = "there is no option " + word;
    }
    if (!wrong.empty()) throw std::runtime_error(wrong);
  }
  if (options.ends.size() != 2) throw std::runtime_error("two ends are wanted");
  return options;
}

// How frames fared, by sim::Fate; those that the device behind the link did not take; and what of the data was
// sent again, for something or for nothing.
struct Tally final : sim::DepartureObserver {
  void departed(const sim::Flight& flight, std::span<const uint8_t> sent) override {
    ++fates[static_cast<size_t>(flight.fate)];
    if (flight.fate != sim::Fate::Duplicate) flows.departed(sent);
  }
  void arrived(const sim::Flight& flight) {
    if (flight.fate != sim::Fate::Duplicate && flight.fate != sim::Fate::Corrupted) flows.arrived(flight.octets);
  }
  sim::FlowViews flows;
  std::array<uint64_t, 5> fates{};
  uint64_t refused = 0;
};

// One direction.
struct Lane {
  Lane(End& from_end, End& to_end, const sim::LinkParams& params, uint64_t seed, uint64_t& ids)
      : from(from_end), to(to_end), link(params, seed, ids) {}

  // Bounded, so that neither direction starves the other.
  void gather(std::span<uint8_t> room) {
    for (int i = 0; i < 64; ++i) {
      const size_t octets = from.read(room);
      if (octets == 0) return;
      link.send(room.first(octets), now(), &tally);
    }
  }
  void hand_out() {
    while (const auto flight = link.take(now())) {
      if (to.write(flight->octets))
        tally.arrived(*flight);
      else
        ++tally.refused;
    }
  }

  End& from;
  End& to;
  sim::Link link;
  Tally tally;
};

std::string json_of(const Lane& lane) {
  std::string out = "{";
  for (size_t i = 0; i < lane.tally.fates.size(); ++i)
    out += "\"" + std::string(sim::name_of(static_cast<sim::Fate>(i))) + "\": " + std::to_string(lane.tally.fates[i]) + ", ";
  const sim::FlowViews::Counts& counts = lane.tally.flows.counts();
  return out + "\"refused\": " + std::to_string(lane.tally.refused) +
         ", \"data_segments\": " + std::to_string(counts.sent) +
         ", \"retransmitted\": " + std::to_string(counts.retransmitted) +
         ", \"spurious\": " + std::to_string(counts.spurious) + "}";
}

int signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void wait_for(std::array<pollfd, 3>& polled, Instant until) {
  timespec wait{};
  if (until != kNever) {
    const int64_t left = std::max<int64_t>(0, std::chrono::duration_cast<Micros>(until - now()).count());
    wait = {.tv_sec = left / 1'000'000, .tv_nsec = left % 1'000'000 * 1000};
  }
  ::ppoll(polled.data(), polled.size(), until == kNever ? nullptr : &wait, nullptr);
}

int run(const Options& options) {
  End left(options.ends[0]);
  End right(options.ends[1]);
  uint64_t ids = 0;
  Lane there(left, right, options.there, options.seed, ids);
  Lane back(right, left, options.back, ~options.seed, ids);
  std::array<pollfd, 3> polled{pollfd{left.descriptor(), POLLIN, 0}, pollfd{right.descriptor(), POLLIN, 0},
                               pollfd{signals(), POLLIN, 0}};
  std::array<uint8_t, 65'600> room{};
  std::cout << "ready" << std::endl;
  while ((polled[2].revents & POLLIN) == 0) {
    there.gather(room);
    back.gather(room);
    there.hand_out();
    back.hand_out();
    wait_for(polled, std::min(there.link.next_arrival(), back.link.next_arrival()));
  }
  std::cout << "{\"there\": " << json_of(there) << ", \"back\": " << json_of(back) << "}" << std::endl;
  ::close(polled[2].fd);
  return 0;
}

}  // namespace
}  // namespace millrace::linkem

int main(int count, char** arguments) {
  try {
    return millrace::linkem::run(millrace::linkem::read_options(count, arguments));
  } catch (const std::exception& error) {
    std::cerr << "wire_linkem: " << error.what() << '\n';
    millrace::linkem::usage();
    return 2;
  }
}

#include "control/load/verdict.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace millrace::control {

namespace {

using config::LoadDirection;
using config::LoadMode;
using services::load::LoadError;

constexpr double kReached = 0.99;  // of the rate asked for
constexpr double kBusy = 0.95;     // of the iterations: the lcore has no time to spare

double busiest(const LoadResult& result) {
  double share = 0;
  for (const LoadSample::Loop& loop : result.measured.loops) share = std::max(share, loop.busy_share());
  return share;
}

std::string first_target(const LoadResult& result) {
  return result.asked.to.empty() ? "the server" : result.asked.to.front().text();
}

// How many of it got through, in the unit of the mode.
uint64_t achieved(const LoadResult& result) {
  const LoadSample::Counts& counts = result.measured.counts;
  switch (result.asked.mode) {
    case LoadMode::Rps:
      return counts.responses;
    case LoadMode::Cps:
    case LoadMode::Handshake:
      return counts.completed;
    case LoadMode::Concurrent:
      return result.measured.open;
    case LoadMode::Bulk:
      break;
  }
  switch (result.asked.direction) {
    case LoadDirection::Up:
      return counts.bytes_sent;
    case LoadDirection::Down:
      return counts.bytes_received;
    case LoadDirection::Both:
      break;
  }
  return std::min(counts.bytes_sent, counts.bytes_received);
}

// Requests or connections that the rate asked for comes to in the time; 0: none was asked for.
double wanted(const LoadResult& result) {
  if (result.asked.mode == LoadMode::Concurrent) return result.asked.connections;
  return static_cast<double>(result.asked.rate) * result.seconds;
}

double achieved_of_rate(const LoadResult& result) {
  if (result.asked.mode == LoadMode::Bulk) return static_cast<double>(result.measured.counts.responses);
  return static_cast<double>(achieved(result));
}

uint64_t lost_while_held(const LoadResult& result) {
  if (result.asked.mode != LoadMode::Concurrent) return 0;
  return result.measured.counts.all_errors();
}

// ---- what was in the way
// -------------------------------------------------------------------------------------

// A cause that one kind of error names; `count` of them in the time that matters.
std::string error_cause(LoadError error, uint64_t count, const LoadResult& result) {
  const std::string target = first_target(result);
  switch (error) {
    case LoadError::Refused:
      return fmt::format("the server refused {} connections: does anything listen on {}?", count, target);
    case LoadError::Reset:
      return fmt::format("the server reset {} connections", count);
    case LoadError::TimedOut:
      return fmt::format("{} connections had no answer from {} until their retransmissions ran out", count,
                         target);
    case LoadError::Unreachable:
      return fmt::format("no neighbour answers on the way to {}: is the server up and on this link?", target);
    case LoadError::Ended:
      return fmt::format("the server closed {} connections that were to go on", count);
    case LoadError::Malformed:
      return fmt::format("{} answers were none of the protocol asked for: is {} what you think it is?", count,
                         target);
    case LoadError::Status:
      return fmt::format("{} responses had an HTTP status of 400 or more: is the path right?", count);
    case LoadError::NoRoute:
      return fmt::format("no route leads to {}: give one by --route, or an --address in its prefix", target);
    case LoadError::NoPorts:
      return fmt::format(
          "the source ports ran out {} times: give more by --source, --source-ports or further "
          "--to, or let the server keep TIME-WAIT by --close server or nobody by --close reset",
          count);
    case LoadError::TableFull:
      return fmt::format("the table of connections was full {} times: raise memory.connections", count);
    case LoadError::NoOpen:
      return fmt::format("{} connections could not be opened: their ends were in use or not ours", count);
    case LoadError::NoMemory:
      return fmt::format("{} connections had no buffer memory left: raise memory.buffer_bytes", count);
    case LoadError::Internal:
      return fmt::format("{} connections ended by a defect of ours: please report it", count);
  }
  return {};
}

// The most frequent error; empty when there is none.
std::string worst_error(const LoadSample::Counts& counts, const LoadResult& result) {
  const auto worst = std::max_element(counts.errors.begin(), counts.errors.end());
  if (*worst == 0) return {};
  return error_cause(static_cast<LoadError>(worst - counts.errors.begin()), *worst, result);
}

// All but a few, which are between an answer and the next request just now.
bool every_place_is_taken(const LoadResult& result) {
  const uint64_t places = uint64_t{result.asked.connections} * result.asked.depth;
  return result.asked.mode == LoadMode::Rps && 10 * result.measured.pending >= 9 * places;
}

// What kept it from being more, errors aside.
std::string limit(const LoadResult& result) {
  const LoadSample::Signs& signs = result.measured.signs;
  if (signs.pool_empty != 0)
    return fmt::format("our pool of mbufs was empty {} times: raise memory.tx_mbufs", signs.pool_empty);
  if (busiest(result) >= kBusy)
    return fmt::format("our own lcore is at its limit, busy in {:.0f} % of its iterations",
                       100 * busiest(result));
  if (signs.window_probes != 0)
    return fmt::format("the server's window was closed {} times: it reads too slowly", signs.window_probes);
  const uint64_t segments = result.measured.counts.requests + result.measured.counts.opens;
  if (signs.retransmitted_segments > segments / 100)
    return fmt::format("{} segments were sent again: the link or the server loses them",
                       signs.retransmitted_segments);
  if (every_place_is_taken(result))
    return fmt::format(
        "the server or the link is slower: all {} connections x {} requests were under way; more "
        "may go with more of either",
        result.asked.connections, result.asked.depth);
  return fmt::format(
      "the server or the link is at its limit; our lcore was busy in {:.0f} % of its iterations",
      100 * busiest(result));
}

std::string cause_of_nothing(const LoadResult& result) {
  if (!result.link_up)
    return fmt::format("the link is down: nobody is at the other end of {}", result.device);
  const LoadSample::Counts& whole = result.whole.counts;
  if (const std::string error = worst_error(whole, result); !error.empty()) return error;
  if (whole.established == 0 && result.whole.signs.neighbor_unreachable != 0)
    return error_cause(LoadError::Unreachable, 0, result);
  if (whole.established == 0)
    return fmt::format("no SYN was answered by {}: is the server up and on this link?", first_target(result));
  if (whole.requests != 0 && whole.responses == 0)
    return fmt::format("{} takes connections and does not answer: is the protocol right?",
                       first_target(result));
  return limit(result);
}

std::string cause_of_less(const LoadResult& result) {
  const std::string error = worst_error(result.measured.counts, result);
  return error.empty() ? limit(result) : error;
}

std::string with_errors(std::string sentence, const LoadResult& result) {
  const uint64_t errors = result.measured.counts.all_errors();
  if (errors != 0)
    sentence += fmt::format("; {} errors: {}", errors, worst_error(result.measured.counts, result));
  return sentence;
}

}  // namespace

LoadVerdict judge(const LoadResult& result) {
  const uint64_t bad = result.measured.counts.error(LoadError::Status);
  if (bad != 0 && bad == result.measured.counts.responses)
    return {false, "no request succeeded: " + error_cause(LoadError::Status, bad, result)};
  if (achieved(result) == 0) return {false, "nothing got through: " + cause_of_nothing(result)};
  if (const uint64_t lost = lost_while_held(result); lost != 0)
    return {false, fmt::format("{} connections did not stay alive: ", lost) + cause_of_less(result)};
  const double asked = wanted(result);
  // One that is under way when time is over is not missing.
  if (asked > 0 && achieved_of_rate(result) + 2 < kReached * asked) {
    const bool held = result.asked.mode == LoadMode::Concurrent;
    const std::string share = fmt::format("reached {:.1f} % of {}: ", 100 * achieved_of_rate(result) / asked,
                                          held ? "the connections" : "the rate");
    return {false, share + cause_of_less(result)};
  }
  if (asked > 0) return {true, with_errors("reached what was asked", result)};
  return {true, with_errors("as fast as it goes: " + limit(result), result)};
}

}  // namespace millrace::control

// `top` as a command: looks again and again, on a terminal with keys, elsewhere as text.
#include "control/cli/top.h"

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>
#include <chrono>

#include "control/cli/terminal.h"
#include "control/cli/views.h"

namespace millrace::control::cli {

namespace {

namespace po = boost::program_options;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr size_t kPlainConnections = 10;
constexpr milliseconds kFirst{500};  // until the first rates

Look look(Call& call) {
  Look out;
  out.stats = call.client.call("stats");
  out.version = call.client.call("version");
  json params{{"limit", kRowsPerReply}};
  try {
    do {
      json reply = call.client.call("conns", params);
      for (json& row : reply.at("rows")) out.rows.push_back(std::move(row));
      out.more = !reply.at("next").is_null();
      params["cursor"] = reply.at("next");
    } while (out.more && out.rows.size() < kMostScanned);
  } catch (const Failure& failure) {  // an lcore that is too busy to answer is what one wants to see
    if (failure.exit_code() != kEndpointError) throw;
    out.problem = failure.what();
  }
  return out;
}

// rate|age|cwnd|...
std::string columns() {
  std::string out(kByRate);
  for (const SortKey& key : kSortKeys) out.append("|").append(key.name);
  return out;
}

struct Wanted {
  milliseconds interval{};
  std::string sort;
  bool once = false;
  int64_t looks = 0;  // 0: no end
};

Wanted wanted_of(const Call& call) {
  const double seconds = call.options["interval"].as<double>();
  if (!(seconds >= 0.1 && seconds <= 3600)) throw Failure(kUsage, "--interval is from 0.1 to 3600 seconds.");
  Wanted out{milliseconds(static_cast<int64_t>(seconds * 1000)), call.options["sort"].as<std::string>()};
  if (out.sort != kByRate && std::ranges::find(kSortKeys, out.sort, &SortKey::name) == std::end(kSortKeys))
    throw Failure(kUsage, "--sort is one of " + columns() + ".");
  out.once = call.options.count("once") != 0;
  if (call.options.count("count") != 0) {
    out.looks = call.options["count"].as<int64_t>();
    if (out.looks < 1) throw Failure(kUsage, "--count is 1 or more.");
  }
  // Where nobody can press a key, an end is not left to chance.
  if (out.once || (out.looks == 0 && !(call.world.terminal && call.world.take_terminal && !call.json)))
    out.looks = 1;
  return out;
}

void draw(Call& call, const Terminal& terminal, const Look& now, const Look& before,
          const std::string& sort) {
  constexpr std::string_view kKeys = "q quit   s sort by another column";
  constexpr std::string_view kHome = "\033[H", kClearLine = "\033[K", kClearBelow = "\033[J";
  const ScreenSize size = terminal.size();
  const std::string text = top_text(top_view(now, before, sort, size.rows), sort);
  std::string out(kHome);
  for (const char c : fitted(text, size.rows - 1, size.columns)) {
    if (c == '\n') out += kClearLine;
    out += c;
  }
  out.append(kClearBelow).append(kKeys.substr(0, size.columns - 1));
  call.world.out << out << std::flush;
}

int watch(Call& call, Terminal& terminal, Wanted wanted) {
  Look before = look(call);
  call.world.sleep(std::min(wanted.interval, kFirst));
  for (int64_t count = 1;; ++count) {
    Look now = look(call);
    draw(call, terminal, now, before, wanted.sort);
    if (count == wanted.looks) return kOk;
    const auto next = Clock::now() + wanted.interval;
    for (auto left = wanted.interval; left.count() > 0;
         left = std::chrono::duration_cast<milliseconds>(next - Clock::now())) {
      const char key = terminal.key(left);
      if (key == 'q' || key == 'Q' || key == Terminal::kEnd) return kOk;
      if (key != 's') continue;
      wanted.sort = next_sort(wanted.sort);
      draw(call, terminal, now, before, wanted.sort);
    }
    before = std::move(now);
  }
}

int print(Call& call, const Wanted& wanted) {
  Look before = look(call);
  for (int64_t count = 1;; ++count) {
    call.world.sleep(wanted.interval);
    Look now = look(call);
    const json view = top_view(now, before, wanted.sort, kPlainConnections);
    if (call.json)
      call.world.out << view.dump(wanted.looks == 1 ? 2 : -1, ' ', false, json::error_handler_t::replace)
                     << '\n';
    else
      call.world.out << (count == 1 ? "" : "\n") << top_text(view, wanted.sort);
    call.world.out.flush();
    if (count == wanted.looks || !call.world.out) return kOk;
    before = std::move(now);
  }
}

}  // namespace

std::string_view next_sort(std::string_view sort) {
  if (sort == kByRate) return std::begin(kSortKeys)->name;
  const auto* found = std::ranges::find(kSortKeys, sort, &SortKey::name);
  return found == std::end(kSortKeys) || found + 1 == std::end(kSortKeys) ? kByRate : (found + 1)->name;
}

void declare_top(po::options_description& options) {
  options.add_options()("once", "one look as text, also on a terminal")(
      "interval,i", po::value<double>()->value_name("S")->default_value(1.0, "1"),
      "seconds between two looks (0.1 to 3600)")("count,n", po::value<int64_t>()->value_name("N"),
                                                 "end after so many looks; without a terminal after one")(
      "sort", po::value<std::string>()->value_name(columns())->default_value(std::string(kByRate)),
      "connections, the largest first; `rate` is octets a second");
}

int run_top(Call& call) {
  const Wanted wanted = wanted_of(call);
  if (call.world.terminal && !wanted.once && !call.json && call.world.take_terminal) {
    if (const auto terminal = call.world.take_terminal()) return watch(call, *terminal, wanted);
  }
  return print(call, wanted);
}

}  // namespace millrace::control::cli

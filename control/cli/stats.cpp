#include "control/cli/stats.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "control/cli/arguments.h"
#include "control/cli/stats_rows.h"
#include "control/cli/views.h"

namespace millrace::control::cli {

namespace {

namespace po = boost::program_options;
using std::chrono::milliseconds;

struct Wanted {
  StatsStyle style;
  bool histograms = false;
  bool watching = false;
  milliseconds interval{};
  int64_t looks = 0;  // 0: no end
};

std::string bys() {
  std::string out;
  for (const StatsBy& by : kStatsBys) out.append(out.empty() ? "" : "|").append(by.name);
  return out;
}

Wanted wanted_of(const Call& call) {
  const auto given = [&](const char* option) { return call.options.count(option) != 0; };
  const double seconds = call.options["interval"].as<double>();
  if (!(seconds >= 0.1 && seconds <= 3600)) throw Failure(kUsage, "--interval is from 0.1 to 3600 seconds.");
  Wanted out{.style = {.all = given("all"), .per_shard = given("per-shard")},
             .histograms = given("histograms"),
             .watching = given("watch"),
             .interval = milliseconds(static_cast<int64_t>(seconds * 1000))};
  if (given("by")) {
    out.style.by = std::ranges::find(kStatsBys, call.options["by"].as<std::string>(), &StatsBy::name);
    if (out.style.by == std::end(kStatsBys)) throw Failure(kUsage, "--by is one of " + bys() + ".");
    if (out.histograms) throw Failure(kUsage, "Histograms are kept by shard: --histograms goes with --per-shard.");
    if (out.style.per_shard) throw Failure(kUsage, "--per-shard has a column for each shard; --by goes without.");
  }
  if (given("count") && !out.watching) throw Failure(kUsage, "--count goes with --watch.");
  if (given("count")) out.looks = bounded(call, "count", 1, 1'000'000'000);
  return out;
}

void show(Call& call, const Wanted& wanted, const json& reply, const json& before) {
  constexpr const char* kHomeAndClear = "\033[H\033[2J\033[3J";
  if (wanted.watching && call.world.terminal) call.world.out << kHomeAndClear;
  if (wanted.watching && !call.world.terminal && !before.is_null()) call.world.out << '\n';
  call.world.out << (wanted.histograms ? histograms_text(reply, wanted.style)
                                       : stats_text(reply, before, wanted.style));
}

}  // namespace

void declare_stats(po::options_description& options) {
  options.add_options()("all,a", "counters that are zero too")("per-shard", "a column for each shard")(
      "by", po::value<std::string>()->value_name(bys()), "lines for each shard, service or port")(
      "histograms", "round trips, handshakes, bursts and loop times: how they are spread")(
      "shard", value_of<int64_t>("N"), "only this shard")(
      "watch,w", "again and again, with changes and rates; with --json an object a line: at_us, interval_us and rows, in "
                 "which each of counters, gauges and drops has value, change and per_second")(
      "interval,i", value_of<double>("S")->default_value(1.0, "1"), "seconds between two looks (0.1 to 3600)")(
      "count,n", value_of<int64_t>("N"), "end after so many looks");
}

int run_stats(Call& call) {
  const Wanted wanted = wanted_of(call);
  const json params = params_from(call, Method::Stats);
  if (!wanted.watching && call.json) return print_json(call, call.client.call("stats", params));
  json before;
  // A line of changes needs a look before it.
  if (call.json) before = call.client.call("stats", params);
  for (int64_t look = 1;; ++look) {
    if (call.json) call.world.sleep(wanted.interval);
    json reply = call.client.call("stats", params);
    if (call.json)
      print_json_line(call, stats_changes(reply, before, wanted.style.by));
    else
      show(call, wanted, reply, before);
    call.world.out.flush();
    if (!wanted.watching || look == wanted.looks || !call.world.out) return kOk;
    before = std::move(reply);
    if (!call.json) call.world.sleep(wanted.interval);
  }
}

}  // namespace millrace::control::cli

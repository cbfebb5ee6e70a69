#include "control/load/load.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>

#include "config/commands.h"
#include "control/endpoint/endpoint.h"
#include "control/endpoint/params.h"
#include "control/load/params.h"
#include "control/load/progress.h"
#include "control/load/report.h"
#include "control/load/sample.h"
#include "control/load/verdict.h"
#include "control/process/error.h"
#include "control/process/log.h"
#include "control/process/signals.h"
#include "control/socket/params.h"
#include "services/load/generator.h"

namespace millrace::control {

namespace {

using namespace std::chrono_literals;
using services::load::Generator;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kLinkPatience = 10s;  // a peer may start later than we do
constexpr auto kOpenPatience = 5s;   // without another connection
constexpr auto kGlance = 20ms;

// A generator on every lcore of an endpoint; the endpoint owns them.
class Generators {
 public:
  explicit Generators(const config::Settings& settings) : settings_(settings) {}

  void equip(Worker& worker) {
    const auto lcores = static_cast<uint32_t>(lcore_count(settings_));
    auto generator =
        std::make_unique<Generator>(share_of(load_params(settings_.load), worker.number(), lcores));
    all_.push_back(generator.get());
    stats_.push_back(&generator->stats());
    worker.keep_program(std::move(generator));
    if (const auto& ports = settings_.load.source_ports) worker.use_ports({ports->first, ports->last});
  }
  LoadSample sample(const RunningEndpoint& endpoint) const {
    return read_sample(stats_, endpoint.counters());
  }
  // False: an lcore takes no commands.
  bool start(RunningEndpoint& endpoint) {
    bool asked = true;
    for (unsigned i = 0; i < all_.size(); ++i)
      asked &= endpoint.post(i, [generator = all_[i]](shard::Shard& shard) { shard.add_program(*generator); });
    return asked;
  }
  void stop(RunningEndpoint& endpoint) {
    for (unsigned i = 0; i < all_.size(); ++i)
      endpoint.post(i, [generator = all_[i]](shard::Shard&) { generator->stop(); });
  }

 private:
  const config::Settings& settings_;
  std::vector<Generator*> all_;
  std::vector<const services::load::Stats*> stats_;
};

// The parts of a run, one after the other, until its end or a signal.
class Campaign {
 public:
  Campaign(RunningEndpoint& endpoint, const Generators& generators, LoadProgress& progress)
      : endpoint_(endpoint),
        load_(endpoint.settings().load),
        generators_(generators),
        progress_(progress),
        start_(generators.sample(endpoint)),
        latest_(start_) {}

  LoadResult run() {
    if (keeps_connections()) open_all();
    warm_up();
    const LoadSample begin = measures_from_start() ? start_ : latest_;
    measure();
    LoadResult result;
    result.asked = load_;
    result.device = endpoint_.port().report().device;
    result.link_up = endpoint_.port().link_up();
    result.seconds = seconds_between(begin, latest_);
    result.measured = between(begin, latest_);
    result.whole = between(start_, latest_);
    // Kept connections were opened before.
    if (result.measured.connect.count() == 0) result.measured.connect = result.whole.connect;
    result.interrupted = interrupted_;
    return result;
  }
  bool broken() const { return broken_; }

 private:
  bool keeps_connections() const {
    return load_.mode != config::LoadMode::Cps && load_.mode != config::LoadMode::Handshake;
  }
  // A signal before the measurement began ends it where it is.
  bool measures_from_start() const {
    return interrupted_ || (load_.warm_up == Micros{} && !keeps_connections());
  }
  bool over() const { return interrupted_ || broken_; }

  // Samples and shows, once a second, until `done` or `limit`.
  template <typename Done>
  void watch(std::string_view part, SteadyClock::duration limit, Done done) {
    progress_.begin(part, latest_);
    const SteadyClock::time_point end = SteadyClock::now() + limit;
    SteadyClock::time_point next_line = SteadyClock::now() + 1s;
    while (!over()) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(std::min(end, next_line) - SteadyClock::now());
      interrupted_ = stop_signal(std::clamp<std::chrono::milliseconds>(left, 0ms, kGlance)) ||
                     endpoint_.drain_requested();
      broken_ = !endpoint_.healthy();
      const SteadyClock::time_point now = SteadyClock::now();
      if (now >= next_line || now >= end || over() || !keeps_time(part))
        latest_ = generators_.sample(endpoint_);
      if (now >= next_line) {
        endpoint_.attend();
        progress_.show(latest_);
        next_line += 1s;
      }
      if (now >= end || done(now)) break;
    }
  }
  static bool keeps_time(std::string_view part) { return part != kOpening; }

  void open_all() {
    uint64_t open = 0;
    SteadyClock::time_point moved = SteadyClock::now();
    // At a rate, or against a server that is slow to take them, for as long as there are more and more.
    watch(kOpening, std::chrono::hours(1), [&](SteadyClock::time_point now) {
      if (latest_.open > open) moved = now;
      open = std::max(open, latest_.open);
      return latest_.open >= load_.connections || now - moved > kOpenPatience;
    });
  }
  void warm_up() {
    watch("warm-up ", load_.warm_up, [](SteadyClock::time_point) { return false; });
  }
  void measure() {
    watch("measured", load_.duration, [](SteadyClock::time_point) { return false; });
  }

  static constexpr std::string_view kOpening = "opening ";

  RunningEndpoint& endpoint_;
  const config::LoadSettings& load_;
  const Generators& generators_;
  LoadProgress& progress_;
  LoadSample start_;
  LoadSample latest_;
  bool interrupted_ = false;
  bool broken_ = false;
};

// Some drivers know whether somebody is at the other end; the first SYN is not to be lost for that.
void await_link(const RunningEndpoint& endpoint) {
  const SteadyClock::time_point end = SteadyClock::now() + kLinkPatience;
  while (!endpoint.port().link_up() && SteadyClock::now() < end)
    if (stop_signal(kGlance)) throw StartError("stopped while the link was down");
}

// Nor for the link being asked whether our addresses are another host's.
void await_addresses(RunningEndpoint& endpoint) {
  const NeighborParams& neighbor = endpoint.settings().neighbor;
  const auto probes = std::max(neighbor.dup_addr_detect_transmits, neighbor.arp_probes);
  const SteadyClock::time_point end = SteadyClock::now() + probes * neighbor.retransmit + kLinkPatience;
  while (!endpoint.addresses_settled() && SteadyClock::now() < end)
    if (stop_signal(kGlance)) throw StartError("stopped while the link was asked for our addresses");
}

int load(const config::LoadPlan& plan, std::ostream& out, std::ostream& err) {
  log_dpdk(DpdkPhase::Starting);
  std::optional<ImpatientStart> impatience(std::in_place, "load");
  const config::Settings settings = load_endpoint_settings(*plan.plan.settings, plan.plan.config);
  Generators generators(settings);
  RunningEndpoint endpoint(settings, config_file(plan.plan.config),
                           [&generators](Worker& worker) { generators.equip(worker); });
  impatience.reset();
  std::optional<Server> server;
  if (plan.plan.config.is_set("control.socket")) {
    server.emplace(endpoint, socket_params(settings.control));
    if (const std::optional<std::string> problem = server->start()) throw StartError(*problem);
  }
  if (!plan.quiet) err << load_headline(settings.load) << std::endl;
  await_link(endpoint);
  log_dpdk(DpdkPhase::Running);

  LoadResult result;
  bool broken = false;
  {
    LoadProgress progress(err, plan.quiet, isatty(STDERR_FILENO) != 0);
    endpoint.launch();
    await_addresses(endpoint);
    Campaign campaign(endpoint, generators, progress);
    if (!generators.start(endpoint)) throw StartError("an lcore does not answer");
    result = campaign.run();
    broken = campaign.broken();
  }
  generators.stop(endpoint);
  endpoint.stop();
  if (server) server->stop();
  const LoadVerdict verdict = broken ? LoadVerdict{false, "an lcore has ended by itself"} : judge(result);
  if (plan.json)
    print_load_json(out, result, verdict);
  else
    print_load_table(out, result, verdict);
  out << std::flush;
  if (!verdict.reached) err << "millrace load: " << verdict.sentence << '\n';
  return verdict.reached ? 0 : 1;
}

}  // namespace

int run_load(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  const config::LoadPlan plan = config::plan_load(args, out, err);
  if (!plan.plan.settings) return plan.plan.exit_code;
  block_stop_signals();
  set_up_log(plan.plan.settings->control.log_level);
  try {
    return load(plan, out, err);
  } catch (const StartError& error) {
    err << "millrace load: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {  // no memory, or a thread that cannot be made
    err << "millrace load: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace millrace::control

#include "control/serve/serve.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>

#include "config/commands.h"
#include "control/endpoint/address_watch.h"
#include "control/endpoint/endpoint.h"
#include "control/endpoint/live_config.h"
#include "control/endpoint/services.h"
#include "control/metrics/metrics_server.h"
#include "control/process/error.h"
#include "control/process/log.h"
#include "control/process/signals.h"
#include "control/serve/report.h"
#include "control/serve/watch.h"
#include "control/socket/params.h"

namespace millrace::control {

namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kGlance = 100ms;  // how long a request over the control socket waits to be seen
constexpr auto kAttend = 1s;
constexpr auto kAddressPatience = 5s;  // beyond what the probes take

MetricsParams metrics_params(const config::ControlSettings& control) {
  return {.place = control.metrics_listen, .mode = static_cast<mode_t>(control.mode), .group = control.group};
}

enum class End { Asked, Broken };

Watch watch_of(const RunningEndpoint& endpoint) {
  return {endpoint.port().interface(), endpoint.port().quirks().host_interface};
}

// What came of a SIGHUP. True: it is known.
bool tell_reload(const ChangeTicket& ticket, const RunningEndpoint& endpoint) {
  if (!ticket.done.load(std::memory_order_acquire)) return false;
  const ChangeReport& report = ticket.report;
  for (const std::string& problem : report.problems) spdlog::warn("SIGHUP: {}; nothing is changed", problem);
  if (!report.problems.empty()) return true;
  if (!endpoint.settings().fleet.key_file.empty()) spdlog::info("SIGHUP: fleet.key_file was read again");
  for (const KeyChange& change : report.applied)
    spdlog::info("SIGHUP: {}: {} -> {}", change.key, change.before, change.after);
  for (const KeyChange& change : report.restart)
    spdlog::warn("SIGHUP: {}: {} -> {} needs a restart", change.key, change.before, change.after);
  if (report.applied.empty() && report.restart.empty())
    spdlog::info("SIGHUP: the configuration says what it said before");
  return true;
}

// Until our addresses are in use. Without a link nobody can be asked: they are when it has come up. What ends
// the endpoint before that.
std::optional<End> await_addresses(RunningEndpoint& endpoint) {
  const NeighborParams& neighbor = endpoint.settings().neighbor;
  const auto probes = std::max(neighbor.dup_addr_detect_transmits, neighbor.arp_probes);
  const SteadyClock::time_point end = SteadyClock::now() + probes * neighbor.retransmit + kAddressPatience;
  while (!endpoint.addresses_settled() && endpoint.watch_link() && SteadyClock::now() < end) {
    if (!endpoint.healthy()) return End::Broken;
    if (endpoint.drain_requested() || stop_signal(10ms)) return End::Asked;
  }
  return std::nullopt;
}

// Until a signal or the control socket asks for the end.
End serve_until_asked(RunningEndpoint& endpoint, LiveConfig& live) {
  Watch watch = watch_of(endpoint);
  LinkWatch link(endpoint.port().report().device, endpoint.port().link_up());
  AddressWatch addresses;
  SteadyClock::time_point attended{};
  std::shared_ptr<ChangeTicket> hangup;  // of a SIGHUP that is being carried out
  while (!stop_signal(kGlance) && !endpoint.drain_requested()) {
    if (!endpoint.healthy()) return End::Broken;
    if (reload_signal() && hangup == nullptr) hangup = live.request({});
    live.step(endpoint);
    if (hangup != nullptr && tell_reload(*hangup, endpoint)) hangup.reset();
    const SteadyClock::time_point now = SteadyClock::now();
    if (const auto sentence = link.look(endpoint.watch_link(), now)) spdlog::warn("{}", *sentence);
    for (const std::string& sentence : addresses.look(endpoint)) spdlog::warn("{}", sentence);
    if (now - attended < kAttend) continue;
    attended = now;
    endpoint.attend();
    for (const std::string& sentence : watch.look(endpoint.counters(), now)) spdlog::warn("{}", sentence);
  }
  return End::Asked;
}

void drain(RunningEndpoint& endpoint, Micros patience) {
  spdlog::info("draining {} connections, for at most {} ms; a second signal stops at once",
               endpoint.open_connections(), patience.count() / 1000);
  endpoint.drain();
  const SteadyClock::time_point deadline = SteadyClock::now() + patience;
  while (SteadyClock::now() < deadline && endpoint.healthy()) {
    if (stop_signal(10ms)) {
      spdlog::warn("second signal: {} connections are reset", endpoint.open_connections());
      return;
    }
    if (endpoint.open_connections() == 0) return;
  }
  spdlog::warn("drain_timeout is over: {} connections are reset", endpoint.open_connections());
}

int serve(const config::Plan& plan, std::ostream& out) {
  log_dpdk(DpdkPhase::Starting);
  std::optional<ImpatientStart> impatience(std::in_place, "serve");
  LiveConfig live(plan);
  const std::vector<PreparedService> services = prepare_services(*plan.settings);
  RunningEndpoint endpoint(*plan.settings, config_file(plan.config), [&services](Worker& worker) {
    for (const PreparedService& service : services) worker.listen(service);
  });
  endpoint.set_live_config(live);
  impatience.reset();
  MetricsServer metrics(endpoint, metrics_params(plan.settings->control));
  if (const std::optional<std::string> problem = metrics.start()) throw StartError(*problem);
  Server server(endpoint, socket_params(plan.settings->control));
  if (metrics.serving()) server.attend(metrics);
  if (const std::optional<std::string> problem = server.start()) throw StartError(*problem);
  endpoint.launch();
  log_dpdk(DpdkPhase::Running);
  std::optional<End> end = await_addresses(endpoint);
  if (!end) {
    report_start(out, endpoint);
    end = serve_until_asked(endpoint, live);
  }
  if (end == End::Asked) drain(endpoint, live.settings().control.drain_timeout);
  server.stop();
  metrics.stop();
  endpoint.stop();
  if (end == End::Broken) spdlog::error("an lcore has ended by itself");
  spdlog::info("stopped");
  return end == End::Asked ? 0 : 1;
}

}  // namespace

int run_serve(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  const config::Plan plan = config::plan_serve(args, out, err);
  if (!plan.settings) return plan.exit_code;
  block_stop_signals();
  block_reload_signal();
  set_up_log(plan.settings->control.log_level);
  try {
    return serve(plan, out);
  } catch (const StartError& error) {
    err << "millrace serve: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {  // no memory, or a thread that cannot be made
    err << "millrace serve: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace millrace::control

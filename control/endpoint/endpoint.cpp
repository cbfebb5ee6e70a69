#include "control/endpoint/endpoint.h"

#include <algorithm>
#include <thread>

#include "control/endpoint/fleet_key.h"
#include "control/endpoint/params.h"
#include "control/endpoint/services.h"
#include "control/process/error.h"

namespace millrace::control {

RunningEndpoint::RunningEndpoint(const config::Settings& settings, std::string config_file,
                                 const Equip& equip)
    : settings_(settings), config_file_(std::move(config_file)) {
  eal_ = take(dpdk::Eal::start(eal_params(settings)));
  port_ = take(dpdk::Port::attach(port_params(settings.ports.front())));

  std::vector<dpdk::MbufPool*> rx_pools;
  const auto workers = static_cast<unsigned>(eal_->cpus().workers.size());
  for (unsigned i = 0; i < workers; ++i)
    rx_pools.push_back(pools_.emplace_back(make_pools(settings, i, *port_)).rx.get());
  take(port_->configure(rx_pools));
  steered_ = make_steering(*port_, workers, "inbox");
  steered_.secrets = take_secrets(settings.fleet);

  for (unsigned i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, settings, *port_, pools_[i], steered_));
    equip(*workers_.back());
    counters_.push_back(&workers_.back()->counters());
  }
  take(port_->start());
}

// Loops end, shards give their packets back, the port gives back its own, and then the pools may go.
RunningEndpoint::~RunningEndpoint() {
  workers_.clear();
  steered_ = {};
  port_.reset();
  pools_.clear();
}

void RunningEndpoint::launch() {
  for (const auto& worker : workers_) worker->launch(idle_params(settings_, *port_, worker->rx_queue()));
  attend();
}

void RunningEndpoint::drain() {
  draining_ = true;
  for (const auto& worker : workers_) worker->post([](shard::Shard& shard) { shard.drain(shard.now()); });
}

void RunningEndpoint::stop() {
  using namespace std::chrono_literals;
  draining_ = true;
  const auto left = std::make_shared<std::atomic<size_t>>(workers_.size());
  for (const auto& worker : workers_) {
    // The resets leave at the end of the iteration that runs this, which is over before the loop sees its
    // end.
    const bool asked = worker->post([left](shard::Shard& shard) {
      shard.abort_all(shard.now());
      --*left;
    });
    if (!asked) --*left;
  }
  for (int i = 0; i < 100 && *left != 0; ++i) std::this_thread::sleep_for(1ms);
  for (const auto& worker : workers_) worker->stop();
}

uint64_t RunningEndpoint::open_connections() const {
  uint64_t sum = 0;
  for (const Counters* counters : counters_)
    sum += counters->connections.value() + counters->syn_records.value();
  return sum;
}

bool RunningEndpoint::healthy() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->running(); });
}

std::optional<std::string> RunningEndpoint::reload_keys() {
  if (settings_.fleet.key_file.empty()) return "no fleet.key_file is configured";
  FleetKeys read = read_fleet_keys(settings_.fleet.key_file);
  if (const auto* problem = std::get_if<std::string>(&read)) return *problem;
  steered_.secrets = std::get<Secrets>(read);
  keys_untold_.assign(workers_.size(), true);
  tell_keys();
  return std::nullopt;
}

// A mailbox that is full gets them a second later.
void RunningEndpoint::tell_keys() {
  for (size_t i = 0; i < keys_untold_.size(); ++i)
    if (keys_untold_[i] &&
        workers_[i]->post([secrets = steered_.secrets](shard::Shard& shard) { shard.set_secrets(secrets); }))
      keys_untold_[i] = false;
}

void RunningEndpoint::attend() {
  port_->attend();
  tell_keys();
  const WallTime now = time_of_day();
  for (const auto& worker : workers_) {
    worker->collect();
    worker->tell_time(now);
  }
}

EndpointInfo RunningEndpoint::info() const {
  EndpointInfo info;
  info.dpdk_version = dpdk::Eal::version();
  info.config_file = config_file_;
  for (const Prefix& prefix : settings_.addresses) info.addresses.push_back(prefix.text());
  const dpdk::PortReport& port = port_->report();
  info.ports.push_back(
      {settings_.ports.front().name, port.device, port.driver, port.mac.text(), port.mtu, port.queues});
  for (const config::ServiceSettings& service : settings_.services) {
    ServiceInfo& shown = info.services.emplace_back();
    shown.name = service.name;
    shown.kind = kind_name(service.kind);
    for (const Endpoint& local : service.listen) shown.listen.push_back(local.text());
  }
  info.uptime =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started_);
  info.draining = draining_;
  return info;
}

bool RunningEndpoint::post(unsigned shard, Question question) {
  return shard < workers_.size() && workers_[shard]->post(std::move(question));
}

}  // namespace millrace::control

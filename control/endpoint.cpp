#include "control/serve_endpoint.h"

#include <algorithm>
#include <thread>

#include "control/serve_error.h"
#include "control/serve_params.h"

namespace millrace::control {

namespace {

std::vector<PreparedService> prepare_services(const config::Settings& settings) {
  std::vector<PreparedService> all;
  for (const config::ServiceSettings& service : settings.services) {
    services::Result<services::ServiceMaker> maker =
        services::prepare_service({.kind = std::string(kind_name(service.kind)),
                                   .name = service.name,
                                   .directory = service.directory,
                                   .directory_bytes = service.directory_bytes});
    if (!maker) throw StartError(maker.error());
    all.push_back({&service, std::move(*maker)});
  }
  return all;
}

// The others would have packets of connections that are not theirs: steering is not there yet.
void refuse_more_lcores(const config::Settings& settings) {
  if (lcore_count(settings) > 1)
    throw StartError("lcores.use names " + std::to_string(lcore_count(settings)) +
                     " CPUs; this version serves with one, name one");
}

}  // namespace

std::string_view kind_name(config::ServiceKind kind) {
  switch (kind) {
    case config::ServiceKind::Http:
      return "http";
    case config::ServiceKind::Echo:
      return "echo";
    case config::ServiceKind::Discard:
      return "discard";
    case config::ServiceKind::Chargen:
      return "chargen";
  }
  return "";
}

ServedEndpoint::ServedEndpoint(const config::Settings& settings, std::string config_file)
    : settings_(settings), config_file_(std::move(config_file)) {
  refuse_more_lcores(settings);
  services_ = prepare_services(settings);
  eal_ = take(dpdk::Eal::start(eal_params(settings)));
  port_ = take(dpdk::Port::attach(port_params(settings.ports.front())));

  std::vector<dpdk::MbufPool*> rx_pools;
  const auto workers = static_cast<unsigned>(eal_->cpus().workers.size());
  for (unsigned i = 0; i < workers; ++i)
    rx_pools.push_back(pools_.emplace_back(make_pools(settings, i, *port_)).rx.get());
  take(port_->configure(rx_pools));

  for (unsigned i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, settings, *port_, pools_[i], services_));
    counters_.push_back(&workers_.back()->counters());
  }
  take(port_->start());
}

// Loops end, shards give their packets back, the port gives back its own, and then the pools may go.
ServedEndpoint::~ServedEndpoint() {
  workers_.clear();
  port_.reset();
  pools_.clear();
}

void ServedEndpoint::launch() {
  for (const auto& worker : workers_) worker->launch();
  attend();
}

void ServedEndpoint::drain() {
  draining_ = true;
  for (const auto& worker : workers_) worker->post([](shard::Shard& shard) { shard.drain(shard.now()); });
}

void ServedEndpoint::stop() {
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

uint64_t ServedEndpoint::open_connections() const {
  uint64_t sum = 0;
  for (const Counters* counters : counters_)
    sum += counters->connections.value() + counters->syn_records.value();
  return sum;
}

bool ServedEndpoint::healthy() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->running(); });
}

void ServedEndpoint::attend() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  for (const auto& worker : workers_) {
    worker->collect();
    worker->tell_time(now);
  }
}

EndpointInfo ServedEndpoint::info() const {
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

bool ServedEndpoint::post(unsigned shard, Question question) {
  return shard < workers_.size() && workers_[shard]->post(std::move(question));
}

}  // namespace millrace::control

#include "control/endpoint/endpoint.h"

#include <algorithm>
#include <thread>

#include "control/endpoint/fleet_key.h"
#include "control/endpoint/live_config.h"
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
  telemetry_ = take(dpdk::Telemetry::start(counters_));
  take(port_->start());
  look_at_port();
}

// Loops end, shards give their packets back, the port gives back its own, and then the pools may go.
RunningEndpoint::~RunningEndpoint() {
  telemetry_.reset();
  workers_.clear();
  steered_ = {};
  port_.reset();
  pools_.clear();
}

void RunningEndpoint::launch() {
  unstarted_ = std::make_shared<std::atomic<size_t>>(workers_.size());
  for (const auto& worker : workers_) {
    worker->launch(idle_params(settings_, *port_, worker->rx_queue()));
    worker->post([left = unstarted_](shard::Shard&) { left->fetch_sub(1, std::memory_order_release); });
  }
  attend();
}

// One shard speaks for all. A mailbox that is full gets it with the next look. Where frames come in the link is
// up, whatever the driver says.
bool RunningEndpoint::watch_link() {
  const bool up = port_->link_up();
  uint64_t heard = 0;
  for (const Counters* counters : counters_) heard += counters->rx_packets.value();
  link_misstated_ = !up && (link_misstated_ || (!link_up_ && heard != link_heard_));
  link_up_ = up;
  link_heard_ = heard;
  const bool carries = up || link_misstated_;
  if (carries == link_told_) return up;
  if (workers_.front()->post([carries](shard::Shard& shard) { shard.link_changed(carries, shard.now()); }))
    link_told_ = carries;
  return up;
}

bool RunningEndpoint::addresses_settled() {
  if (unstarted_->load(std::memory_order_acquire) != 0) return false;
  return std::all_of(counters_.begin(), counters_.end(),
                     [](const Counters* counters) { return counters->addresses_tentative.value() == 0; });
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

void RunningEndpoint::look_at_port() {
  const dpdk::PortReport& report = port_->report();
  const dpdk::PortStats stats = port_->stats();
  PortInfo info{.name = settings_.ports.front().name,
                .device = report.device,
                .driver = report.driver,
                .mac = report.mac.text(),
                .mtu_bytes = report.mtu,
                .queues = report.queues,
                .link_up = port_->link_up(),
                .rss = report.rss,
                .rx_descriptors = report.rx_descriptors,
                .tx_descriptors = report.tx_descriptors,
                .checksum = checksum_text(report.checksum),
                .offloads = report.offloads,
                .rx_packets = stats.rx_packets,
                .rx_bytes = stats.rx_bytes,
                .tx_packets = stats.tx_packets,
                .tx_bytes = stats.tx_bytes,
                .rx_missed = stats.rx_missed,
                .rx_errors = stats.rx_errors,
                .rx_no_buffer = stats.rx_no_buffer,
                .tx_errors = stats.tx_errors,
                .read_at = std::chrono::steady_clock::now()};
  const std::lock_guard lock(port_mutex_);
  port_info_ = std::move(info);
}

void RunningEndpoint::attend() {
  port_->attend();
  watch_link();
  look_at_port();
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
  {
    const std::lock_guard lock(port_mutex_);
    info.ports.push_back(port_info_);
  }
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

std::vector<ConfigValue> RunningEndpoint::config() const {
  return live_ == nullptr ? std::vector<ConfigValue>{} : live_->values();
}

std::shared_ptr<ChangeTicket> RunningEndpoint::request_change(ChangeRequest request) {
  return live_ == nullptr ? nullptr : live_->request(std::move(request));
}

bool RunningEndpoint::post(unsigned shard, Question question) {
  return shard < workers_.size() && workers_[shard]->post(std::move(question));
}

}  // namespace millrace::control

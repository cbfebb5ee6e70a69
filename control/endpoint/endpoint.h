// A running endpoint: everything that `serve` and `load` start, in the order of its members, and end in the
// reverse order. What its lcores do is for `serve` and `load` to say. The control socket sees it through
// EndpointView (socket/view.h).
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/endpoint/worker.h"
#include "control/socket/view.h"
#include "dpdk/eal.h"
#include "dpdk/port.h"
#include "dpdk/telemetry.h"

namespace millrace::control {

class LiveConfig;

class RunningEndpoint final : public EndpointView {
 public:
  // Gives a worker its services and programs; may throw StartError.
  using Equip = std::function<void(Worker&)>;

  // Starts everything but the loops. `settings` outlives the endpoint. Throws StartError.
  RunningEndpoint(const config::Settings& settings, std::string config_file, const Equip& equip);
  ~RunningEndpoint() override;

  void launch();
  // Takes no new connections and lets the open ones finish; returns at once.
  void drain();
  // Resets what is left, gives the resets a moment to leave, and ends the loops.
  void stop();

  // Looks at the link, to be called several times a second: when it comes up the shards are told, and ask and
  // say anew on it what our addresses are. Whether it is up.
  bool watch_link();
  // Whether every address is in use, or known to be another host's; false: the link is being asked.
  bool addresses_settled();

  uint64_t open_connections() const;
  // False: an lcore has ended by itself.
  bool healthy() const;
  // Reads the fleet's key file again. Nothing: done, and every lcore has it before long; else why the keys
  // stay as they were.
  std::optional<std::string> reload_keys();
  // To be called about once a second: the time of day for the services, and what the mailboxes hand back.
  void attend();

  // Who changes the configuration while it runs; outlives the endpoint. None: nothing can be changed.
  void set_live_config(LiveConfig& live) { live_ = &live; }

  const config::Settings& settings() const { return settings_; }
  const dpdk::Eal& eal() const { return *eal_; }
  const dpdk::Port& port() const { return *port_; }

  // ---- EndpointView, for the control socket --------------------------------------------------------------
  std::span<const Counters* const> counters() const override { return counters_; }
  EndpointInfo info() const override;
  bool post(unsigned shard, Question question) override;
  std::vector<ConfigValue> config() const override;
  std::shared_ptr<ChangeTicket> request_change(ChangeRequest request) override;
  void request_drain() override { drain_requested_ = true; }
  bool drain_requested() const { return drain_requested_; }

 private:
  void tell_keys();
  void look_at_port();

  const config::Settings& settings_;
  std::string config_file_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::unique_ptr<dpdk::Eal> eal_;
  std::vector<WorkerPools> pools_;
  std::unique_ptr<dpdk::Port> port_;
  Steered steered_;
  std::vector<bool> keys_untold_;  // workers that have not been given the present secrets
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<const Counters*> counters_;
  std::shared_ptr<std::atomic<size_t>> unstarted_;  // workers whose loops have not begun
  bool link_told_ = true;        // what the shards were told of the link last: that it is up
  bool link_up_ = true;          // as the port said it last
  bool link_misstated_ = false;  // it says down, and frames come in
  uint64_t link_heard_ = 0;      // frames received until then
  std::unique_ptr<dpdk::Telemetry> telemetry_;
  LiveConfig* live_ = nullptr;
  // The port as it was lately: it may be taken down and made anew while the control socket's thread looks.
  mutable std::mutex port_mutex_;
  PortInfo port_info_;
  std::atomic<bool> drain_requested_{false};  // by whatever thread the control socket has
  std::atomic<bool> draining_{false};
};

}  // namespace millrace::control

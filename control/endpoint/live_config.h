// The configuration of an endpoint that runs, and how it is changed: the whole of a new one is checked before
// anything is done, every shard switches between two bursts, and the answer comes when all have. The main
// thread carries changes out, one at a time, and never waits. Neighbours: endpoint.h (the shards),
// serve/serve.h (steps it), config/diff.h (what has changed).
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/commands.h"
#include "control/socket/view.h"

namespace millrace::control {

class RunningEndpoint;

class LiveConfig {
 public:
  // `plan` is what the endpoint was started with; it has settings.
  explicit LiveConfig(config::Plan plan);

  // ---- any thread
  // Null: too many wait already.
  std::shared_ptr<ChangeTicket> request(ChangeRequest request);
  std::vector<ConfigValue> values() const;

  // ---- the main thread
  // Begins the next change, or goes on with the one under way.
  void step(RunningEndpoint& endpoint);
  // In force now.
  const config::Settings& settings() const { return settings_; }

 private:
  // A change that has been found good and is being told to the shards.
  struct Switch {
    std::shared_ptr<ChangeTicket> ticket;
    config::Config config;
    config::Settings settings;
    std::vector<bool> told;  // a shard each
    std::shared_ptr<std::atomic<size_t>> left;
  };

  void begin(RunningEndpoint& endpoint, std::shared_ptr<ChangeTicket> ticket);
  // The configuration that the request asks for; its problems go to the report.
  config::Config wanted(const ChangeRequest& request, ChangeReport& report) const;
  // What may change without a restart, taken over from `wanted`; the rest is listed.
  config::Config merged(const config::Config& wanted, ChangeReport& report) const;
  void go_on(RunningEndpoint& endpoint);
  void finish();

  const config::Plan plan_;
  config::Settings settings_;
  mutable std::mutex mutex_;  // for what stands below, up to the blank line
  config::Config config_;
  std::deque<std::shared_ptr<ChangeTicket>> waiting_;

  std::unique_ptr<Switch> switch_;
};

}  // namespace millrace::control

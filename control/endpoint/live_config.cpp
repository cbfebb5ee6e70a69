#include "control/endpoint/live_config.h"

#include <utility>

#include "config/diff.h"
#include "config/load.h"
#include "config/text.h"
#include "control/endpoint/endpoint.h"
#include "control/process/log.h"
#include "shard/shard.h"

namespace millrace::control {

namespace {

constexpr size_t kMostWaiting = 64;

void add_problems(const config::Problems& problems, ChangeReport& report) {
  for (const config::Problem& problem : problems.kept()) report.problems.push_back(problem.text());
}

void refuse_restart_key(const ChangeRequest& request, ChangeReport& report) {
  const config::KeyPath path = config::resolve(request.key);
  if (path.key == nullptr)
    report.problems.push_back(config::shortened(request.key) + ": " + path.problem);
  else if (path.key->change != config::Change::Live)
    report.problems.push_back(request.key + ": a change needs a restart; set it in the file");
}

}  // namespace

LiveConfig::LiveConfig(config::Plan plan)
    : plan_(std::move(plan)), settings_(*plan_.settings), config_(plan_.config) {}

std::shared_ptr<ChangeTicket> LiveConfig::request(ChangeRequest request) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMostWaiting) return nullptr;
  auto ticket = std::make_shared<ChangeTicket>();
  ticket->request = std::move(request);
  waiting_.push_back(ticket);
  return ticket;
}

std::vector<ConfigValue> LiveConfig::values() const {
  std::vector<config::Entry> entries;
  {
    const std::lock_guard lock(mutex_);
    entries = config_.all();
  }
  std::vector<ConfigValue> out;
  for (const config::Entry& entry : entries) {
    const config::Section* section = config::find_section(entry.key->section);
    if (section->command == config::Command::Load) continue;
    out.push_back(
        {entry.path(), entry.text(), entry.origin.text(), entry.key->change == config::Change::Live});
  }
  return out;
}

void LiveConfig::step(RunningEndpoint& endpoint) {
  if (!switch_) {
    std::shared_ptr<ChangeTicket> next;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    begin(endpoint, std::move(next));
  }
  if (switch_) go_on(endpoint);
}

config::Config LiveConfig::wanted(const ChangeRequest& request, ChangeReport& report) const {
  if (request.kind == ChangeRequest::Kind::Reload) {
    config::Loaded loaded = config::load(plan_.line, config::Purpose::Serve);
    add_problems(loaded.problems, report);
    return std::move(loaded.config);
  }
  config::Config changed = config_;
  refuse_restart_key(request, report);
  if (!report.problems.empty()) return changed;
  config::Problems problems;
  changed.replace(
      {request.key,
       request.value,
       {config::Source::CommandLine, "set while running: " + request.key + '=' + request.value, 0}},
      problems);
  if (problems.empty()) config::validate(changed, config::Purpose::Serve, problems);
  add_problems(problems, report);
  return changed;
}

config::Config LiveConfig::merged(const config::Config& wanted, ChangeReport& report) const {
  config::Config effective = config_;
  for (const config::Difference& one : config::differences(config_, wanted)) {
    if (one.key.starts_with("load.")) continue;
    auto& list = one.change == config::Change::Live ? report.applied : report.restart;
    list.push_back({one.key, one.before, one.after});
    if (one.change == config::Change::Live) effective.take(one.key, wanted);
  }
  // New values beside old ones that a restart would have changed: they must hold together too.
  config::Problems problems;
  config::validate(effective, config::Purpose::Serve, problems);
  for (const config::Problem& problem : problems.kept())
    report.problems.push_back("without a restart: " + problem.text());
  return effective;
}

void LiveConfig::begin(RunningEndpoint& endpoint, std::shared_ptr<ChangeTicket> ticket) {
  ChangeReport& report = ticket->report;
  const ChangeRequest& request = ticket->request;
  config::Config effective = wanted(request, report);
  if (report.problems.empty()) effective = merged(effective, report);
  const bool keys = request.kind == ChangeRequest::Kind::Reload && !settings_.fleet.key_file.empty();
  if (report.problems.empty() && keys && !request.check_only)
    if (const auto problem = endpoint.reload_keys()) report.problems.push_back(*problem);
  if (!report.problems.empty()) report.applied.clear(), report.restart.clear();
  if (report.applied.empty() || request.check_only) {
    ticket->done.store(true, std::memory_order_release);
    return;
  }
  const size_t shards = endpoint.counters().size();
  switch_ = std::make_unique<Switch>();
  switch_->ticket = std::move(ticket);
  switch_->settings = effective.settings();
  switch_->config = std::move(effective);
  switch_->told.assign(shards, false);
  switch_->left = std::make_shared<std::atomic<size_t>>(shards);
}

void LiveConfig::go_on(RunningEndpoint& endpoint) {
  for (size_t i = 0; i < switch_->told.size(); ++i) {
    if (switch_->told[i]) continue;
    const config::Settings& to = switch_->settings;
    switch_->told[i] = endpoint.post(
        static_cast<unsigned>(i),
        [tcp = to.tcp, neighbor = to.neighbor, icmp = to.icmp, left = switch_->left](shard::Shard& shard) {
          shard.set_tcp_params(tcp);
          shard.set_ip_params(neighbor, icmp);
          left->fetch_sub(1, std::memory_order_release);
        });
  }
  if (switch_->left->load(std::memory_order_acquire) == 0) finish();
}

void LiveConfig::finish() {
  settings_ = std::move(switch_->settings);
  set_log_level(settings_.control.log_level);
  {
    const std::lock_guard lock(mutex_);
    config_ = std::move(switch_->config);
  }
  switch_->ticket->done.store(true, std::memory_order_release);
  switch_.reset();
}

}  // namespace millrace::control

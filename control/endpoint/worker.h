// One lcore with all that is its own: pools, random bits, services, shard, loop. Made and ended by the
// control thread; in between only the lcore touches it, except for counters and the mailbox.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/endpoint/entropy.h"
#include "control/endpoint/services.h"
#include "dpdk/handover.h"
#include "dpdk/lcore.h"
#include "dpdk/port.h"
#include "shard/shard.h"

namespace millrace::control {

WallTime time_of_day();

// Outlives the worker and the port: both hold packets of it.
struct WorkerPools {
  std::unique_ptr<dpdk::MbufPool> rx;
  std::unique_ptr<dpdk::MbufPool> tx;
};
// What the workers of one endpoint share.
struct Steered {
  std::optional<flow::Steering> steering;                  // none: one worker
  std::vector<std::unique_ptr<dpdk::Doorbell>> doorbells;  // one a worker
  std::unique_ptr<dpdk::Inboxes> inboxes;
  Secrets secrets;                                      // of cookies
  std::vector<std::shared_ptr<dpdk::TxLock>> tx_locks;  // one a queue, null where one worker has it alone
};
Steered make_steering(const dpdk::Port& port, unsigned workers, const std::string& name);

WorkerPools make_pools(const config::Settings& settings, unsigned worker, const dpdk::Port& port);

class Worker {
 public:
  // Worker i runs on EAL's lcore i + 1 and has queue i of the port, or sends on another's queue where the
  // port has fewer. Throws StartError.
  Worker(unsigned number, const config::Settings& settings, const dpdk::Port& port, WorkerPools& pools,
         const Steered& steered);

  // ---- before launch()
  // Makes the service and lets it listen. Throws StartError.
  void listen(const PreparedService& prepared);
  // Lives as long as the worker; the shard is given it later.
  void keep_program(std::unique_ptr<app::Program> program) { programs_.push_back(std::move(program)); }
  // The ephemeral ports of active opens.
  void use_ports(const flow::PortRange& range) { shard_->use_ports(range, entropy_); }

  unsigned number() const { return number_; }
  std::optional<uint16_t> rx_queue() const { return rx_queue_; }
  void launch(const dpdk::IdleParams& idle);
  // Asks the loop to end, and waits for it.
  void stop();

  // False: the mailbox is full or the loop has ended, and the command will never run.
  bool post(dpdk::Command command);
  void tell_time(WallTime now);
  // Destroys the commands that have run.
  void collect() { lcore_->collect(); }

  const Counters& counters() const { return std::as_const(*shard_).counters(); }
  bool running() const { return lcore_->running(); }

 private:
  // Destroyed from the last to the first: the shard calls services and programs until it has gone.
  unsigned number_;
  std::optional<uint16_t> rx_queue_;
  SystemEntropy entropy_;
  std::vector<std::unique_ptr<services::Service>> services_;
  std::unique_ptr<dpdk::Handover> handover_;
  std::vector<std::unique_ptr<app::Program>> programs_;
  std::unique_ptr<shard::Shard> shard_;
  std::unique_ptr<dpdk::Lcore> lcore_;
};

}  // namespace millrace::control

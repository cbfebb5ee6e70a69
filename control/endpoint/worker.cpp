#include "control/endpoint/worker.h"

#include <algorithm>

#include "control/endpoint/params.h"
#include "control/process/error.h"

namespace millrace::control {

namespace {

std::unique_ptr<dpdk::MbufPool> make_pool(const std::string& name, uint32_t packets, const dpdk::Port& port,
                                          unsigned lcores) {
  return take(dpdk::MbufPool::create({.name = name,
                                      .packets = packets,
                                      .frame_room = port.frame_room(),
                                      .numa_node = port.numa_node(),
                                      .lcores = lcores,
                                      .dense = port.quirks().dense_mbufs}));
}

}  // namespace

WallTime time_of_day() { return std::chrono::floor<WallTime::duration>(std::chrono::system_clock::now()); }

WorkerPools make_pools(const config::Settings& settings, unsigned worker, const dpdk::Port& port) {
  const std::string number = std::to_string(worker);
  const auto lcores = static_cast<unsigned>(lcore_count(settings));
  const uint32_t rx_mbufs = std::max(settings.mbufs.rx_mbufs, port.least_rx_mbufs());
  return {make_pool("rx" + number, rx_mbufs, port, lcores),
          make_pool("tx" + number, settings.mbufs.tx_mbufs, port, lcores)};
}

Steered make_steering(const dpdk::Port& port, unsigned workers, const std::string& name) {
  Steered steered;
  const uint16_t queues = port.report().queues;
  for (uint16_t queue = 0; queue < queues; ++queue)
    steered.tx_locks.push_back(queue + queues < workers ? dpdk::make_tx_lock() : nullptr);
  for (unsigned worker = 0; worker < workers; ++worker)
    steered.doorbells.push_back(std::make_unique<dpdk::Doorbell>());
  if (workers == 1) return steered;
  steered.steering.emplace(port.steering(workers));
  steered.inboxes = take(dpdk::Inboxes::create(steered.doorbells, name));
  return steered;
}

Worker::Worker(unsigned number, const config::Settings& settings, const dpdk::Port& port, WorkerPools& pools,
               const Steered& steered)
    : number_(number) {
  dpdk::Clock clock;
  shard::Place place{.index = number};
  if (steered.inboxes != nullptr) {
    handover_ = std::make_unique<dpdk::Handover>(*steered.inboxes, number);
    place = {
        .index = number, .steering = &*steered.steering, .peers = handover_.get(), .rss = port.report().rss};
  }
  shard_ = std::make_unique<shard::Shard>(shard_params(settings, port.report(), steered.secrets),
                                          port.checksum(), *pools.tx, entropy_, clock.now(), place);
  shard_->set_wall_clock(time_of_day(), clock.now());
  const uint16_t queues = port.report().queues;
  const auto queue = static_cast<uint16_t>(number % queues);
  if (number < queues) rx_queue_ = queue;
  const dpdk::RxQueueParams rx{.port = port.id(),
                               .queue = rx_queue_,
                               .burst = settings.lcores.burst,
                               .waived = port.checksum() == wire::Checksum::Waived,
                               .copies = port.quirks().shares_mbufs,
                               .vlan = port.vlan()};
  Counters& counters = shard_->counters();
  lcore_ = std::make_unique<dpdk::Lcore>(number + 1, settings.lcores.burst, clock,
                                         dpdk::RxQueue(rx, *pools.rx, counters),
                                         dpdk::TxQueue(port.id(), queue, counters, steered.tx_locks[queue], port.vlan()),
                                         *shard_, *steered.doorbells[number], handover_.get());
}

void Worker::listen(const PreparedService& prepared) {
  const config::ServiceSettings& settings = *prepared.settings;
  services::Service& service = *services_.emplace_back(prepared.make());
  if (app::Program* program = service.program()) shard_->add_program(*program);
  for (const Endpoint& local : settings.listen) {
    const app::OpenError error =
        shard_->listen({.local = local,
                        .backlog = settings.backlog,
                        .connections = settings.connections,
                        .fast_open_pending = settings.fast_open ? settings.fast_open_pending : 0,
                        .connection = settings.connection},
                       service, settings.name);
    if (error != app::OpenError::None)
      throw StartError("service." + settings.name + " cannot listen on " + local.text() + ": " +
                       std::string(app::explain(error)));
  }
  ServiceTable& table = shard_->counters().services;
  service.count_requests(table[table.number_of(settings.name)].requests);
}

void Worker::launch(const dpdk::IdleParams& idle) { take(lcore_->launch(idle)); }

void Worker::stop() {
  lcore_->request_stop();
  lcore_->join();
}

bool Worker::post(dpdk::Command command) { return lcore_->running() && lcore_->post(std::move(command)); }

void Worker::tell_time(WallTime now) {
  std::vector<services::Service*> all;
  for (const auto& service : services_) all.push_back(service.get());
  post([all = std::move(all), now](shard::Shard& shard) {
    shard.set_wall_clock(now, shard.now());
    for (services::Service* service : all)
      service->set_wall_clock(std::chrono::floor<std::chrono::seconds>(now));
  });
}

}  // namespace millrace::control

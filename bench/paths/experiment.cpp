#include "experiment.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "controllers.h"
#include "sim/receiver_view.h"
#include "sim/world.h"

namespace millrace::paths {

namespace {

constexpr uint16_t kFirstPort = 40'000;  // of the senders, a flow each
constexpr uint16_t kSinkPort = 9;
constexpr Family kFamily = Family::V4;

double seconds(Micros duration) { return std::chrono::duration<double>(duration).count(); }

// Takes everything at once, and counts it by flow.
class Sink final : public app::Handler {
 public:
  explicit Sink(size_t flows) : received(flows) {}
  void on_readable(app::Connection& at) override {
    const uint32_t octets = at.readable_bytes();
    received[at.remote().port - kFirstPort] += octets;
    at.consume(octets);
  }
  void on_closed(app::Connection&, app::CloseReason) override { closed = true; }
  uint64_t all() const { return std::accumulate(received.begin(), received.end(), uint64_t{0}); }

  std::vector<uint64_t> received;
  bool closed = false;
};

// Has always something to send.
class Source final : public app::Handler {
 public:
  void on_established(app::Connection& at) override { on_writable(at); }
  void on_writable(app::Connection& at) override {
    while (at.send(text_) == text_.size()) {
    }
  }
  void on_closed(app::Connection&, app::CloseReason) override { closed = true; }
  bool closed = false;

 private:
  std::array<uint8_t, 16'384> text_{};
};

// Sees every frame of the flows on the link, from outside.
class Watch final : public sim::Observer {
 public:
  explicit Watch(sim::HostId sender) : sender_(sender) {}

  void departed(sim::HostId from, sim::HostId, const sim::Flight& flight,
                std::span<const uint8_t> sent) override {
    if (from != sender_ || flight.fate == sim::Fate::Duplicate || !flows.departed(sent)) return;
    lost += flight.fate == sim::Fate::Lost ? 1 : 0;
    overflown += flight.fate == sim::Fate::Overflown ? 1 : 0;
    if (flight.fate != sim::Fate::Overflown) waits.push_back(static_cast<uint32_t>(flight.waited.count()));
  }
  void arrived(sim::HostId from, sim::HostId, const sim::Flight& flight) override {
    if (from == sender_ && flight.fate != sim::Fate::Duplicate) flows.arrived(flight.octets);
  }
  void begin() {
    flows.begin();
    lost = overflown = 0;
    waits.clear();
  }

  sim::FlowViews flows;
  uint64_t lost = 0;
  uint64_t overflown = 0;
  std::vector<uint32_t> waits;  // in the queue, microseconds

 private:
  sim::HostId sender_;
};

// What the sender counts of itself.
struct OwnCounts {
  explicit OwnCounts(const Counters& counters)
      : timeouts(counters.tcp_rto_fired.value()),
        probes(counters.tcp_tail_loss_probes_sent.value()),
        recoveries(counters.tcp_fast_retransmits.value()),
        undone(counters.tcp_spurious_recoveries.value() + counters.tcp_spurious_timeouts.value()) {}
  uint64_t timeouts, probes, recoveries, undone;
};

// Buffers and pools that do not limit what the path allows: twice what fits into it and its queue.
ShardParams host(uint8_t number, const Plan& plan) {
  constexpr uint64_t kFrame = 1514, kMost = 1U << 30;
  const uint64_t in_delay = plan.there.bits_per_second / 8 *
                            static_cast<uint64_t>((plan.there.delay + plan.back.delay).count()) / 1'000'000;
  const uint64_t fits = std::min(2 * (in_delay + plan.there.queue_frames * kFrame), kMost);
  ShardParams params = sim::host_params(number);
  params.tcp.receive_buffer_max = params.tcp.send_buffer_max =
      std::max(static_cast<Bytes>(fits), params.tcp.receive_buffer_max);
  params.memory.buffer_bytes = plan.flows.size() * 4 * uint64_t{params.tcp.send_buffer_max};
  return params;
}

class Experiment {
 public:
  explicit Experiment(const Plan& plan)
      : plan_(plan), world_(plan.seed), sink_(plan.flows.size()), sources_(plan.flows.size()) {
    sender_ = world_.add_host("sender", host(1, plan));
    receiver_ = world_.add_host("receiver", host(2, plan));
    watch_.emplace(sender_);
    world_.observe(&*watch_);
    set_links(plan.there, plan.back);
    world_.shard(receiver_).listen({.local = {sim::host_address(2, kFamily), kSinkPort}}, sink_, "sink");
    for (size_t i = 0; i < plan.flows.size(); ++i)
      world_.in(sender_, static_cast<int64_t>(i) * plan.stagger, [this, i] { connect(i); });
    if (plan.every != Micros{}) world_.in(sender_, plan.every, [this] { sample(); });
  }

  Figures run() {
    world_.run_for(plan_.warm_up);
    finish_warm_up();
    measure();
    if (plan_.outage != Micros{}) break_off();
    figures_.closed = sink_.closed ||
                      std::any_of(sources_.begin(), sources_.end(), [](const Source& s) { return s.closed; });
    figures_.iterations = world_.iterations();
    figures_.digest = world_.digest();
    return std::move(figures_);
  }

 private:
  void set_links(const sim::LinkParams& there, const sim::LinkParams& back) {
    world_.link(sender_, receiver_).set_params(there);
    world_.link(receiver_, sender_).set_params(back);
  }

  void connect(size_t flow) {
    ConnectionParams settings;
    settings.congestion_control = plan_.flows[flow];
    world_.shard(sender_).connect({.remote = {sim::host_address(2, kFamily), kSinkPort},
                                   .local_address = {},
                                   .local_port = static_cast<uint16_t>(kFirstPort + flow),
                                   .settings = settings},
                                  sources_[flow]);
  }

  void sample() {
    for (size_t i = 0; i < plan_.flows.size(); ++i) {
      const app::Connection* connection = world_.shard(sender_).find(
          {.local = {sim::host_address(1, kFamily), static_cast<uint16_t>(kFirstPort + i)},
           .remote = {sim::host_address(2, kFamily), kSinkPort}});
      if (connection == nullptr) continue;
      const tcp::Tcb& tcb = connection->tcb();
      figures_.samples.push_back({.at_s = seconds(world_.now() - sim::kBeginning),
                                  .flow = i,
                                  .received_bytes = sink_.received[i],
                                  .cwnd_bytes = tcb.hot.cwnd,
                                  .ssthresh_bytes = tcb.cold.cc.ssthresh(),
                                  .in_flight_bytes = tcb.hot.snd_nxt - tcb.hot.snd_una,
                                  .send_window_bytes = tcb.hot.snd_wnd,
                                  .srtt = tcb.cold.rtt.srtt(),
                                  .rto = Micros(tcb.hot.rto_us)});
    }
    world_.in(sender_, plan_.every, [this] { sample(); });
  }

  const Counters& counters() { return world_.shard(sender_).counters(); }

  void finish_warm_up() {
    const OwnCounts own(counters());
    figures_.warm_up_s = seconds(plan_.warm_up);
    figures_.warm_up_retransmitted_segments = watch_->flows.counts().retransmitted;
    figures_.warm_up_overflown_segments = watch_->overflown;
    figures_.warm_up_timeouts = own.timeouts;
    for (size_t i = 0; i < plan_.flows.size(); ++i)
      figures_.flows.push_back({.algorithm = name_of(plan_.flows[i]), .warm_up_bytes = sink_.received[i]});
    watch_->begin();
  }

  void measure() {
    const OwnCounts before(counters());
    const Instant start = world_.now();
    world_.run_until([&] { return watch_->flows.counts().arrived >= plan_.segments; }, plan_.limit);
    const OwnCounts after(counters());
    figures_.measured_s = seconds(world_.now() - start);
    for (size_t i = 0; i < figures_.flows.size(); ++i)
      figures_.flows[i].measured_bytes = sink_.received[i] - figures_.flows[i].warm_up_bytes;
    figures_.sent_segments = watch_->flows.counts().sent;
    figures_.retransmitted_segments = watch_->flows.counts().retransmitted;
    figures_.spurious_segments = watch_->flows.counts().spurious;
    figures_.lost_segments = watch_->lost;
    figures_.overflown_segments = watch_->overflown;
    figures_.timeouts = after.timeouts - before.timeouts;
    figures_.probes = after.probes - before.probes;
    figures_.recoveries = after.recoveries - before.recoveries;
    figures_.undone = after.undone - before.undone;
    take_waits();
  }

  void take_waits() {
    std::vector<uint32_t>& waits = watch_->waits;
    if (waits.empty()) return;
    figures_.queue_mean_us =
        std::accumulate(waits.begin(), waits.end(), 0.0) / static_cast<double>(waits.size());
    const auto at = waits.begin() + static_cast<std::ptrdiff_t>(waits.size() * 95 / 100);
    std::nth_element(waits.begin(), at, waits.end());
    figures_.queue_p95_us = *at;
  }

  // Both directions lose everything for a while.
  void break_off() {
    constexpr Micros kPatience = 60s;
    const double before = static_cast<double>(sink_.all()) / (figures_.warm_up_s + figures_.measured_s);
    sim::LinkParams there = plan_.there, back = plan_.back;
    there.faults.loss_ppm = back.faults.loss_ppm = 1'000'000;
    set_links(there, back);
    world_.run_for(plan_.outage);
    set_links(plan_.there, plan_.back);
    const Instant end = world_.now();
    const uint64_t had = sink_.all();
    if (!world_.run_until([&] { return sink_.all() > had; }, kPatience)) return;
    figures_.resumed_s = seconds(world_.now() - end);
    const Micros window = std::max<Micros>(10 * (plan_.there.delay + plan_.back.delay), 100ms);
    while (world_.now() - end < kPatience) {
      const uint64_t at = sink_.all();
      const Instant from = world_.now();
      world_.run_for(window);
      if (static_cast<double>(sink_.all() - at) < 0.8 * before * seconds(window)) continue;
      figures_.recovered_s = seconds(from - end);
      return;
    }
  }

  const Plan& plan_;
  sim::World world_;
  Sink sink_;
  std::vector<Source> sources_;
  sim::HostId sender_ = 0;
  sim::HostId receiver_ = 0;
  std::optional<Watch> watch_;
  Figures figures_;
};

}  // namespace

Figures run(const Plan& plan) { return Experiment(plan).run(); }

}  // namespace millrace::paths

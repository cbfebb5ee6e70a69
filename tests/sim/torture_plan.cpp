#include "torture_plan.h"

#include <algorithm>
#include <sstream>

#include "base/entropy.h"

namespace millrace::sim::torture {

namespace {

class Dice {
 public:
  explicit Dice(uint64_t seed) : entropy_(seed) {}
  uint64_t between(uint64_t low, uint64_t high) { return low + entropy_.next() % (high - low + 1); }
  bool percent(uint32_t chance) { return entropy_.next() % 100 < chance; }
  // Each order of magnitude as likely as the next.
  uint64_t magnitude(uint64_t low, uint64_t high) {
    uint64_t bound = low;
    const uint64_t doublings = between(0, 63 - static_cast<uint64_t>(__builtin_clzll(high / low)));
    for (uint64_t i = 0; i <= doublings; ++i) bound *= 2;
    return between(low, std::min(bound, high));
  }
  uint32_t u32(uint64_t low, uint64_t high) { return static_cast<uint32_t>(between(low, high)); }
  Micros micros(uint64_t low, uint64_t high) { return Micros{static_cast<int64_t>(magnitude(low, high))}; }

 private:
  SeededEntropy entropy_;
};

FaultRates draw_faults(Dice& dice, Micros delay) {
  FaultRates rates;
  const uint32_t weather = dice.u32(0, 99);
  if (weather < 15) return rates;  // fine
  const uint32_t worst = weather < 50 ? 20'000 : weather < 95 ? 150'000 : 200'000;
  if (dice.percent(70)) rates.loss_ppm = dice.u32(0, worst);
  if (dice.percent(50)) rates.duplication_ppm = dice.u32(0, worst);
  if (dice.percent(50)) rates.corruption_ppm = dice.u32(0, worst / 3);
  if (dice.percent(60)) rates.reordering_ppm = dice.u32(0, 2 * worst);
  if (dice.percent(5)) rates.reordering_ppm = dice.u32(300'000, 900'000);  // few come in order
  rates.jitter =
      Micros{static_cast<int64_t>(dice.between(1, 3 * static_cast<uint64_t>(delay.count()) + 1000))};
  return rates;
}

LinkParams draw_link(Dice& dice) {
  LinkParams link;
  link.delay = dice.micros(5, 100'000);
  if (dice.percent(40)) {
    link.bits_per_second = dice.magnitude(2'000'000, 1'000'000'000);
    link.queue_frames = dice.between(8, 200);
  }
  link.faults = draw_faults(dice, link.delay);
  return link;
}

TcpParams draw_tcp(Dice& dice) {
  TcpParams tcp;
  tcp.msl = dice.percent(90) ? 30s : 2s;
  tcp.rto_initial = dice.percent(80) ? Micros{1s} : dice.micros(50'000, 3'000'000);
  tcp.rto_min = dice.percent(70) ? Micros{200ms} : dice.micros(10'000, 1'000'000);
  tcp.delayed_ack = dice.percent(70) ? Micros{40ms} : dice.micros(1'000, 499'000);
  tcp.syn_retries = 12;
  tcp.syn_ack_retries = 12;
  tcp.receive_buffer = static_cast<Bytes>(dice.magnitude(600, 300'000));
  tcp.send_buffer = static_cast<Bytes>(dice.magnitude(600, 300'000));
  tcp.receive_buffer_max = dice.percent(50) ? 0 : static_cast<Bytes>(dice.magnitude(600, 1'000'000));
  tcp.send_buffer_max = dice.percent(50) ? 0 : static_cast<Bytes>(dice.magnitude(600, 1'000'000));
  tcp.timestamps = dice.percent(70);
  tcp.sack = dice.percent(75);
  tcp.window_scaling = dice.percent(80);
  tcp.nagle = dice.percent(80);
  tcp.quick_ack = dice.percent(70);
  tcp.initial_window_segments = dice.u32(1, 10);
  tcp.reassembly_segments = static_cast<uint32_t>(dice.magnitude(2, 256));
  return tcp;
}

ShardParams draw_host(Dice& dice, uint8_t number, Family family) {
  ShardParams params = host_params(number);
  params.tcp = draw_tcp(dice);
  const uint64_t smallest = family == Family::V4 ? 576 : 1280;
  params.interface.mtu = static_cast<uint16_t>(dice.percent(40) ? 1500 : dice.magnitude(smallest, 9000));
  params.memory.connections = 16;
  params.memory.syn_records = 16;
  params.memory.time_wait_records = 16;
  params.memory.trace_segments = dice.percent(20) ? 64 : 0;
  return params;
}

HostOptions draw_options(Dice& dice, const ShardParams& params) {
  HostOptions options;
  options.packet_octets = params.interface.mtu + 64U;
  options.receive_packets = std::max<size_t>(256, 1'500'000 / options.packet_octets);
  options.transmit_packets = dice.percent(90) ? options.receive_packets : 24;
  options.receive_burst = size_t{1} << dice.between(0, 6);
  options.transmit_burst = size_t{1} << dice.between(1, 8);
  return options;
}

// RFC 3168, with queues that mark early and often.
void draw_ecn(Dice& dice, Plan& plan) {
  for (ShardParams* host : {&plan.client, &plan.server}) host->tcp.ecn = static_cast<EcnMode>(dice.u32(0, 2));
  for (LinkParams* link : {&plan.there, &plan.back}) {
    const uint32_t kind = dice.u32(0, 99);
    if (kind < 50 || link->bits_per_second == 0) continue;
    link->queue.discipline = kind < 75 ? Discipline::CoDel : Discipline::EcnStep;
    link->queue.ecn = true;
    link->queue.target = dice.micros(20, 5'000);
    link->queue.interval = dice.micros(1'000, 100'000);
  }
}

// Whoever changes it, changes it often.
void draw_congestion_control(Dice& dice, Plan& plan) {
  for (ShardParams* host : {&plan.client, &plan.server}) {
    host->tcp.congestion_control = static_cast<CongestionControl>(dice.u32(0, 2));
    host->tcp.pacing = dice.percent(25);
  }
  for (ConnectionPlan& connection : plan.connections)
    for (Behaviour* end : {&connection.client, &connection.server})
      if (dice.percent(20)) end->choose_every = dice.micros(5'000, 2'000'000);
}

uint32_t draw_size(Dice& dice) {
  const uint32_t kind = dice.u32(0, 99);
  if (kind < 10) return 0;
  if (kind < 15) return 1;
  if (kind < 45) return dice.u32(2, 2'000);
  if (kind < 80) return dice.u32(2'000, 20'000);
  return static_cast<uint32_t>(dice.magnitude(20'000, 500'000));
}

Behaviour draw_behaviour(Dice& dice) {
  Behaviour out;
  out.octets = draw_size(dice);
  out.write_chunk = dice.percent(40) ? 1'000'000 : static_cast<uint32_t>(dice.magnitude(1, 20'000));
  // No more than some hundred calls with pauses.
  if (dice.percent(30)) {
    out.write_gap = dice.micros(100, 100'000);
    out.write_chunk = std::max(out.write_chunk, out.octets / 300 + 1);
  }
  out.reserve = dice.percent(40);
  const uint32_t read = dice.u32(0, 99);
  out.read = read < 50   ? Behaviour::Read::Eager
             : read < 70 ? Behaviour::Read::Partial
                         : Behaviour::Read::Slow;
  out.read_chunk = static_cast<uint32_t>(dice.magnitude(1, 30'000));
  out.read_gap = dice.micros(200, 200'000);
  const uint32_t end = dice.u32(0, 99);
  out.end = end < 60   ? Behaviour::End::Shutdown
            : end < 80 ? Behaviour::End::AfterPeer
            : end < 92 ? Behaviour::End::CloseEarly
                       : Behaviour::End::Abort;
  out.close_at_end = dice.percent(50);
  out.abort_after = dice.micros(1'000, 3'000'000);
  out.no_delay = dice.percent(20);
  return out;
}

ConnectionPlan draw_connection(Dice& dice) {
  ConnectionPlan out{.client = draw_behaviour(dice), .server = draw_behaviour(dice)};
  // Both waiting for the other's FIN would wait for ever.
  if (out.client.end == Behaviour::End::AfterPeer && out.server.end == Behaviour::End::AfterPeer)
    out.server.end = Behaviour::End::Shutdown;
  for (auto [reader, writer] : {std::pair(&out.client, &out.server), std::pair(&out.server, &out.client)})
    reader->read_chunk = std::max(reader->read_chunk, writer->octets / 300 + 1);
  out.opens_after = Micros{static_cast<int64_t>(dice.between(0, 200'000))};
  out.simultaneous = dice.percent(6);
  return out;
}

std::string_view name_of(Behaviour::Read read) {
  constexpr std::string_view kNames[] = {"eager", "partial", "slow"};
  return kNames[static_cast<size_t>(read)];
}

std::string_view name_of(Behaviour::End end) {
  constexpr std::string_view kNames[] = {"shutdown", "after-peer", "close-early", "abort"};
  return kNames[static_cast<size_t>(end)];
}

void describe(std::ostream& out, const char* name, const Behaviour& app) {
  out << "    " << name << ": writes " << app.octets << " by " << app.write_chunk << " every "
      << app.write_gap.count() << " us" << (app.reserve ? " (reserve)" : "") << ", reads "
      << name_of(app.read) << " " << app.read_chunk << " every " << app.read_gap.count() << " us, ends by "
      << name_of(app.end) << (app.close_at_end ? " (close)" : "") << ", abort after "
      << app.abort_after.count() << " us" << (app.no_delay ? ", no delay" : "") << ", congestion control changes every "
      << app.choose_every.count() << " us\n";
}

void describe(std::ostream& out, const char* name, const ShardParams& host, const HostOptions& options) {
  const TcpParams& tcp = host.tcp;
  out << "  " << name << ": mtu " << host.interface.mtu << ", buffers " << tcp.receive_buffer << "/"
      << tcp.send_buffer << ", timestamps " << tcp.timestamps << ", sack " << tcp.sack << ", scaling "
      << tcp.window_scaling << ", nagle " << tcp.nagle << ", quick_ack " << tcp.quick_ack << ", iw "
      << tcp.initial_window_segments << ", ecn " << static_cast<int>(tcp.ecn) << ", congestion control "
      << static_cast<int>(tcp.congestion_control) << ", pacing " << tcp.pacing << ", reassembly " << tcp.reassembly_segments << ", rto_min "
      << tcp.rto_min.count() << " us, delayed_ack " << tcp.delayed_ack.count() << " us, msl "
      << tcp.msl.count() / 1'000'000 << " s, bursts " << options.receive_burst << "/"
      << options.transmit_burst << ", packets " << options.receive_packets << "/" << options.transmit_packets
      << '\n';
}

void describe(std::ostream& out, const char* name, const LinkParams& link) {
  out << "  " << name << ": delay " << link.delay.count() << " us, " << link.bits_per_second
      << " bit/s, queue " << link.queue_frames << ", ppm lost " << link.faults.loss_ppm << " duplicated "
      << link.faults.duplication_ppm << " corrupted " << link.faults.corruption_ppm << " reordered "
      << link.faults.reordering_ppm << " by up to " << link.faults.jitter.count() << " us, queue's discipline "
      << static_cast<int>(link.queue.discipline) << " at " << link.queue.target.count() << " us\n";
}

}  // namespace

Plan draw_plan(uint64_t seed) {
  Dice dice(SeededEntropy(seed).next());
  Plan plan;
  plan.seed = seed;
  plan.family = dice.percent(50) ? Family::V4 : Family::V6;
  plan.there = draw_link(dice);
  plan.back = dice.percent(70) ? plan.there : draw_link(dice);
  plan.client = draw_host(dice, 1, plan.family);
  plan.server = draw_host(dice, 2, plan.family);
  plan.client_options = draw_options(dice, plan.client);
  plan.server_options = draw_options(dice, plan.server);
  if (dice.percent(15)) {
    plan.outage_after = dice.micros(1'000, 2'000'000);
    plan.outage = dice.micros(100'000, 40'000'000);
  }
  const uint32_t connections = dice.percent(60) ? 1 : dice.u32(2, 5);
  for (uint32_t i = 0; i < connections; ++i) plan.connections.push_back(draw_connection(dice));
  draw_ecn(dice, plan);
  draw_congestion_control(dice, plan);
  return plan;
}

std::string describe(const Plan& plan) {
  std::ostringstream out;
  out << "seed " << plan.seed << ", " << (plan.family == Family::V4 ? "IPv4" : "IPv6") << '\n';
  describe(out, "there", plan.there);
  describe(out, "back", plan.back);
  if (plan.outage != 0us)
    out << "  nothing passes for " << plan.outage.count() << " us after " << plan.outage_after.count()
        << " us\n";
  describe(out, "client", plan.client, plan.client_options);
  describe(out, "server", plan.server, plan.server_options);
  for (const ConnectionPlan& connection : plan.connections) {
    out << "  connection after " << connection.opens_after.count() << " us"
        << (connection.simultaneous ? ", opened from both sides" : "") << '\n';
    describe(out, "client", connection.client);
    describe(out, "server", connection.server);
  }
  return out.str();
}

}  // namespace millrace::sim::torture

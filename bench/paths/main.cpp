// One experiment on a simulated path, its figures as JSON; `run` knows which experiments there are.
//
// usage: bench_paths [--there IMPAIRMENTS] [--back IMPAIRMENTS] [--flows CONTROLLER,...] [--stagger US]
//                    [--warm-up US] [--limit US] [--segments N] [--every US] [--outage US] [--seed N]
//        bench_paths --controllers
#include <charconv>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "controllers.h"
#include "experiment.h"
#include "sim/impairments.h"

namespace millrace::paths {
namespace {

using Json = nlohmann::ordered_json;

uint64_t number(const std::string& option, std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > uint64_t{1} << 50)
    throw std::runtime_error(option + " wants a number, not '" + std::string(text) + "'");
  return value;
}

Micros micros(const std::string& option, std::string_view text) {
  return Micros(static_cast<int64_t>(number(option, text)));
}

void set_path(sim::LinkParams& params, std::string_view text) {
  const std::string wrong = sim::parse(text, params);
  if (!wrong.empty()) throw std::runtime_error(wrong);
}

std::vector<cc::Algorithm> flows(std::string_view text) {
  constexpr size_t kMost = 100;
  std::vector<cc::Algorithm> out;
  while (!text.empty() && out.size() < kMost) {
    const size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const auto found = controller_named(name);
    if (!found) throw std::runtime_error("there is no congestion controller '" + std::string(name) + "'");
    out.push_back(*found);
  }
  return out;
}

Plan read_plan(int count, char** words) {
  Plan plan{.flows = {kControllers.front()}, .warm_up = 1s, .limit = 10s};
  for (int i = 1; i < count; ++i) {
    const std::string option = words[i];
    if (i + 1 == count) throw std::runtime_error(option + " wants a value");
    const std::string_view value = words[++i];
    if (option == "--there")
      set_path(plan.there, value);
    else if (option == "--back")
      set_path(plan.back, value);
    else if (option == "--flows")
      plan.flows = flows(value);
    else if (option == "--stagger")
      plan.stagger = micros(option, value);
    else if (option == "--warm-up")
      plan.warm_up = micros(option, value);
    else if (option == "--limit")
      plan.limit = micros(option, value);
    else if (option == "--segments")
      plan.segments = number(option, value);
    else if (option == "--every")
      plan.every = micros(option, value);
    else if (option == "--outage")
      plan.outage = micros(option, value);
    else if (option == "--seed")
      plan.seed = number(option, value);
    else
      throw std::runtime_error("there is no option " + option);
  }
  return plan;
}

Json json_of(const std::vector<Sample>& samples) {
  Json out = Json::array();
  for (const Sample& sample : samples)
    out.push_back({{"at_s", sample.at_s},
                   {"flow", sample.flow},
                   {"received_bytes", sample.received_bytes},
                   {"cwnd_bytes", sample.cwnd_bytes},
                   {"ssthresh_bytes", sample.ssthresh_bytes},
                   {"in_flight_bytes", sample.in_flight_bytes},
                   {"send_window_bytes", sample.send_window_bytes},
                   {"srtt_us", sample.srtt.count()},
                   {"rto_us", sample.rto.count()}});
  return out;
}

Json json_of(const Figures& figures) {
  Json flows = Json::array();
  for (const FlowFigures& flow : figures.flows)
    flows.push_back({{"controller", flow.algorithm},
                     {"warm_up_bytes", flow.warm_up_bytes},
                     {"measured_bytes", flow.measured_bytes}});
  return {{"flows", flows},
          {"warm_up_s", figures.warm_up_s},
          {"measured_s", figures.measured_s},
          {"sent_segments", figures.sent_segments},
          {"retransmitted_segments", figures.retransmitted_segments},
          {"spurious_segments", figures.spurious_segments},
          {"lost_segments", figures.lost_segments},
          {"overflown_segments", figures.overflown_segments},
          {"timeouts", figures.timeouts},
          {"probes", figures.probes},
          {"recoveries", figures.recoveries},
          {"undone", figures.undone},
          {"queue_mean_us", figures.queue_mean_us},
          {"queue_p95_us", figures.queue_p95_us},
          {"warm_up_retransmitted_segments", figures.warm_up_retransmitted_segments},
          {"warm_up_overflown_segments", figures.warm_up_overflown_segments},
          {"warm_up_timeouts", figures.warm_up_timeouts},
          {"resumed_s", figures.resumed_s},
          {"recovered_s", figures.recovered_s},
          {"samples", json_of(figures.samples)},
          {"closed", figures.closed},
          {"iterations", figures.iterations},
          {"digest", figures.digest}};
}

}  // namespace
}  // namespace millrace::paths

int main(int count, char** words) {
  using namespace millrace::paths;
  try {
    if (count == 2 && std::string_view(words[1]) == "--controllers") {
      for (const auto one : kControllers) std::cout << name_of(one) << '\n';
      return 0;
    }
    std::cout << json_of(run(read_plan(count, words))).dump() << std::endl;
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_paths: " << error.what() << '\n';
    return 2;
  }
}

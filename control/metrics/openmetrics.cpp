#include "control/metrics/openmetrics.h"

#include <array>
#include <charconv>
#include <string_view>

#include "control/socket/protocol.h"

namespace millrace::control {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out;
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + escaped(value) + '"';
}

class Page {
 public:
  void family(const std::string& name, std::string_view type, std::string_view unit, std::string_view help) {
    text_ += "# TYPE " + name + ' ' + std::string(type) + '\n';
    if (!unit.empty()) text_ += "# UNIT " + name + ' ' + std::string(unit) + '\n';
    text_ += "# HELP " + name + ' ' + escaped(help) + '\n';
  }
  void sample(const std::string& name, const std::string& labels, const std::string& value) {
    text_ += name + (labels.empty() ? "" : '{' + labels + '}') + ' ' + value + '\n';
  }
  void sample(const std::string& name, const std::string& labels, uint64_t value) {
    sample(name, labels, std::to_string(value));
  }
  std::string end() { return std::move(text_) + "# EOF\n"; }

 private:
  std::string text_;
};

std::string shard_label(size_t shard) { return label("shard", std::to_string(shard)); }

void add_counters(Page& page, std::span<const Counters* const> shards) {
  for (const CounterInfo& info : kCounterInfos) {
    const std::string name = family_name(info.name, info.unit);
    page.family(name, info.gauge ? "gauge" : "counter", info.unit, info.help);
    for (size_t i = 0; i < shards.size(); ++i)
      page.sample(info.gauge ? name : name + "_total", shard_label(i), (shards[i]->*info.member).value());
  }
}

void add_drops(Page& page, std::span<const Counters* const> shards, const std::string& port) {
  page.family("millrace_dropped_packets", "counter", "packets", "Packets dropped, by reason.");
  for (const DropInfo& info : kDropInfos)
    for (size_t i = 0; i < shards.size(); ++i)
      page.sample("millrace_dropped_packets_total", label("reason", info.name) + ',' + shard_label(i) + port,
                  shards[i]->dropped(info.reason));
  page.family("millrace_drop_reason", "info", "", "What a reason for dropping means.");
  for (const DropInfo& info : kDropInfos)
    page.sample("millrace_drop_reason_info", label("reason", info.name) + ',' + label("meaning", info.help),
                1);
}

// As OpenMetrics writes a number of `le`: 1.6e-05, 1.0.
std::string float_text(double value) {
  std::array<char, 32> text{};
  const char* const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  const std::string out(text.data(), static_cast<size_t>(end - text.data()));
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

// Prometheus' unit of time is the second.
struct Scale {
  std::string_view unit;
  double factor;
  unsigned octaves;  // the largest bound is so many powers of two
};
Scale scale_of(const HistogramInfo& info) {
  if (info.unit == "us") return {"seconds", 1e-6, 26};
  return {info.unit, 1, 12};
}

void add_histogram(Page& page, const std::string& name, const std::string& labels, const Scale& scale,
                   const Histogram& histogram) {
  Distribution values;
  values.add(histogram);
  uint64_t passed = 0;
  size_t bucket = 0;
  for (unsigned octave = 0; octave <= scale.octaves; ++octave) {
    const uint64_t bound = uint64_t{1} << octave;
    for (; Histogram::bound_of(bucket) <= bound; ++bucket) passed += values.buckets[bucket];
    const std::string le = float_text(static_cast<double>(bound) * scale.factor);
    page.sample(name + "_bucket", labels + ',' + label("le", le), passed);
  }
  page.sample(name + "_bucket", labels + ',' + label("le", "+Inf"), values.count);
  page.sample(name + "_count", labels, values.count);
  page.sample(name + "_sum", labels, float_text(static_cast<double>(values.sum) * scale.factor));
}

void add_histograms(Page& page, std::span<const Counters* const> shards) {
  for (const HistogramInfo& info : kHistogramInfos) {
    const std::string name = family_name(info);
    const Scale scale = scale_of(info);
    page.family(name, "histogram", scale.unit, info.help);
    for (size_t i = 0; i < shards.size(); ++i)
      add_histogram(page, name, shard_label(i), scale, shards[i]->*info.member);
  }
}

// Shards serve one port: what they drop has come by it or was to leave by it.
std::string port_label(const EndpointInfo& info) {
  return info.ports.size() == 1 ? ',' + label("port", info.ports.front().name) : std::string();
}

void add_services(Page& page, std::span<const Counters* const> shards) {
  for (const ServiceCounterInfo& info : kServiceCounterInfos) {
    const std::string name = family_name("service_" + std::string(info.name), info.unit);
    page.family(name, info.gauge ? "gauge" : "counter", info.unit, info.help);
    for (size_t i = 0; i < shards.size(); ++i) {
      const ServiceTable& table = shards[i]->services;
      const size_t size = table.size();
      for (size_t number = 0; number < size; ++number) {
        if (number == ServiceTable::kNone && table[number].accepted.value() == 0) continue;
        page.sample(info.gauge ? name : name + "_total", label("service", table.name(number)) + ',' + shard_label(i),
                    (table[number].*info.member).value());
      }
    }
  }
}

void add_ports(Page& page, const EndpointInfo& info) {
  for (const PortCounterInfo& counter : kPortCounterInfos) {
    const std::string name = family_name("port_" + std::string(counter.name), counter.unit);
    page.family(name, "counter", counter.unit, counter.help);
    for (const PortInfo& port : info.ports)
      page.sample(name + "_total", label("port", port.name), port.*counter.member);
  }
  page.family("millrace_port_link_up", "gauge", "", "1: the link is up.");
  for (const PortInfo& port : info.ports)
    page.sample("millrace_port_link_up", label("port", port.name), port.link_up ? 1 : 0);
}

void add_endpoint(Page& page, const EndpointInfo& info) {
  page.family("millrace_build", "info", "", "What runs.");
  page.sample("millrace_build_info", label("version", version()) + ',' + label("dpdk", info.dpdk_version), 1);
  page.family("millrace_uptime_seconds", "gauge", "seconds", "Time since the endpoint started.");
  const auto millis = info.uptime.count();
  std::string fraction = std::to_string(millis % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  page.sample("millrace_uptime_seconds", "", std::to_string(millis / 1000) + '.' + fraction);
  page.family("millrace_draining", "gauge", "", "1: the endpoint takes no new connections and will stop.");
  page.sample("millrace_draining", "", info.draining ? 1 : 0);
}

}  // namespace

std::string family_name(std::string_view counter, std::string_view of_unit) {
  std::string name = "millrace_" + std::string(counter);
  const std::string unit = '_' + std::string(of_unit);
  if (const size_t inside = name.find(unit + '_'); inside != std::string::npos)
    name.erase(inside, unit.size());
  return name.ends_with(unit) ? name : name + unit;
}

std::string family_name(const HistogramInfo& info) {
  return "millrace_" + std::string(info.name) + '_' + std::string(scale_of(info).unit);
}

std::string open_metrics(std::span<const Counters* const> shards, const EndpointInfo& info) {
  Page page;
  add_endpoint(page, info);
  add_counters(page, shards);
  add_drops(page, shards, port_label(info));
  add_histograms(page, shards);
  add_services(page, shards);
  add_ports(page, info);
  return page.end();
}

}  // namespace millrace::control

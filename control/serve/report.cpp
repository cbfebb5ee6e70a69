#include "control/serve/report.h"

#include <ostream>
#include <string>
#include <vector>

#include "control/endpoint/endpoint.h"
#include "control/endpoint/params.h"
#include "control/socket/protocol.h"

namespace millrace::control {

namespace {

std::string joined(const std::vector<std::string>& words, const char* none) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? none : text;
}

std::string numbers(const std::vector<uint32_t>& cpus) {
  std::vector<std::string> words;
  for (const uint32_t cpu : cpus) words.push_back(std::to_string(cpu));
  return joined(words, "none");
}

std::string steering_text(const RunningEndpoint& endpoint) {
  const size_t lcores = endpoint.eal().cpus().workers.size();
  const dpdk::PortReport& port = endpoint.port().report();
  if (lcores == 1) return "none: one lcore has every packet";
  const std::string software = "in software, over rings between lcores";
  if (!port.rss) return software + ": " + port.driver + " does not spread TCP flows by a hash that we know";
  if (port.queues < lcores) return "by RSS to " + std::to_string(port.queues) + " queues, then " + software;
  return "by RSS, one queue an lcore; " + software + ", where the first packets show it hashes otherwise";
}

std::string idle_text(const config::Settings& settings, const dpdk::Port& port) {
  const dpdk::IdleParams idle = idle_params(settings, port, uint16_t{0});
  const std::string after = ", " + std::to_string(idle.after.count()) + " us after the last work";
  switch (idle.mode) {
    case dpdk::IdleMode::Poll:
      return "the loop polls on and has its CPU all the time";
    case dpdk::IdleMode::Pause:
      return "the loop pauses" + after + ", and has its CPU all the time";
    case dpdk::IdleMode::Sleep:
      break;
  }
  if (idle.rx.announced) return "the loop sleeps until the link wakes it" + after;
  return "the loop sleeps for up to " + std::to_string(idle.nap.count()) + " us at a time" + after +
         ": nothing on this link wakes it";
}

void report_port(std::ostream& out, const dpdk::Port& port) {
  const dpdk::PortReport& in_use = port.report();
  out << "  port       " << in_use.device << " by driver " << in_use.driver
      << (in_use.proven ? "" : " (unproven: nobody has tried this driver)") << ", MAC " << in_use.mac.text()
      << ", MTU " << in_use.mtu << ", link " << (port.link_up() ? "up" : "down") << '\n'
      << "  queues     " << in_use.queues << " of " << in_use.rx_descriptors << " receive and "
      << in_use.tx_descriptors << " transmit descriptors"
      << (port.quirks().shares_mbufs ? "; frames are copied\n" : "\n") << "  offloads   "
      << joined(in_use.offloads, "none") << "; TCP checksums " << checksum_text(in_use.checksum) << '\n';
}

}  // namespace

void report_start(std::ostream& out, const RunningEndpoint& endpoint) {
  const config::Settings& settings = endpoint.settings();
  const EndpointInfo info = endpoint.info();
  out << "millrace " << version() << " on " << info.dpdk_version << '\n';
  report_port(out, endpoint.port());
  out << "  memory     " << (endpoint.eal().huge_pages() ? "huge pages" : "ordinary pages (--no-huge)")
      << ", " << settings.mbufs.rx_mbufs << " receive and " << settings.mbufs.tx_mbufs
      << " transmit mbufs an lcore\n"
      << "  lcores     CPU " << numbers(endpoint.eal().cpus().workers) << "; control on CPU "
      << numbers(endpoint.eal().cpus().control) << '\n'
      << "  idle       " << idle_text(settings, endpoint.port()) << '\n'
      << "  steering   " << steering_text(endpoint) << '\n'
      << "  addresses  " << joined(info.addresses, "none") << '\n';
  for (const ServiceInfo& service : info.services)
    out << "  service    " << service.name << ": " << service.kind << " on "
        << joined(service.listen, "nothing") << '\n';
  out << "  control    " << settings.control.socket << '\n';
  if (const std::string& place = settings.control.metrics_listen; !place.empty())
    out << "  metrics    " << (place.starts_with('/') ? "" : "http://") << place
        << (place.starts_with('/') ? ", HTTP: /metrics\n" : "/metrics\n");
  out << "ready\n" << std::flush;
}

}  // namespace millrace::control

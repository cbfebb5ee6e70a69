#include "control/doctor/doctor.h"

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "config/manual/options.h"
#include "config/manual/readings.h"
#include "config/text.h"
#include "control/doctor/probes.h"

namespace millrace::control {

namespace doctor {

std::string_view name_of(Severity severity) {
  constexpr std::array<std::string_view, 4> kNames{"ok", "info", "warning", "error"};
  return kNames[static_cast<size_t>(severity)];
}

Findings examine(const Host& host) {
  constexpr std::array kProbes{probe_huge_pages, probe_numa, probe_cpus,  probe_frequency,    probe_clock,
                               probe_iommu,      probe_nics, probe_links, probe_capabilities, probe_limits};
  Findings findings;
  for (const auto probe : kProbes) probe(host, findings);
  return findings;
}

}  // namespace doctor

namespace {

namespace po = boost::program_options;
using doctor::Finding;
using doctor::Findings;
using doctor::Severity;

constexpr int kUsage = 2;

po::options_description description() {
  po::options_description options("Options", 110, 70);
  options.add_options()                        //
      ("json", "For programs")                 //
      ("quiet,q", "Only warnings and errors")  //
      ("sysroot", po::value<std::string>()->value_name("DIRECTORY")->default_value("/"),
       "Where /sys, /proc and /dev are looked for")  //
      ("help,h", "This page");
  return options;
}

Severity worst_of(const Findings& findings) {
  Severity worst = Severity::Ok;
  for (const Finding& one : findings) worst = std::max(worst, one.severity);
  return worst;
}

// Text from /sys and /proc goes to a terminal: escaped.
void print_text(const Findings& findings, std::ostream& out) {
  constexpr size_t kSeverityWidth = 9, kTopicWidth = 17;
  const auto padded = [](std::string_view text, size_t width) {
    return std::string(text) + std::string(width - std::min(width, text.size()), ' ');
  };
  for (const Finding& one : findings) {
    out << padded(name_of(one.severity), kSeverityWidth) << padded(one.topic, kTopicWidth)
        << config::escaped(one.sentence) << '\n';
    if (!one.command.empty())
      out << std::string(kSeverityWidth + kTopicWidth, ' ') << "# " << config::escaped(one.command) << '\n';
  }
}

void print_json(const Findings& findings, Severity worst, std::ostream& out) {
  using Json = nlohmann::ordered_json;
  Json rows = Json::array();
  for (const Finding& one : findings)
    rows.push_back({{"topic", one.topic},
                    {"severity", name_of(one.severity)},
                    {"sentence", config::escaped(one.sentence)},
                    {"command", one.command.empty() ? Json() : Json(config::escaped(one.command))}});
  out << Json{{"severity", name_of(worst)}, {"findings", std::move(rows)}}.dump(2) << '\n';
}

}  // namespace

manual::Command doctor_page() {
  return {
      .name = "doctor",
      .summary = "say what of this host stands in the way, and the command that mends it",
      .about =
          "Looks at what an endpoint needs of this host: huge pages, NUMA, CPUs and their clock, the IOMMU, "
          "NICs and their drivers, virtual devices, capabilities and limits. It reads /sys, /proc and /dev, "
          "and changes nothing: below what can be mended stands the command, for root.",
      .options = manual::options_of(description()),
      .examples = {{"doctor", "what there is, and what is wrong"},
                   {"doctor --quiet", "only what is wrong"},
                   {"doctor --json | jq -r '.findings[].command | values'", "the commands alone"}},
      .statuses = {{0, "nothing to mend (ok, info)"}, {1, "warnings"}, {2, "errors, or a bad command line"}}};
}

int run_doctor(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  const manual::Parsed given = manual::parse(args, description());
  if (!given.problem.empty()) {
    err << "millrace doctor: " << given.problem << "; `millrace doctor --help` has the options\n";
    return kUsage;
  }
  const po::variables_map& values = given.values;
  if (values.count("help") != 0) {
    out << manual::help_text("millrace", doctor_page());
    return 0;
  }
  Findings findings = examine(doctor::Host(values["sysroot"].as<std::string>()));
  const Severity worst = worst_of(findings);
  if (values.count("quiet") != 0)
    std::erase_if(findings, [](const Finding& one) { return one.severity < Severity::Warning; });
  if (values.count("json") != 0)
    print_json(findings, worst, out);
  else
    print_text(findings, out);
  return worst == Severity::Error ? 2 : worst == Severity::Warning ? 1 : 0;
}

}  // namespace millrace::control

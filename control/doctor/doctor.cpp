#include "control/doctor/doctor.h"

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

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

void print_help(std::ostream& out) {
  out << "Usage: millrace doctor [OPTIONS]\n\n"
         "Looks at what an endpoint needs of this host: huge pages, CPUs and their clock, the IOMMU, NICs "
         "and "
         "their\n"
         "drivers, virtual devices, capabilities and limits. It reads /sys, /proc and /dev, and changes "
         "nothing: "
         "below\n"
         "what can be mended stands the command, for root.\n\n"
      << description()
      << "\nExamples:\n"
         "  millrace doctor                what there is, and what is wrong\n"
         "  millrace doctor --quiet        only what is wrong\n"
         "  millrace doctor --json | jq -r '.findings[].command | values'\n\n"
         "Exit status: 0 when nothing is to be mended (ok, info), 1 with warnings, 2 with errors or for a "
         "bad "
         "command\n"
         "line.\n";
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

int run_doctor(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  po::variables_map values;
  try {
    constexpr int kStyle = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(std::vector<std::string>(args.begin(), args.end()))
                  .options(description())
                  .positional({})
                  .style(kStyle)
                  .run(),
              values);
  } catch (const po::error& error) {
    err << "millrace doctor: " << config::escaped(error.what())
        << "; `millrace doctor --help` has the options\n";
    return kUsage;
  }
  if (values.count("help") != 0) {
    print_help(out);
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

#include "control/demo/demo.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "config/manual/options.h"
#include "config/manual/readings.h"
#include "config/text.h"
#include "control/demo/scenarios.h"
#include "control/demo/stage.h"

namespace millrace::control {

namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr int kDone = 0;
constexpr int kNotShown = 1;
constexpr int kUsage = 2;

struct Request {
  std::vector<const Scenario*> scenarios{};
  StageOptions stage;
  bool ascii = false;
  bool json = false;
};

po::options_description description() {
  po::options_description options("Options", 110, 70);
  options.add_options()               //
      ("list", "Name the scenarios")  //
      ("seed", po::value<uint64_t>()->value_name("NUMBER")->default_value(1),
       "Seed of all that is random: sequence numbers, timestamps, ports")                  //
      ("family", po::value<int>()->value_name("4|6")->default_value(4), "IPv4 or IPv6")    //
      ("neighbors", "Show how addresses are resolved (ARP, neighbour discovery) as well")  //
      ("ascii", "Draw with ASCII characters only")                                         //
      ("json", "Print JSON for programs instead of a drawing")                             //
      ("help,h", "This page");
  return options;
}

void print_list(std::ostream& out) {
  size_t longest = 0;
  for (const Scenario& scenario : scenarios()) longest = std::max(longest, scenario.name.size());
  for (const Scenario& scenario : scenarios())
    out << "  " << scenario.name << std::string(longest + 2 - scenario.name.size(), ' ') << scenario.sentence
        << '\n';
}

void print_overview(std::ostream& out) {
  out << "millrace demo SCENARIO plays two whole TCP stacks against each other over a simulated link and "
         "draws\n"
         "every segment with the states of both sides. It needs no rights, no NIC and no huge pages.\n\n";
  print_list(out);
  out << "\nBegin with:  millrace demo handshake     All of them:  millrace demo all     More:  millrace "
         "demo "
         "--help\n";
}

// The scenarios called `name`: one, or all of them; a sentence to `err` and nothing when there are none.
bool add_scenarios(const std::string& name, Request& request, std::ostream& err) {
  std::vector<std::string> names = {"all"};
  for (const Scenario& scenario : scenarios()) {
    names.emplace_back(scenario.name);
    if (name == "all" || name == scenario.name) request.scenarios.push_back(&scenario);
  }
  if (std::find(names.begin(), names.end(), name) != names.end()) return true;
  const std::string_view near = config::nearest(name, names);
  err << "millrace demo: there is no scenario " << config::quoted(name)
      << (near.empty() ? "; `millrace demo --list` names them all"
                       : "; did you mean '" + std::string(near) + "'?")
      << '\n';
  return false;
}

// What to play; nothing when the answer has been given already, with the exit status in `status`.
std::optional<Request> parse(std::span<const std::string> args, std::ostream& out, std::ostream& err,
                             int& status) {
  po::options_description all = description();
  all.add_options()("scenario", po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add("scenario", -1);
  po::variables_map values;
  po::store(po::command_line_parser(std::vector<std::string>(args.begin(), args.end()))
                .options(all)
                .positional(positions)
                .run(),
            values);
  po::notify(values);

  status = kDone;
  if (values.count("help") != 0)
    return out << manual::help_text("millrace", demo_page()), std::nullopt;
  if (values.count("list") != 0) return print_list(out), std::nullopt;
  const int family = values["family"].as<int>();
  if (family != 4 && family != 6) {
    err << "millrace demo: --family is 4 or 6, not " << family << '\n';
    status = kUsage;
    return std::nullopt;
  }
  Request request{.stage = {.seed = values["seed"].as<uint64_t>(),
                            .family = family == 4 ? Family::V4 : Family::V6,
                            .neighbors = values.count("neighbors") != 0},
                  .ascii = values.count("ascii") != 0,
                  .json = values.count("json") != 0};
  if (values.count("scenario") == 0) return print_overview(out), std::nullopt;
  for (const std::string& name : values["scenario"].as<std::vector<std::string>>()) {
    if (add_scenarios(name, request, err)) continue;
    status = kUsage;
    return std::nullopt;
  }
  return request;
}

void print_text(const Scenario& scenario, const Stage& stage, const Request& request, std::ostream& out) {
  const sim::Ladder& ladder = stage.ladder();
  out << scenario.name << ": " << scenario.sentence << "\nLook at this: " << scenario.look_at << "\n\n"
      << sim::render_text(ladder, {.ascii = request.ascii, .neighbors = request.stage.neighbors}) << '\n'
      << ladder.left_name << " walked  " << sim::path_text(ladder.left_path) << '\n'
      << ladder.right_name << " walked  " << sim::path_text(ladder.right_path) << "\n\n";
  for (const Claim& claim : stage.claims())
    out << (claim.holds ? "  holds   " : "  FAILED  ") << claim.sentence << '\n';
}

Json to_json(const Scenario& scenario, const Stage& stage, const Request& request) {
  Json claims = Json::array();
  for (const Claim& claim : stage.claims())
    claims.push_back({{"claim", claim.sentence}, {"holds", claim.holds}});
  return {{"scenario", scenario.name},
          {"sentence", scenario.sentence},
          {"seed", request.stage.seed},
          {"family", request.stage.family == Family::V4 ? 4 : 6},
          {"claims", std::move(claims)},
          {"ladder", Json::parse(sim::render_json(stage.ladder(), request.stage.neighbors, -1))}};
}

// Plays everything asked for; false when a scenario did not show what it claims.
bool play(const Request& request, std::ostream& out, std::ostream& err) {
  bool good = true;
  Json results = Json::array();
  for (const Scenario* scenario : request.scenarios) {
    Stage stage(request.stage);
    scenario->play(stage);
    if (request.json)
      results.push_back(to_json(*scenario, stage, request));
    else
      print_text(*scenario, stage, request, scenario == request.scenarios.front() ? out : out << '\n');
    for (const Claim& claim : stage.claims()) {
      if (claim.holds) continue;
      good = false;
      err << "millrace demo: " << scenario->name << " with seed " << request.stage.seed
          << " did not show what it claims: " << claim.sentence << '\n';
    }
  }
  if (request.json) out << (results.size() == 1 ? results.front() : results).dump(2) << '\n';
  return good;
}

}  // namespace

manual::Command demo_page() {
  manual::Command page{
      .name = "demo",
      .summary = "show two stacks talking in one process: no root, no NIC, no huge pages",
      .words = "[SCENARIO...]",
      .about =
          "Plays two whole TCP stacks against each other over a simulated link under a virtual clock and "
          "draws "
          "every segment with the states of both sides.",
      .options = manual::options_of(description()),
      .terms_title = "Scenarios (`all` plays each of them)",
      .examples = {{"demo handshake", "how a connection is opened"},
                   {"demo simultaneous-close --family 6", "both sides close at once, over IPv6"},
                   {"demo time-wait --json", "the same data for a program"},
                   {"demo all --ascii --seed 7", "everything, for a terminal without Unicode"}},
      .statuses = {
          {0, "each scenario showed what it claims"}, {1, "one did not"}, {2, "a bad command line"}}};
  for (const Scenario& scenario : scenarios())
    page.terms.push_back({std::string(scenario.name), std::string(scenario.sentence)});
  return page;
}

int run_demo(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  int status = kDone;
  try {
    const std::optional<Request> request = parse(args, out, err, status);
    if (!request) return status;
    return play(*request, out, err) ? kDone : kNotShown;
  } catch (const po::error& error) {
    err << "millrace demo: " << error.what() << "; `millrace demo --help` has the options\n";
    return kUsage;
  }
}

}  // namespace millrace::control

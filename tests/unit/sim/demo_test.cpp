// `millrace demo` as a user runs it: every scenario, both families, text and JSON, and bad command lines.
#include "control/demo/demo.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "control/demo/scenarios.h"

namespace millrace::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

struct Result {
  int status;
  std::string out;
  std::string err;
};

Result run(std::vector<std::string> args) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = run_demo(args, out, err);
  return {status, out.str(), err.str()};
}

size_t columns(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(),
                                           [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

struct EveryScenario : testing::TestWithParam<std::tuple<std::string, std::string>> {
  std::string name() const { return std::get<0>(GetParam()); }
  std::string family() const { return std::get<1>(GetParam()); }
};

TEST_P(EveryScenario, Text_ShowsWhatItClaimsWithin120Columns) {
  const Result result = run({name(), "--family", family()});
  EXPECT_EQ(result.status, 0) << result.err << result.out;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("Look at this: "));
  EXPECT_THAT(result.out, HasSubstr("absolute seq "));
  EXPECT_THAT(result.out, HasSubstr("client walked  CLOSED > SYN-SENT"));
  EXPECT_THAT(result.out, HasSubstr(family() == "4" ? "10.0.0.2:" : "[2001:db8::2]:"));
  EXPECT_THAT(result.out, Not(HasSubstr("FAILED")));
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 120U) << line;
}

TEST_P(EveryScenario, Json_HoldsTheSame) {
  const Result result = run({name(), "--json", "--family", family()});
  EXPECT_EQ(result.status, 0) << result.err;
  const json document = json::parse(result.out);
  EXPECT_EQ(document["scenario"], name());
  EXPECT_EQ(document["family"], std::stoi(family()));
  EXPECT_FALSE(document["claims"].empty());
  for (const json& claim : document["claims"]) EXPECT_TRUE(claim["holds"]) << claim;
  size_t segments = 0;
  for (const json& row : document["ladder"]["rows"]) segments += row["kind"] == "segment";
  EXPECT_GE(segments, 2U);
}

TEST_P(EveryScenario, ManySeeds_ShowItToo) {
  for (int seed = 2; seed < 12; ++seed) {
    const Result result = run({name(), "--seed", std::to_string(seed), "--family", family()});
    EXPECT_EQ(result.status, 0) << result.err << result.out;
  }
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const Scenario& scenario : scenarios()) out.emplace_back(scenario.name);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Demo, EveryScenario,
                         testing::Combine(testing::ValuesIn(names()), testing::Values("4", "6")),
                         [](const auto& test) {
                           std::string name = std::get<0>(test.param) + "_v" + std::get<1>(test.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Demo, SameSeed_SameOutput) {
  EXPECT_EQ(run({"transfer", "--seed", "3"}).out, run({"transfer", "--seed", "3"}).out);
  EXPECT_NE(run({"transfer", "--seed", "3"}).out, run({"transfer", "--seed", "4"}).out);
}

TEST(Demo, Ascii_HasNothingElse) {
  const std::string out = run({"all", "--ascii"}).out;
  EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; }));
}

TEST(Demo, Neighbors_ShowTheResolution) {
  EXPECT_THAT(run({"handshake"}).out, Not(HasSubstr("ARP")));
  EXPECT_THAT(run({"handshake", "--neighbors"}).out, HasSubstr("ARP request"));
  EXPECT_THAT(run({"handshake", "--neighbors", "--family=6"}).out, HasSubstr("neighbour solicitation"));
}

TEST(Demo, SimultaneousClose_GoesThroughClosingOnBothSides) {
  const json ladder = json::parse(run({"simultaneous-close", "--json"}).out)["ladder"];
  for (const char* side : {"left", "right"}) {
    const auto path = ladder[side]["path"].get<std::vector<std::string>>();
    EXPECT_THAT(path, testing::Contains("CLOSING"));
    EXPECT_THAT(path, testing::Contains("TIME-WAIT"));
  }
}

TEST(Demo, All_IsAnArrayInJson) {
  EXPECT_EQ(json::parse(run({"all", "--json"}).out).size(), scenarios().size());
}

TEST(Demo, WithoutArguments_TellsHow) {
  const Result result = run({});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("millrace demo handshake"));
  EXPECT_THAT(result.out, HasSubstr("simultaneous-open"));
}

TEST(Demo, ListAndHelp_NameEveryScenario) {
  for (const std::string& name : names()) {
    EXPECT_THAT(run({"--list"}).out, HasSubstr(name));
    EXPECT_THAT(run({"--help"}).out, HasSubstr(name));
  }
  EXPECT_THAT(run({"--help"}).out, HasSubstr("Examples:"));
}

TEST(Demo, BadCommandLine_OneSentenceAndStatus2) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"handshak"}, "'handshake'"},   {{"zebra-crossing"}, "--list"}, {{"--family", "5", "close"}, "4 or 6"},
      {{"--seed", "x", "close"}, "x"}, {{"--colour"}, "--colour"},     {{"close", "lost_fin"}, "'lost-fin'"}};
  for (const auto& [args, part] : cases) {
    const Result result = run(args);
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

}  // namespace
}  // namespace millrace::control

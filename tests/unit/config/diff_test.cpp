// What a second configuration says otherwise, and what is taken over from it.
#include "config/diff.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/commands.h"
#include "config/load.h"

namespace millrace::config {
namespace {

constexpr const char* kOld =
    "[port.p0]\nvdev = net_tap0\n[address]\nadd = 10.0.0.2/24\nadd = 10.0.0.3/24\n[tcp]\nmsl = 30s\n"
    "[service.web]\nkind = http\nlisten = 80\n";
constexpr const char* kNew =
    "[port.p0]\nvdev = net_tap0\nmtu = 9000\n[address]\nadd = 10.0.0.2/24\n[tcp]\nmsl = 5s\nrto_min = 300ms\n"
    "[service.web]\nkind = http\nlisten = 80\n";

Config of(const char* text) {
  Loaded loaded = load_text("x.conf", text, Purpose::Serve);
  EXPECT_TRUE(loaded.problems.empty()) << loaded.problems.text();
  return std::move(loaded.config);
}

TEST(Diff, NamesEachKeyOnce_WithBothValues) {
  std::string all;
  for (const Difference& one : differences(of(kOld), of(kNew))) all += one.text() + '\n';
  EXPECT_EQ(all,
            "port.p0.mtu: 1500 -> 9000 (needs a restart)\n"
            "address.add: 10.0.0.2/24, 10.0.0.3/24 -> 10.0.0.2/24 (needs a restart)\n"
            "tcp.msl: 30s -> 5s (live)\n"
            "tcp.rto_min: 200ms -> 300ms (live)\n");
}

TEST(Diff, OfTheSame_IsEmpty) { EXPECT_TRUE(differences(of(kOld), of(kOld)).empty()); }

TEST(Diff, AKeyThatIsGone_IsAtItsDefaultAgain) {
  const std::vector<Difference> found = differences(of(kNew), of(kOld));
  const auto is_rto = [](const Difference& one) { return one.key == "tcp.rto_min"; };
  const auto rto = std::find_if(found.begin(), found.end(), is_rto);
  ASSERT_NE(rto, found.end());
  EXPECT_EQ(rto->after, "200ms");
}

TEST(Config, Take_TakesOneKeyAndLeavesTheRest) {
  Config config = of(kOld);
  config.take("tcp.msl", of(kNew));
  EXPECT_EQ(config.settings().tcp.msl, 5s);
  EXPECT_EQ(config.settings().ports[0].mtu, 1500);
  config.take("tcp.msl", of("[port.p0]\nvdev = net_tap0\n[address]\nadd = 10.0.0.2/24\n"
                            "[service.web]\nkind = http\nlisten = 80\n"));
  EXPECT_EQ(config.settings().tcp.msl, TcpParams{}.msl);
}

TEST(Config, Replace_OverridesTwice_AndRefusesNonsense) {
  Config config = of(kOld);
  Problems problems;
  for (const char* value : {"7s", "9s"})
    config.replace({"tcp.msl", value, {Source::CommandLine, "set", 0}}, problems);
  EXPECT_TRUE(problems.empty()) << problems.text();
  EXPECT_EQ(config.settings().tcp.msl, 9s);
  config.replace({"tcp.msl", "soon", {Source::CommandLine, "set", 0}}, problems);
  EXPECT_FALSE(problems.empty());
  EXPECT_EQ(config.settings().tcp.msl, 9s);
}

TEST(DiffCommand, ExitsAsDiffDoes) {
  const std::string before = ::testing::TempDir() + "/before.conf",
                    after = ::testing::TempDir() + "/after.conf";
  std::ofstream(before) << kOld;
  std::ofstream(after) << kNew;
  std::ostringstream out, err;
  EXPECT_EQ(config_diff(std::vector<std::string>{before, before}, out, err), kExitGood);
  EXPECT_EQ(out.str(), "No differences.\n");
  EXPECT_EQ(config_diff(std::vector<std::string>{"--json", before, after}, out, err), kExitDiffers);
  EXPECT_NE(out.str().find("\"tcp.msl\""), std::string::npos);
  EXPECT_EQ(config_diff(std::vector<std::string>{before}, out, err), kExitInvalid);
  EXPECT_EQ(config_diff(std::vector<std::string>{before, "/nowhere"}, out, err), kExitInvalid);
}

}  // namespace
}  // namespace millrace::config

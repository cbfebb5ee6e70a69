// `millrace doctor` as it is called: over hosts that were made up, and once over this one.
#include "control/doctor/doctor.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tree.h"

namespace millrace::control {
namespace {

using doctor::test::Tree;
using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

Ran run(const std::vector<std::string>& args) {
  std::ostringstream out, err;
  const int code = run_doctor(args, out, err);
  return {code, out.str(), err.str()};
}

// A host to which nothing is to be said.
void make_sound(Tree& tree) {
  tree.huge_pages("2048kB", 512, 512).file("proc/self/mounts", "x /dev/hugepages hugetlbfs rw 0 0\n");
  tree.file("sys/devices/system/cpu/online", "0-7").file("sys/devices/system/cpu/isolated", "1-7");
  tree.file("sys/devices/system/cpu/nohz_full", "1-7");
  tree.file("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
  tree.nic("0000:01:00.0", "vfio-pci").directory("sys/bus/pci/devices/0000:01:00.0/iommu_group");
  tree.directory("sys/kernel/iommu_groups/0").directory("sys/bus/pci/drivers/vfio-pci");
  tree.file("dev/net/tun", "").file("dev/vhost-net", "").file("proc/net/protocols", "PACKET 1\nXDP 1\n");
  tree.file("proc/self/status", "CapEff:\t000001ffffffffff\n");
}

TEST(Doctor, ASoundHost_ExitsWith0_AndHasOnlyOk) {
  Tree tree;
  make_sound(tree);
  const Ran ran = run({"--sysroot", tree.path()});
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, testing::Not(testing::ContainsRegex("(info|warning|error)  ")));
  EXPECT_EQ(run({"--sysroot", tree.path(), "--quiet"}).out, "");
}

TEST(Doctor, ExitsByTheWorst) {
  Tree tree;
  make_sound(tree);
  tree.huge_pages("2048kB", 0, 0);
  const Ran warned = run({"--sysroot", tree.path(), "-q"});
  EXPECT_EQ(warned.code, 1);
  EXPECT_THAT(warned.out, StartsWith("warning  huge pages       None are reserved"));
  EXPECT_THAT(warned.out, HasSubstr("\n                          # echo 512 > /sys/"));
  tree.nic("0000:02:00.0", "vfio-pci");
  const Ran failed = run({"--sysroot", tree.path(), "-q"});
  EXPECT_EQ(failed.code, 2);
  EXPECT_THAT(failed.out, HasSubstr("error    NICs             0000:02:00.0"));
}

TEST(Doctor, Json_HasWhatTheTextHas) {
  Tree tree;
  make_sound(tree);
  tree.huge_pages("2048kB", 0, 0);
  const Ran ran = run({"--json", "--sysroot", tree.path()});
  const json all = json::parse(ran.out);
  EXPECT_EQ(all["severity"], "warning");
  EXPECT_EQ(all["findings"][0]["topic"], "huge pages");
  EXPECT_EQ(all["findings"][0]["severity"], "warning");
  EXPECT_THAT(all["findings"][0]["command"].get<std::string>(), StartsWith("echo 512"));
  EXPECT_TRUE(all["findings"].back()["command"].is_null());
}

TEST(Doctor, WhatIsNoText_IsEscaped) {
  Tree tree;
  make_sound(tree);
  tree.file("sys/devices/system/clocksource/clocksource0/current_clocksource", "t\x1b[31m\xffsc");
  const Ran ran = run({"--sysroot", tree.path()});
  EXPECT_THAT(ran.out, HasSubstr("t\\x1b[31m\\xffsc"));
  EXPECT_FALSE(json::parse(run({"--sysroot", tree.path(), "--json"}).out).is_null());
}

TEST(Doctor, AWrongCommandLine_ExitsWith2) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"--jsno"}, {"word"}, {"--sysroot"}, {"--json=yes"}}) {
    const Ran ran = run(args);
    EXPECT_EQ(ran.code, 2) << args[0];
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, StartsWith("millrace doctor: "));
  }
  EXPECT_EQ(run({"--help"}).code, 0);
}

// On whatever machine this is: every sentence is one, and the exit status is that of the worst.
TEST(Doctor, ThisMachine_IsExamined) {
  const Ran ran = run({"--json"});
  const json all = json::parse(ran.out);
  EXPECT_EQ(ran.err, "");
  EXPECT_GE(all["findings"].size(), 10U);
  int worst = 0;
  for (const json& one : all["findings"]) {
    EXPECT_THAT(one["sentence"].get<std::string>(), testing::EndsWith("."));
    worst = std::max(worst, one["severity"] == "error" ? 2 : one["severity"] == "warning" ? 1 : 0);
  }
  EXPECT_EQ(ran.code, worst);
}

}  // namespace
}  // namespace millrace::control

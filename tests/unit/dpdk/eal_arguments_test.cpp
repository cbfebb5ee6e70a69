#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dpdk/eal.h"

namespace millrace::dpdk {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CpuPlan, TwoCpus_WorkerHasTheSecond) {
  const CpuPlan plan = *plan_cpus({}, {0, 1});
  EXPECT_THAT(plan.workers, ElementsAre(1));
  EXPECT_THAT(plan.control, ElementsAre(0));
}

TEST(CpuPlan, OneCpu_IsShared) {
  const CpuPlan plan = *plan_cpus({}, {3});
  EXPECT_THAT(plan.workers, ElementsAre(3));
  EXPECT_THAT(plan.control, ElementsAre(3));
}

TEST(CpuPlan, CpusAskedFor_LeaveTheRestToControl) {
  const CpuPlan plan = *plan_cpus({0, 2}, {0, 1, 2, 3});
  EXPECT_THAT(plan.workers, ElementsAre(0, 2));
  EXPECT_THAT(plan.control, ElementsAre(1, 3));
}

TEST(CpuPlan, CpuThatIsNotOurs_IsRefused) {
  Result<CpuPlan> plan = plan_cpus({7}, {0, 1});
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.failure().text, HasSubstr("CPU 7, but this process may use only 0,1"));
}

TEST(EalArguments, NoPciDevice_LeavesThePciBusAlone) {
  EXPECT_THAT(eal_arguments({}, {{0}, {1}}, false), Contains("--no-pci"));
  const auto args = eal_arguments({.pci = {"0000:01:00.0,x=1"}}, {{0}, {1}}, false);
  EXPECT_THAT(args, Contains("--allow=0000:01:00.0,x=1"));
  EXPECT_THAT(args, Not(Contains("--no-pci")));
}

TEST(EalArguments, WithoutHugePages_MemoryIsReservedAtTheStart) {
  const auto args = eal_arguments({.needed_bytes = (100 << 20) + 1}, {{0}, {1}}, false);
  EXPECT_THAT(args, Contains("--no-huge"));
  EXPECT_THAT(args, Contains("101"));
  EXPECT_THAT(args, Not(Contains("--in-memory")));  // EAL refuses the two together
}

TEST(EalArguments, WithHugePages_NothingIsLeftInTheirFileSystem) {
  const auto args = eal_arguments({.single_file_segments = true}, {{0}, {1}}, true);
  EXPECT_THAT(args, Contains("--in-memory"));
  EXPECT_THAT(args, Contains("--single-file-segments"));
  EXPECT_THAT(args, Not(Contains("--no-huge")));
  EXPECT_THAT(eal_arguments({.in_memory = false}, {{0}, {1}}, true), Not(Contains("--in-memory")));
}

TEST(EalArguments, NoSharedConfiguration_SoThatNoSecondaryProcessFindsUs) {
  EXPECT_THAT(eal_arguments({.in_memory = false}, {{0}, {1}}, true), Contains("--no-shconf"));
  EXPECT_THAT(eal_arguments({}, {{0}, {1}}, false), Contains("--no-shconf"));
}

TEST(EalArguments, Lcores_MapToTheirCpus) {
  EXPECT_THAT(eal_arguments({}, {{0, 3}, {1, 2}}, false), Contains("--lcores=0@(0,3),1@1,2@2"));
}

TEST(EalArguments, PassedThrough_ComeLast) {
  EXPECT_EQ(eal_arguments({.args = {"--log-level=8"}}, {{0}, {1}}, true).back(), "--log-level=8");
}

}  // namespace
}  // namespace millrace::dpdk

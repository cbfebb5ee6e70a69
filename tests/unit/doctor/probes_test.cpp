// Each probe over hosts that were made up: what it finds, how bad that is, and the command that mends it.
#include <gmock/gmock.h>

#include "tree.h"

namespace millrace::control::doctor {
namespace {

using test::Tree;
using testing::HasSubstr;
using testing::IsEmpty;

std::string severities(const Findings& findings) {
  std::string out;
  for (const Finding& one : findings) out += (out.empty() ? "" : " ") + std::string(name_of(one.severity));
  return out;
}

// ---- huge pages

TEST(HugePages, NoneReserved_AreAWarning_WithTheCommandThatReservesSome) {
  Tree tree;
  const Findings found =
      tree.huge_pages("2048kB", 0, 0).huge_pages("1048576kB", 0, 0).findings(probe_huge_pages);
  ASSERT_EQ(severities(found), "warning info");
  EXPECT_EQ(found[0].command, "echo 512 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
  EXPECT_THAT(found[1].command, HasSubstr("mount -t hugetlbfs"));
}

TEST(HugePages, EnoughAndMounted_AreOk_ByTheirSize) {
  Tree tree;
  tree.huge_pages("2048kB", 512, 500).huge_pages("1048576kB", 4, 3);
  tree.file(
      "proc/self/mounts",
      "sysfs /sys sysfs rw 0 0\nhugetlbfs /mnt/huge hugetlbfs rw,pagesize=2M 0 0\ntmpfs /tmp tmpfs rw 0 0\n");
  const Findings found = tree.findings(probe_huge_pages);
  ASSERT_EQ(severities(found), "ok ok ok");
  EXPECT_EQ(found[0].sentence, "500 of 512 pages of 2 MiB are free (1000 MiB).");
  EXPECT_EQ(found[1].sentence, "3 of 4 pages of 1 GiB are free (3 GiB).");
  EXPECT_EQ(found[2].sentence, "hugetlbfs is mounted on /mnt/huge.");
}

TEST(HugePages, AllInUse_AreAWarning_AndTheCommandAddsToThem) {
  Tree tree;
  const Findings found = tree.huge_pages("2048kB", 512, 3).findings(probe_huge_pages);
  EXPECT_EQ(found[0].severity, Severity::Warning);
  EXPECT_THAT(found[0].sentence, HasSubstr("less than the 74 MiB that the packet pools of one lcore take"));
  EXPECT_EQ(found[0].command, "echo 1024 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
}

TEST(HugePages, AKernelWithoutThem_HasNoCommand) {
  const Findings found = Tree().findings(probe_huge_pages);
  ASSERT_EQ(severities(found), "warning");
  EXPECT_THAT(found[0].command, IsEmpty());
}

TEST(Numa, ANicOnANodeWithoutHugePages_IsAWarning) {
  Tree tree;
  for (const std::string node : {"0", "1"}) {
    const std::string folder = "sys/devices/system/node/node" + node;
    tree.file(folder + "/cpulist", node == "0" ? "0-7\n" : "8-15\n")
        .file(folder + "/hugepages/hugepages-2048kB/nr_hugepages", node == "0" ? "512\n" : "0\n");
  }
  tree.nic("0000:01:00.0", "vfio-pci").file("sys/bus/pci/devices/0000:01:00.0/numa_node", "0\n");
  tree.nic("0000:81:00.0", "vfio-pci").file("sys/bus/pci/devices/0000:81:00.0/numa_node", "1\n");
  tree.nic("0000:82:00.0", "vfio-pci").file("sys/bus/pci/devices/0000:82:00.0/numa_node", "-1\n");
  const Findings found = tree.findings(probe_numa);
  ASSERT_EQ(severities(found), "ok info warning");
  EXPECT_EQ(found[0].sentence,
            "2 nodes: 0 with CPUs 0-7 and 512 huge pages; 1 with CPUs 8-15 and 0 huge pages.");
  EXPECT_THAT(found[1].sentence, HasSubstr("--lcores, of 0-7"));
  EXPECT_EQ(found[2].command,
            "echo 512 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages");
}

// ---- CPUs

TEST(Cpus, NotIsolated_MattersOnceANicIsGivenToDpdk) {
  Tree tree;
  tree.file("sys/devices/system/cpu/online", "0-7\n").file("sys/devices/system/cpu/isolated", "\n");
  Findings found = tree.findings(probe_cpus);
  ASSERT_EQ(severities(found), "info");
  EXPECT_THAT(found[0].command, HasSubstr("isolcpus=1-7 nohz_full=1-7 rcu_nocbs=1-7"));
  tree.nic("0000:01:00.0", "vfio-pci");
  EXPECT_EQ(severities(tree.findings(probe_cpus)), "warning");
}

TEST(Cpus, IsolatedWithTheTick_WantNohzFullForTheSame) {
  Tree tree;
  tree.file("sys/devices/system/cpu/online", "0-7\n").file("sys/devices/system/cpu/isolated", "2-3,6\n");
  tree.file("sys/devices/system/cpu/nohz_full", "  (null)\n");
  const Findings found = tree.findings(probe_cpus);
  ASSERT_EQ(severities(found), "info");
  EXPECT_THAT(found[0].command, HasSubstr("isolcpus=2-3,6 nohz_full=2-3,6"));
}

TEST(Cpus, IsolatedAndTickless_AreOk) {
  Tree tree;
  tree.file("sys/devices/system/cpu/online", "0-7").file("sys/devices/system/cpu/isolated", "2-7");
  EXPECT_EQ(severities(tree.file("sys/devices/system/cpu/nohz_full", "2-7").findings(probe_cpus)), "ok");
}

TEST(Cpus, OneAlone_IsShared) {
  Tree tree;
  const Findings found = tree.file("sys/devices/system/cpu/online", "0\n").findings(probe_cpus);
  EXPECT_THAT(found.at(0).sentence, HasSubstr("One CPU"));
}

TEST(Frequency, EachGovernorButPerformance_IsAWarning) {
  Tree tree;
  const auto governor = [&](const std::string& cpu, const std::string& name) {
    tree.file("sys/devices/system/cpu/" + cpu + "/cpufreq/scaling_governor", name + '\n');
  };
  EXPECT_EQ(severities(tree.directory("sys/devices/system/cpu/cpu0").findings(probe_frequency)), "ok");
  governor("cpu0", "performance");
  EXPECT_EQ(severities(tree.findings(probe_frequency)), "ok");
  governor("cpu1", "schedutil");
  governor("cpu2", "schedutil");
  const Findings found = tree.findings(probe_frequency);
  ASSERT_EQ(severities(found), "ok warning");
  EXPECT_THAT(found[1].sentence, HasSubstr("2 CPUs have the governor schedutil"));
  EXPECT_THAT(found[1].command, HasSubstr("echo performance"));
}

TEST(Clock, ByTheSourceThatTheKernelUses) {
  const auto found = [](const std::string& source, const std::string& others, const std::string& flags) {
    Tree tree;
    tree.file("sys/devices/system/clocksource/clocksource0/current_clocksource", source + '\n')
        .file("sys/devices/system/clocksource/clocksource0/available_clocksource", others + " \n")
        .file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu " + flags + " sse\n");
    return tree.findings(probe_clock).at(0);
  };
  EXPECT_EQ(found("tsc", "tsc hpet", "tsc").severity, Severity::Ok);
  EXPECT_EQ(found("arch_sys_counter", "arch_sys_counter", "").severity, Severity::Ok);
  EXPECT_EQ(found("kvm-clock", "kvm-clock tsc", "constant_tsc nonstop_tsc").severity, Severity::Info);
  EXPECT_EQ(found("kvm-clock", "kvm-clock", "constant_tsc").severity, Severity::Warning);
  const Finding given_up = found("hpet", "hpet acpi_pm", "constant_tsc nonstop_tsc");
  EXPECT_EQ(given_up.severity, Severity::Warning);
  EXPECT_THAT(given_up.command, IsEmpty());
  EXPECT_THAT(found("hpet", "tsc hpet", "").command, HasSubstr("echo tsc > /sys/"));
}

// ---- IOMMU and NICs

TEST(Iommu, OnWithTheDriverLoaded_IsOk) {
  Tree tree;
  tree.directory("sys/kernel/iommu_groups/0").directory("sys/kernel/iommu_groups/1");
  tree.nic("0000:01:00.0", "ixgbe", "eth1").directory("sys/bus/pci/drivers/vfio-pci");
  const Findings found = tree.findings(probe_iommu);
  ASSERT_EQ(severities(found), "ok ok");
  EXPECT_EQ(found[0].sentence, "It is on, with 2 groups of devices.");
}

TEST(Iommu, Off_IsAWarningOnAMachineAndANoteInAVirtualOne) {
  Tree tree;
  EXPECT_EQ(severities(tree.findings(probe_iommu)), "ok");  // nobody wants one
  tree.nic("0000:01:00.0", "ixgbe", "eth1");
  Findings found = tree.findings(probe_iommu);
  ASSERT_EQ(severities(found), "warning info");
  EXPECT_THAT(found[0].command, HasSubstr("intel_iommu=on iommu=pt"));
  EXPECT_EQ(found[1].command, "modprobe vfio-pci");
  tree.file("proc/cpuinfo", "flags\t: fpu hypervisor\n");
  found = tree.findings(probe_iommu);
  EXPECT_EQ(found[0].severity, Severity::Info);
  EXPECT_THAT(found[0].command, HasSubstr("enable_unsafe_noiommu_mode=1"));
}

TEST(Nics, OfTheKernel_AreTakenByDevbind_ButForTheDefaultRoute) {
  Tree tree;
  tree.nic("0000:01:00.0", "ixgbe", "eth1").nic("0000:02:00.0", "ixgbe", "eth0").nic("0000:03:00.0", "");
  tree.nic("0000:04:00.0", "ahci", "", "0x010601");  // no NIC
  tree.file("proc/net/route",
            "Iface\tDestination\tGateway\neth0\t00000000\t010200C0\neth1\t000200C0\t00000000\n");
  const Findings found = tree.findings(probe_nics);
  ASSERT_EQ(severities(found), "info info info");
  EXPECT_EQ(found[0].sentence,
            "0000:01:00.0 (eth1, ixgbe) is the kernel's; DPDK takes it whole after a change of driver.");
  EXPECT_EQ(found[0].command, "ip link set eth1 down && dpdk-devbind.py --bind=vfio-pci 0000:01:00.0");
  EXPECT_THAT(found[1].sentence, HasSubstr("default route"));
  EXPECT_THAT(found[1].command, IsEmpty());
  EXPECT_EQ(found[2].command, "dpdk-devbind.py --bind=vfio-pci 0000:03:00.0");
}

TEST(Nics, ANameThatAShellWouldTakeForItsOwn_StandsInNoCommand) {
  Tree tree;
  const Findings found = tree.nic("0000:01:00.0", "ixgbe", "$(reboot)").findings(probe_nics);
  EXPECT_EQ(found.at(0).command, "dpdk-devbind.py --bind=vfio-pci 0000:01:00.0");
}

TEST(Nics, BoundToVfio_NeedAnIommuOrTheModeWithout) {
  Tree tree;
  tree.nic("0000:01:00.0", "vfio-pci");
  Findings found = tree.findings(probe_nics);
  ASSERT_EQ(severities(found), "error");
  EXPECT_THAT(found[0].command, HasSubstr("enable_unsafe_noiommu_mode"));
  tree.file("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
  found = tree.findings(probe_nics);
  ASSERT_EQ(severities(found), "ok");
  EXPECT_THAT(found[0].sentence, HasSubstr("[port.NAME] pci = 0000:01:00.0"));
  EXPECT_EQ(tree.findings(probe_iommu)[0].severity, Severity::Info);
  Tree grouped;
  grouped.nic("0000:01:00.0", "vfio-pci").directory("sys/bus/pci/devices/0000:01:00.0/iommu_group");
  EXPECT_EQ(severities(grouped.findings(probe_nics)), "ok");
}

TEST(Nics, SharedWithTheKernel_NeedNoChange) {
  Tree tree;
  const Findings found = tree.nic("0000:01:00.0", "mlx5_core", "eth1").findings(probe_nics);
  ASSERT_EQ(severities(found), "ok");
  EXPECT_THAT(found[0].sentence, HasSubstr("beside the kernel"));
}

TEST(Nics, Virtio_HaveTheirInterfaceOneFolderFurtherDown) {
  Tree tree;
  tree.nic("0000:00:03.0", "virtio-pci").directory("sys/bus/pci/devices/0000:00:03.0/virtio2/net/eth0");
  tree.directory("sys/class/net/eth0/device").directory("sys/class/net/lo");
  const Findings found = tree.findings(probe_nics);
  ASSERT_EQ(severities(found), "info");
  EXPECT_THAT(found[0].sentence, HasSubstr("0000:00:03.0 (eth0, virtio-pci)"));
}

TEST(Nics, OnNoPciBus_AreReachedByTheKernel) {
  Tree tree;
  tree.link("sys/class/net/eth0/device/driver", "../../../bus/virtio/drivers/virtio_net");
  const Findings found = tree.findings(probe_nics);
  ASSERT_EQ(severities(found), "info");
  EXPECT_THAT(found[0].sentence, HasSubstr("eth0 (virtio_net) is on no PCI bus"));
  EXPECT_THAT(Tree().findings(probe_nics).at(0).sentence, HasSubstr("There is none"));
}

// ---- virtual devices

TEST(Links, AllThere_AreOk) {
  Tree tree;
  tree.file("dev/net/tun", "").file("dev/vhost-net", "");
  tree.file("proc/net/protocols", "protocol  size sockets\nPACKET    1600      0\nXDP       1088      0\n");
  EXPECT_EQ(severities(tree.findings(probe_links)), "ok ok ok ok");
}

TEST(Links, NoneAtAll_IsAnError_UnlessANicIsDpdks) {
  Tree tree;
  Findings found = tree.file("proc/net/protocols", "PACKETS 1 1\n").findings(probe_links);
  ASSERT_EQ(severities(found), "error info info info info");
  EXPECT_EQ(found[0].command, "modprobe -a tun af_packet");
  EXPECT_EQ(found[1].command, "modprobe tun");
  EXPECT_EQ(severities(tree.nic("0000:01:00.0", "vfio-pci").findings(probe_links)), "info info info info");
}

// ---- rights

TEST(Capabilities, WhatIsMissing_IsNamed) {
  Tree tree;
  tree.file("proc/self/status", "Name:\tmillrace\nCapEff:\t000001fffeffffff\n");
  EXPECT_EQ(severities(tree.findings(probe_capabilities)), "ok");
  tree.file("proc/self/status", "Name:\tmillrace\nCapEff:\t0000000000001000\n");  // net_admin alone
  const Findings found = tree.findings(probe_capabilities);
  ASSERT_EQ(severities(found), "warning");
  EXPECT_THAT(found[0].sentence, HasSubstr("lacks cap_net_raw, cap_ipc_lock,"));
  EXPECT_THAT(found[0].command, HasSubstr("setcap cap_net_admin,cap_net_raw,cap_ipc_lock+ep"));
}

std::string limits(const std::string& memory, const std::string& files) {
  return "Limit                     Soft Limit           Hard Limit           Units     \n"
         "Max open files            " +
         files + "                 20000                files     \nMax locked memory         " + memory +
         "              unlimited            bytes     \n";
}

TEST(Limits, LockedMemory_MattersToANicWithoutTheCapability) {
  Tree tree;
  tree.file("proc/self/limits", limits("8388608", "20000")).file("proc/self/status", "CapEff:\t0\n");
  EXPECT_EQ(severities(tree.findings(probe_limits)), "info ok");
  tree.nic("0000:01:00.0", "vfio-pci");
  const Findings found = tree.findings(probe_limits);
  ASSERT_EQ(severities(found), "warning ok");
  EXPECT_THAT(found[0].sentence, HasSubstr("Only 8 MiB"));
  EXPECT_THAT(found[0].command, HasSubstr("LimitMEMLOCK=infinity"));
  tree.file("proc/self/status", "CapEff:\t0000000000004000\n");  // ipc_lock
  EXPECT_EQ(severities(tree.findings(probe_limits)), "ok ok");
  tree.file("proc/self/status", "CapEff:\t0\n").file("proc/self/limits", limits("unlimited", "20000"));
  EXPECT_EQ(severities(tree.findings(probe_limits)), "ok ok");
}

TEST(Limits, OpenFiles_AreFewForManyHugePages) {
  Tree tree;
  tree.file("proc/self/limits", limits("unlimited", "1024")).huge_pages("2048kB", 512, 512);
  EXPECT_EQ(severities(tree.findings(probe_limits)), "ok ok");
  const Findings found = tree.huge_pages("2048kB", 4096, 512).findings(probe_limits);
  ASSERT_EQ(severities(found), "ok warning");
  EXPECT_THAT(found[1].sentence, HasSubstr("4096 huge pages"));
  EXPECT_THAT(found[1].command, HasSubstr("ulimit -n 65536"));
}

// ---- what they read

TEST(Host, CountsListsOfTheKernel) {
  EXPECT_EQ(count_of_list("0-3,8"), 5U);
  EXPECT_EQ(count_of_list("0"), 1U);
  EXPECT_EQ(count_of_list(""), 0U);
  EXPECT_EQ(count_of_list("(null)"), 0U);
  EXPECT_EQ(count_of_list("5-2,,x,7-"), 1U);
}

TEST(Host, WhatIsNotThere_IsNothing) {
  Tree tree;
  tree.directory("sys/kernel");
  EXPECT_EQ(tree.host().text("sys/kernel"), std::nullopt);
  EXPECT_EQ(tree.host().text("sys/none"), std::nullopt);
  EXPECT_EQ(tree.file("sys/word", "none\n").host().number("sys/word"), std::nullopt);
  EXPECT_THAT(tree.host().entries("sys/none"), IsEmpty());
  EXPECT_EQ(tree.host().link("sys/word"), "");
}

}  // namespace
}  // namespace millrace::control::doctor

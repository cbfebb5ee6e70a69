#include "dpdk/quirks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::dpdk {
namespace {

using ::testing::HasSubstr;

Device completed(std::string_view text, uint16_t mtu) {
  Device device = Device::parse(text);
  complete_arguments(device, mtu);
  return device;
}

TEST(Quirks, DeviceName_FindsItsDriversRow) {
  EXPECT_EQ(quirks_of("net_tap0").driver, "net_tap");
  EXPECT_EQ(quirks_of("net_af_packet1").driver, "net_af_packet");
  EXPECT_EQ(quirks_of("net_virtio_user0").driver, "net_virtio_user");
}

TEST(Quirks, DriverWithoutARow_IsUnproven) {
  EXPECT_FALSE(quirks_of("net_ixgbe").proven);
  EXPECT_FALSE(quirks_of("0000:01:00.0").proven);
  EXPECT_EQ(quirks_of("net_ixgbe").checksum, wire::Checksum::Offload);
}

TEST(Quirks, MemifFrameBeyondItsBuffers_IsRefused) {
  const Device device = completed("net_memif0,bsize=2048", 9000);
  Status status = check_arguments(device, 9000);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.failure().text, HasSubstr("bsize must be at least 9018"));
}

TEST(Quirks, MemifJumbo_GetsDeepRingsAndLargeBuffers) {
  const Device device = completed("net_memif0", 9000);
  EXPECT_EQ(device.argument("rsize"), "11");
  EXPECT_EQ(device.argument("bsize"), "9024");
  EXPECT_TRUE(check_arguments(device, 9000));
  EXPECT_EQ(frame_room(device, 9000), 9024);
  EXPECT_EQ(completed("net_memif0", 1500).argument("rsize"), "11");
}

TEST(Quirks, MemifZeroCopy_WantsOneFileAndAnMbufForEverySlot) {
  const Device device = completed("net_memif0,zero-copy=yes", 1500);
  EXPECT_TRUE(wants_single_file(device));
  EXPECT_EQ(least_rx_mbufs(device), 2048);
  EXPECT_FALSE(wants_single_file(completed("net_memif0", 1500)));
  EXPECT_EQ(least_rx_mbufs(completed("net_memif0", 1500)), 0);
}

TEST(Quirks, VhostWithTso_IsRefused) {
  EXPECT_FALSE(check_arguments(completed("net_vhost0,iface=/tmp/v,tso=1", 1500), 1500));
  EXPECT_TRUE(check_arguments(completed("net_vhost0,iface=/tmp/v", 1500), 1500));
}

TEST(Quirks, AfPacketJumbo_GetsSlotsForIt) {
  EXPECT_EQ(completed("net_af_packet0,iface=lo", 1500).argument("framecnt"), "4096");
  EXPECT_EQ(completed("net_af_packet0,iface=lo,framecnt=64", 1500).argument("framecnt"), "64");
  EXPECT_EQ(completed("net_af_packet0,iface=lo,framesz=65536", 1500).argument("framecnt"), std::nullopt);
  EXPECT_EQ(completed("net_af_packet0,iface=lo", 1500).argument("framesz"), std::nullopt);
  const Device device = completed("net_af_packet0,iface=lo", 9000);
  EXPECT_EQ(device.argument("framesz"), "16384");
  EXPECT_EQ(device.argument("blocksz"), "65536");
  EXPECT_EQ(frame_room(device, 9000), 16384);
}

TEST(Quirks, AfPacketSlotTooSmall_IsRefused) {
  Status status = check_arguments(completed("net_af_packet0,iface=lo,framesz=2048", 9000), 9000);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.failure().text, HasSubstr("framesz must be at least"));
}

TEST(Quirks, HostInterfaceThatIsNotThere_IsNamed) {
  Status status = check_arguments(completed("net_af_packet0,iface=nowhere9", 1500), 1500);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.failure().text, HasSubstr("no interface nowhere9"));
  EXPECT_FALSE(check_arguments(completed("net_af_packet0", 1500), 1500));
}

TEST(Quirks, TapBeyondItsMtu_IsRefused) {
  Status status = check_arguments(completed("net_tap0,iface=nowhere9", 1501), 1501);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.failure().text, HasSubstr("at most 1500"));
  EXPECT_TRUE(check_arguments(completed("net_tap0,iface=nowhere9", 1500), 1500));
}

TEST(Quirks, AfXdpBeyondItsMtu_IsRefused) {
  EXPECT_FALSE(check_arguments(completed("net_af_xdp0,iface=lo", 3543), 3543));
  EXPECT_TRUE(check_arguments(completed("net_af_xdp0,iface=lo", 3542), 3542));
}

}  // namespace
}  // namespace millrace::dpdk

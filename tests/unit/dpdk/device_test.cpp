#include "dpdk/device.h"

#include <gtest/gtest.h>

namespace millrace::dpdk {
namespace {

TEST(Device, NameAndArguments_ComeApartAndTogether) {
  const Device device = Device::parse("net_tap0,iface=mr0,persist");
  EXPECT_EQ(device.name, "net_tap0");
  EXPECT_EQ(device.argument("iface"), "mr0");
  EXPECT_EQ(device.argument("persist"), "");
  EXPECT_EQ(device.argument("mac"), std::nullopt);
  EXPECT_EQ(device.argument_text(), "iface=mr0,persist");
}

TEST(Device, NameAlone_HasNoArguments) {
  EXPECT_EQ(Device::parse("net_ring0").argument_text(), "");
  EXPECT_EQ(Device::parse("net_ring0,").argument_text(), "");
  EXPECT_EQ(Device::parse("").name, "");
}

TEST(Device, NotANumber_IsNone) {
  EXPECT_EQ(Device::parse("net_memif0,bsize=4096").number("bsize"), 4096);
  EXPECT_EQ(Device::parse("net_memif0,bsize=big").number("bsize"), std::nullopt);
  EXPECT_EQ(Device::parse("net_memif0").number("bsize"), std::nullopt);
}

TEST(Device, Completing_LeavesWhatWasGiven) {
  Device device = Device::parse("net_memif0,rsize=10");
  device.complete("rsize", "13");
  device.complete("bsize", "4096");
  EXPECT_EQ(device.argument_text(), "rsize=10,bsize=4096");
}

}  // namespace
}  // namespace millrace::dpdk

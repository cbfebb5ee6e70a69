// Addresses of both families: text, kinds, prefixes.
#include "base/address.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace millrace {
namespace {

IpAddress ip(const char* text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress());
}
Prefix prefix(const char* text) {
  const auto parsed = Prefix::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Prefix());
}

TEST(MacAddress, Text_ReadsBack) {
  const auto mac = MacAddress::parse("02:00:5E:10:00:ff");
  ASSERT_TRUE(mac);
  EXPECT_EQ(mac->text(), "02:00:5e:10:00:ff");
  EXPECT_FALSE(mac->is_multicast());
  EXPECT_TRUE(kBroadcastMac.is_multicast());
  EXPECT_TRUE(MacAddress().is_zero());
}

TEST(MacAddress, Malformed_IsRefused) {
  for (const char* text :
       {"", "02:00:5e:10:00", "02:00:5e:10:00:f", "02:00:5e:10:00:fff", "02-00-5e-10-00-ff",
        "02:00:5e:10:00:fg", "0x:00:5e:10:00:ff", " 2:00:5e:10:00:ff", "02:00:5e:10:00:ff:00"})
    EXPECT_FALSE(MacAddress::parse(text)) << text;
}

TEST(IpAddress, Text_ReadsBack) {
  for (const char* text : {"0.0.0.0", "10.1.2.3", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2",
                           "2001:db8:0:1:1:1:1:1"})
    EXPECT_EQ(ip(text).text(), text);
}

TEST(IpAddress, Malformed_IsRefused) {
  for (const char* text : {"", "10.1.2", "10.1.2.256", "10.1.2.3.4", "10.1.2.3/8", ":::", "2001:db8::g",
                           "1::2::3", "fe80::1%eth0", "host"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
}

TEST(IpAddress, RandomAddresses_ReadBack) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 2000; ++i) {
    std::array<uint8_t, 16> octets{};
    for (uint8_t& octet : octets) octet = random() % 3 == 0 ? 0 : static_cast<uint8_t>(random());
    const IpAddress v6 = IpAddress::v6(octets);
    EXPECT_EQ(ip(v6.text().c_str()), v6);
    const IpAddress v4 = IpAddress::from_v4_wire(octets.data());
    EXPECT_TRUE(v4.is_v4());
    EXPECT_EQ(ip(v4.text().c_str()), v4);
  }
}

TEST(IpAddress, Family_FollowsFromTheValue) {
  EXPECT_EQ(ip("10.0.0.1").family(), Family::V4);
  EXPECT_EQ(ip("::ffff:10.0.0.1"), ip("10.0.0.1"));
  EXPECT_EQ(ip("::a00:1").family(), Family::V6);
  EXPECT_EQ(ip("::").family(), Family::V6);
  EXPECT_NE(ip("::"), ip("0.0.0.0"));
}

TEST(IpAddress, WireOctets_AreInNetworkOrder) {
  EXPECT_EQ(ip("10.1.2.3").v4_wire()[0], 10);
  EXPECT_EQ(ip("10.1.2.3").v4_wire()[3], 3);
  EXPECT_EQ(ip("2001:db8::7").v6_wire()[0], 0x20);
  EXPECT_EQ(IpAddress::from_v6_wire(ip("2001:db8::7").v6_wire()), ip("2001:db8::7"));
}

TEST(IpAddress, Kinds_AreToldApart) {
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(ip("0.0.0.1").is_unspecified());
  EXPECT_TRUE(ip("224.0.0.1").is_multicast());
  EXPECT_TRUE(ip("239.255.255.255").is_multicast());
  EXPECT_FALSE(ip("240.0.0.1").is_multicast());
  EXPECT_FALSE(ip("223.255.255.255").is_multicast());
  EXPECT_TRUE(ip("ff02::1").is_multicast());
  EXPECT_FALSE(ip("fe80::1").is_multicast());
  EXPECT_TRUE(ip("255.255.255.255").is_broadcast());
  EXPECT_FALSE(ip("255.255.255.254").is_broadcast());
  EXPECT_TRUE(ip("127.8.9.10").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
  EXPECT_TRUE(ip("169.254.3.4").is_link_local());
  EXPECT_TRUE(ip("febf::1").is_link_local());
  EXPECT_FALSE(ip("fec0::1").is_link_local());
}

TEST(Endpoint, Text_BracketsIPv6) {
  EXPECT_EQ((Endpoint{ip("10.0.0.2"), 80}).text(), "10.0.0.2:80");
  EXPECT_EQ((Endpoint{ip("2001:db8::2"), 80}).text(), "[2001:db8::2]:80");
}

TEST(Prefix, Contains_ComparesItsBitsAlone) {
  EXPECT_TRUE(prefix("10.0.0.2/24").contains(ip("10.0.0.255")));
  EXPECT_FALSE(prefix("10.0.0.2/24").contains(ip("10.0.1.0")));
  EXPECT_TRUE(prefix("10.0.0.128/25").contains(ip("10.0.0.129")));
  EXPECT_FALSE(prefix("10.0.0.128/25").contains(ip("10.0.0.127")));
  EXPECT_TRUE(prefix("10.0.0.1/32").contains(ip("10.0.0.1")));
  EXPECT_FALSE(prefix("10.0.0.1/32").contains(ip("10.0.0.0")));
  EXPECT_TRUE(prefix("2001:db8::/47").contains(ip("2001:db8:1::5")));
  EXPECT_FALSE(prefix("2001:db8::/47").contains(ip("2001:db8:2::5")));
}

TEST(Prefix, Default_HoldsItsFamilyAlone) {
  EXPECT_TRUE(prefix("0.0.0.0/0").contains(ip("203.0.113.9")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(ip("2001:db8::1")));
  EXPECT_TRUE(prefix("::/0").contains(ip("2001:db8::1")));
  EXPECT_FALSE(prefix("::/0").contains(ip("203.0.113.9")));
}

TEST(Prefix, Network_ClearsTheHostBits) {
  EXPECT_EQ(prefix("10.1.2.3/20").network(), ip("10.1.0.0"));
  EXPECT_EQ(prefix("10.1.2.3/0").network(), ip("0.0.0.0"));
  EXPECT_EQ(prefix("10.1.2.3/32").network(), ip("10.1.2.3"));
  EXPECT_EQ(prefix("2001:db8:abcd::1/36").network(), ip("2001:db8:a000::"));
}

TEST(Prefix, DirectedBroadcast_IsTheLastOfAnIPv4Network) {
  EXPECT_TRUE(prefix("10.0.0.2/24").is_directed_broadcast(ip("10.0.0.255")));
  EXPECT_FALSE(prefix("10.0.0.2/24").is_directed_broadcast(ip("10.0.0.254")));
  EXPECT_FALSE(prefix("10.0.0.2/24").is_directed_broadcast(ip("10.0.1.255")));
  EXPECT_TRUE(prefix("10.0.0.2/20").is_directed_broadcast(ip("10.0.15.255")));
  EXPECT_FALSE(prefix("10.0.0.2/31").is_directed_broadcast(ip("10.0.0.3")));  // RFC 3021
  EXPECT_FALSE(prefix("2001:db8::/120").is_directed_broadcast(ip("2001:db8::ff")));
}

TEST(Prefix, Text_ReadsBackAndMalformedIsRefused) {
  for (const char* text : {"10.0.0.2/24", "0.0.0.0/0", "2001:db8::2/64", "::/0", "10.0.0.1/32", "::1/128"})
    EXPECT_EQ(prefix(text).text(), text);
  for (const char* text : {"10.0.0.2", "10.0.0.2/", "10.0.0.2/33", "::1/129", "10.0.0.2/-1", "10.0.0.2/2x",
                           "/24", "10.0.0.2/ 24", "10.0.0.2/99999999999"})
    EXPECT_FALSE(Prefix::parse(text)) << text;
}

}  // namespace
}  // namespace millrace

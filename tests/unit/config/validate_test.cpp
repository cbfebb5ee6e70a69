#include "config/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helpers.h"

namespace millrace::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Validate, WholeConfiguration_HasNoProblem) { EXPECT_EQ(problems_of(kWhole, Purpose::Serve), ""); }

TEST(Validate, NothingGiven_NamesPortAddressAndServiceForServeAlone) {
  const std::string problems = problems_of("", Purpose::Serve);
  EXPECT_THAT(problems, StartsWith("no port: "));
  EXPECT_THAT(problems, HasSubstr("\nno address: "));
  EXPECT_THAT(problems, HasSubstr("\nno service: "));
  EXPECT_EQ(problems_of("", Purpose::Partial), "");
}

TEST(Validate, MissingBecauseRefused_IsNotSaidTwice) {
  EXPECT_EQ(problems_of("[address]\nadd = 10.0.0.2\n", Purpose::Serve),
            "f:2: address.add: '10.0.0.2' is not an address with a prefix length; give an IPv4 or IPv6 "
            "address with the "
            "length of its prefix, as in 10.0.0.2/24\n");
}

TEST(Validate, RtoOutOfOrder_NamesBothKeysAndTheOneThatWasSet) {
  EXPECT_EQ(
      problems_of("[tcp]\nrto_min = 2s\n"),
      "f:2: tcp.rto_min: tcp.rto_min = 2s (f:2) is longer than tcp.rto_initial = 1s (default); rto_min <= "
      "rto_initial <= rto_max must hold\n");
  EXPECT_THAT(problems_of("[tcp]\nrto_initial = 100ms\n"),
              StartsWith("f:2: tcp.rto_initial: tcp.rto_min = 200ms (default)"));
  EXPECT_THAT(problems_of("[tcp]\nrto_initial = 5s\nrto_max = 4s\n"), HasSubstr("f:2: tcp.rto_initial: "));
  EXPECT_EQ(problems_of("[tcp]\nrto_min = 2s\nrto_initial = 2s\nrto_max = 2s\n"), "");
}

TEST(Validate, AddressThatNoStationHas_IsRefused) {
  const struct {
    std::string_view address, why;
  } cases[] = {
      {"10.0.0.0/24",
       "is the network address of its prefix; give the address of one station, as in 10.0.0.2/24"},
      {"10.0.0.255/24", "is the broadcast address of 10.0.0.0/24"},
      {"224.0.0.1/24", "is a multicast address"},
      {"ff02::1/64", "is a multicast address"},
      {"127.0.0.1/8", "is a loopback address"},
      {"::1/128", "is a loopback address"},
      {"0.0.0.0/0", "is the unspecified address"},
      {"::/64", "is the unspecified address"},
      {"255.255.255.255/32", "is the broadcast address"},
      {"10.0.0.2/0", "has a prefix of length 0"},
      {"2001:db8::/64", "is the subnet-router anycast address of its prefix"},
      {"10.0.0.0/30", "is the network address of its prefix"},
      {"10.0.0.3/30", "is the broadcast address of 10.0.0.0/30"},
      {"2001:db8::/126", "is the subnet-router anycast address of its prefix"},
  };
  for (const auto& c : cases)
    EXPECT_THAT(problems_of("[address]\nadd = " + std::string(c.address) + "\n"), HasSubstr(c.why))
        << c.address;
  for (const std::string_view good :
       {"10.0.0.0/31", "10.0.0.1/31", "10.0.0.2/32", "10.0.1.0/23", "2001:db8::/127", "fe80::1/64"})
    EXPECT_EQ(problems_of("[address]\nadd = " + std::string(good) + "\n"), "") << good;
}

TEST(Validate, AddressTwice_IsRefusedNamingTheFirst) {
  EXPECT_EQ(problems_of("[address]\nadd = 10.0.0.2/24\nadd = 10.0.0.2/16\n"),
            "f:3: address.add: 10.0.0.2/16 is given already: address.add = 10.0.0.2/24 (f:2); remove one of "
            "the two\n");
}

TEST(Validate, GatewayThatNothingAnswersFor_IsRefused) {
  const std::string address = "[address]\nadd = 10.0.0.2/24\nadd = 2001:db8::2/64\n[route]\nadd = ";
  const struct {
    std::string_view route, why;
  } cases[] = {
      {"default via 10.1.0.1",
       "f:5: route.add: gateway 10.1.0.1 is outside every prefix of [address] (10.0.0.2/24, 2001:db8::2/64)"},
      {"default via 2001:db9::1", "is outside every prefix"},
      {"default via 10.0.0.2", "is this endpoint's own address"},
      {"default via 10.0.0.255", "is the broadcast address of"},
      {"default via 224.0.0.1", "is not the address of a station"},
      {"default via 0.0.0.0", "is not the address of a station"},
      {"10.9.9.9/8 via 10.0.0.1", "has bits beyond its prefix; did you mean 10.0.0.0/8?"},
  };
  for (const auto& c : cases)
    EXPECT_THAT(problems_of(address + std::string(c.route)), HasSubstr(c.why)) << c.route;
  for (const std::string_view good :
       {"default via 10.0.0.1", "default via fe80::1", "2001:db8:1::/48 via 2001:db8::1"})
    EXPECT_EQ(problems_of(address + std::string(good)), "") << good;
  EXPECT_THAT(
      problems_of(address + "default via 10.0.0.1\nadd = 0.0.0.0/0 via 10.0.0.3"),
      HasSubstr("f:6: route.add: 0.0.0.0/0 has a route already: route.add = 0.0.0.0/0 via 10.0.0.1 (f:5)"));
}

TEST(Validate, MetricsWhereOtherHostsReachThem_AreRefusedUnlessSaid) {
  const auto metrics = [](const std::string& place, const char* more = "") {
    return problems_of("[control]\nmetrics_listen = " + place + "\n" + more);
  };
  for (const char* good : {"127.0.0.1:9464", "127.9.9.9:1", "[::1]:9464", "/run/millrace/metrics.sock"})
    EXPECT_EQ(metrics(good), "") << good;
  for (const char* remote : {"0.0.0.0:9464", "[::]:9464", "10.0.0.2:9464", "[2001:db8::2]:9464"}) {
    EXPECT_THAT(metrics(remote), HasSubstr("may be reached by other hosts")) << remote;
    EXPECT_EQ(metrics(remote, "metrics_remote = on\n"), "") << remote;
  }
  for (const char* nonsense : {"9464", "localhost:9464", "127.0.0.1", "127.0.0.1:0", "metrics.sock"})
    EXPECT_THAT(metrics(nonsense), HasSubstr("neither ADDRESS:PORT nor an absolute path")) << nonsense;
  EXPECT_THAT(metrics("/run/millrace/control.sock"), HasSubstr("give the metrics a path of their own"));
}

TEST(Validate, TwoServicesOnOnePort_NameBothLines) {
  const auto two = [](std::string_view first, std::string_view second) {
    return problems_of("[service.a]\nkind = echo\nlisten = " + std::string(first) +
                       "\n[service.b]\nkind = http\nlisten = " + std::string(second) + "\n");
  };
  EXPECT_EQ(two("80", "80"),
            "f:6: service.b.listen: 80: port in use by service.a.listen = 80 (f:3); give another port or "
            "another address\n");
  for (const auto& [first, second] :
       {std::pair("80", "10.0.0.2:80"), std::pair("[::]:80", "80"), std::pair("10.0.0.2:80", "0.0.0.0:80"),
        std::pair("[2001:db8::2]:80", "[2001:db8::2]:80")})
    EXPECT_THAT(two(first, second), HasSubstr("port in use")) << first << ' ' << second;
  for (const auto& [first, second] :
       {std::pair("80", "81"), std::pair("0.0.0.0:80", "[::]:80"), std::pair("10.0.0.2:80", "10.0.0.3:80")})
    EXPECT_EQ(two(first, second), "") << first << ' ' << second;
  EXPECT_THAT(problems_of("[service.a]\nkind = echo\nlisten = 80\nlisten = 80\n"),
              HasSubstr("f:4: service.a.listen: 80: port in use"));
}

TEST(Validate, Service_NeedsKindAndListenAndAnAddressOfOurs) {
  EXPECT_EQ(problems_of("[service.a]\n"),
            "f:1: [service.a]: has no kind; add `kind = http`\nf:1: [service.a]: has no listen; add `listen "
            "= 80`\n");
  EXPECT_THAT(problems_of("[address]\nadd = 10.0.0.2/24\n[service.a]\nkind = echo\nlisten = 10.0.0.9:7\n"),
              HasSubstr("f:5: service.a.listen: 10.0.0.9 is no address of this endpoint"));
  EXPECT_THAT(problems_of("[service.a]\nkind = echo\nlisten = 7\ndirectory = /srv\n"),
              HasSubstr("f:4: service.a.directory: only a service of kind http has files"));
}

TEST(Validate, Port_IsOneDeviceAndThereIsOne) {
  EXPECT_THAT(problems_of("[port.a]\nmtu = 1500\n"), HasSubstr("f:1: [port.a]: names no device"));
  EXPECT_THAT(problems_of("[port.a]\nvdev = net_tap0\npci = 01:00.0\n"),
              HasSubstr("f:3: port.a.pci: contradicts port.a.vdev = net_tap0 (f:2)"));
  EXPECT_THAT(problems_of("[port.a]\nvdev = net_tap0\n[port.b]\nvdev = net_tap1\n"),
              HasSubstr("f:3: [port.b]: is a second port"));
}

TEST(Validate, Ipv6_NeedsAnMtuOf1280) {
  const std::string port = "[port.a]\nvdev = net_tap0\nmtu = 1279\n[address]\nadd = ";
  EXPECT_THAT(problems_of(port + "2001:db8::2/64\n"),
              HasSubstr("f:3: port.a.mtu: 1279 is too small for the endpoint's IPv6"));
  EXPECT_EQ(problems_of(port + "10.0.0.2/24\n"), "");
  EXPECT_EQ(problems_of("[port.a]\nvdev = net_tap0\nmtu = 1280\n[address]\nadd = 2001:db8::2/64\n"), "");
}

TEST(Validate, PoolTooSmallForTheRings_IsRefusedWithTheSum) {
  const std::string port =
      "[port.a]\nvdev = net_tap0\nrx_descriptors = 4096\nqueues = 3\n[lcores]\nuse = 1,2\n";
  EXPECT_EQ(
      problems_of(port + "[memory]\nrx_mbufs = 8323\nheld_packets = 100\n"),
      "f:8: memory.rx_mbufs: memory.rx_mbufs = 8323 (f:8) is too few for an lcore: 2 queues x 4096 "
      "descriptors + a "
      "burst of 32 + 100 held for applications = 8324 mbufs; raise it, or lower port.a.rx_descriptors or "
      "memory.held_packets\n");
  EXPECT_EQ(problems_of(port + "[memory]\nrx_mbufs = 8324\nheld_packets = 100\n"), "");
  EXPECT_THAT(problems_of("[port.a]\nvdev = net_tap0\n[memory]\nheld_packets = 100000\n"),
              StartsWith("f:4: memory.held_packets: memory.rx_mbufs = 16384 (default) is too few"));
  EXPECT_THAT(problems_of("[port.a]\nvdev = net_tap0\ntx_descriptors = 32768\n"),
              StartsWith("f:3: port.a.tx_descriptors: memory.tx_mbufs = 16384 (default) is too few"));
}

TEST(Validate, BuffersOfOneConnection_MustFitTheBudget) {
  EXPECT_EQ(
      problems_of("[tcp]\nreceive_buffer = 256MiB\n"),
      "f:2: tcp.receive_buffer: memory.buffer_bytes = 256MiB (default) cannot hold one connection: "
      "tcp.receive_buffer = "
      "256MiB (f:2) + tcp.send_buffer = 256KiB (default) = 262400KiB; raise it, or lower the buffers\n");
  EXPECT_THAT(problems_of("[memory]\nbuffer_bytes = 1MiB\n[tcp]\nsend_buffer = 1MiB\n"),
              StartsWith("f:2: memory.buffer_bytes: "));
}

TEST(Validate, EalMemory_MustHoldThePoolsInWholeMebibytes) {
  EXPECT_EQ(problems_of("[eal]\nmemory_bytes = 64MiB\n"),
            "f:2: eal.memory_bytes: 64MiB is less than the packet pools take: 1 lcore x (16384 + 16384) "
            "mbufs x 2368 octets = 74 "
            "MiB; raise it, or lower memory.rx_mbufs and memory.tx_mbufs\n");
  EXPECT_EQ(problems_of("[eal]\nmemory_bytes = 74MiB\n"), "");
  EXPECT_THAT(problems_of("[eal]\nmemory_bytes = 74MiB\n[lcores]\nuse = 1-2\n"), HasSubstr("2 lcores x"));
  EXPECT_THAT(problems_of("[eal]\nmemory_bytes = 250MiB\n[port.a]\nvdev = net_tap0\nmtu = 9000\n"),
              HasSubstr("(16384 + 16384) mbufs x 9344 octets = 292 MiB"));
  EXPECT_THAT(problems_of("[eal]\nmemory_bytes = 100MB\n"),
              HasSubstr("is not a whole number of MiB; give 96MiB"));
}

TEST(Validate, LargeWindowWithoutScaling_IsAContradictionWhenBothWereSet) {
  EXPECT_THAT(problems_of("[tcp]\nreceive_buffer = 1MiB\nwindow_scaling = off\n"),
              HasSubstr("a window ends at 65535 octets"));
  EXPECT_EQ(problems_of("[tcp]\nwindow_scaling = off\n"), "");
  EXPECT_EQ(problems_of("[tcp]\nreceive_buffer = 65535\nwindow_scaling = off\n"), "");
}

}  // namespace
}  // namespace millrace::config

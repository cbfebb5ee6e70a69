#include "config/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/quantity.h"
#include "config/schema.h"

namespace millrace::config {
namespace {

using testing::HasSubstr;

std::string problem(std::string_view path, std::string_view text) {
  return parse_value(*resolve(path).key, text).problem;
}

std::string canonical(std::string_view path, std::string_view text) {
  const Key& key = *resolve(path).key;
  const ParsedValue parsed = parse_value(key, text);
  return parsed.value ? format_value(key, *parsed.value) : "refused: " + parsed.problem;
}

TEST(Value, GoodText_HasOneCanonicalForm) {
  const struct {
    std::string_view path, text, expected;
  } cases[] = {
      {"tcp.msl", "0.5min", "30s"},
      {"tcp.receive_buffer", "1024k", "1MiB"},
      {"tcp.nagle", "no", "off"},
      {"control.mode", "660", "0660"},
      {"port.p.mac", "02:00:00:AB:00:01", "02:00:00:ab:00:01"},
      {"port.p.pci", "01:00.0", "01:00.0"},
      {"port.p.pci", "0000:af:1f.7,rx_vec_en=0", "0000:af:1f.7,rx_vec_en=0"},
      {"port.p.vdev", "net_tap0,iface=fifteen_letters", "net_tap0,iface=fifteen_letters"},
      {"port.p.vdev", "net_vhost0,iface=/run/millrace/vhost.sock",
       "net_vhost0,iface=/run/millrace/vhost.sock"},
      {"address.add", "2001:DB8::2/64", "2001:db8::2/64"},
      {"route.add", "default via 10.0.0.1", "0.0.0.0/0 via 10.0.0.1"},
      {"route.add", "default  via  fe80::1", "::/0 via fe80::1"},
      {"service.s.listen", "80", "80"},
      {"service.s.listen", "10.0.0.2:80", "10.0.0.2:80"},
      {"service.s.listen", "0.0.0.0:80", "0.0.0.0:80"},
      {"service.s.listen", "[::]:80", "[::]:80"},
      {"lcores.use", "auto", "auto"},
      {"lcores.use", "5,1, 2-3", "1-3,5"},
      {"lcores.use", "2,1", "1,2"},
  };
  for (const auto& c : cases) EXPECT_EQ(canonical(c.path, c.text), c.expected) << c.path << ' ' << c.text;
}

TEST(Value, PortAlone_ListensForBothFamilies) {
  const Endpoints both = {{IpAddress::v4(0, 0, 0, 0), 80}, {IpAddress(), 80}};
  EXPECT_EQ(parse_listen("80"), both);
}

TEST(Value, BadText_IsRefusedWithWhatIsAllowed) {
  EXPECT_EQ(problem("tcp.rto_min", "0"), "'0' is too small; give a duration from 1ms to 60s, as in 20ms");
  EXPECT_EQ(problem("tcp.msl", "11min"), "'11min' is too large; give a duration from 1ms to 600s, as in 5s");
  EXPECT_EQ(problem("tcp.msl", "5"), "'5' has no unit; give a duration from 1ms to 600s, as in 5s");
  EXPECT_EQ(problem("tcp.syn_retries", "-1"), "'-1' is not a whole number; give a whole number from 0 to 32");
  EXPECT_EQ(problem("tcp.nagle", "2"),
            "'2' is neither on nor off; give on or off (also yes, no, true, false)");
  EXPECT_EQ(problem("service.s.kind", "htp"),
            "'htp' is not one of http, echo, discard, chargen or rpc; did you mean http?");
  EXPECT_EQ(problem("service.s.kind", "gopher"),
            "'gopher' is not known; give http, echo, discard, chargen or rpc");
  EXPECT_EQ(problem("port.p.queues", "257"),
            "'257' is too large; give a whole number from 0 to 256 (0: one an lcore, as far as the device "
            "has them)");
  EXPECT_THAT(problem("control.socket", std::string(108, 'x')), HasSubstr("is 108 octets long"));
}

TEST(Value, BoundsThemselves_AreAllowed) {
  for (const Key& key : keys()) {
    if (key.type != Type::Integer) continue;
    EXPECT_TRUE(parse_value(key, std::to_string(key.bounds.min)).value) << key.path();
    EXPECT_TRUE(parse_value(key, std::to_string(key.bounds.max)).value) << key.path();
    EXPECT_FALSE(parse_value(key, std::to_string(key.bounds.max + 1)).value) << key.path();
    if (key.bounds.min > 0) {
      EXPECT_FALSE(parse_value(key, std::to_string(key.bounds.min - 1)).value) << key.path();
    }
  }
}

TEST(Value, TextOfTheWrongForm_IsRefused) {
  const struct {
    std::string_view path;
    std::vector<std::string> texts;
  } cases[] = {
      {"port.p.mac",
       {"", "02:00:00:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00",
        "02-00-00-00-00-01"}},
      {"port.p.pci", {"1:0.0", "0000-01:00.0", "0000:01:00.g", "01:00:0", "00000:01:00.0", "01:00.0 x"}},
      {"port.p.vdev",
       {"", "0net", "net tap0", ",iface=x", "net_tap0,iface=", "net_tap0,iface=sixteen_letters_", "net/tap"}},
      {"address.add",
       {"10.0.0.2", "10.0.0.2/33", "2001:db8::2/129", "10.0.0.2/", "10.0.0/24", "host/24", "10.0.0.2/24 x"}},
      {"route.add",
       {"10.0.0.1", "default", "default via", "default via x", "10.0.0.0/8 via ::1", "via 10.0.0.1",
        "10.0.0.0/8 dev mr0"}},
      {"service.s.listen",
       {"", "0", "65536", "http", ":80", "10.0.0.2", "10.0.0.2:", "[10.0.0.2]:80", "::1:80", "[::1]",
        "[::1]80", "*:80"}},
      {"lcores.use",
       {"", "1,", ",1", "1,1", "1-3,2", "3-1", "1024", "-1", "a", "0-18446744073709551615", "(1,2)@3"}},
      {"control.group", {"", "two words", "\xff"}},
      {"control.socket", {"", "a\tb", std::string("a\0b", 3), "\xff\xfe"}},
      {"eal.memory_bytes", {"-1", "1KiBB", "many"}},
  };
  for (const auto& c : cases)
    for (const std::string& text : c.texts) {
      const std::string message = problem(c.path, text);
      EXPECT_THAT(message, HasSubstr("give ")) << c.path << ' ' << text;
    }
}

TEST(Value, TextInMessages_IsEscapedAndShortened) {
  EXPECT_THAT(problem("tcp.msl", "\x1b[2J"), HasSubstr("'\\x1b[2J'"));
  EXPECT_LT(problem("tcp.msl", std::string(100000, 'x')).size(), 300U);
}

TEST(Value, Rates_AreBoundedLikeOtherNumbers) {
  const Key key{.section = "port",
                .name = "rate",
                .type = Type::Rate,
                .bounds = {1000, 400'000'000'000},
                .example = "10Gbit/s"};
  EXPECT_EQ(std::get<uint64_t>(*parse_value(key, "10Gbit/s").value), 10'000'000'000U);
  EXPECT_EQ(parse_value(key, "1bit/s").problem,
            "'1bit/s' is too small; give a rate from 1kbit/s to 400Gbit/s, as in 10Gbit/s");
}

}  // namespace
}  // namespace millrace::config

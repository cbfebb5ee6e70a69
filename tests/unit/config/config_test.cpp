#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helpers.h"

namespace millrace::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Config of_file_and_words(std::string_view text, const std::vector<Assignment>& words) {
  Loaded loaded = from_text(text);
  EXPECT_EQ(loaded.problems.text(), "");
  Problems problems;
  loaded.config.apply(words, problems);
  EXPECT_EQ(problems.text(), "");
  return loaded.config;
}

Assignment word(std::string path, std::string value) {
  const std::string option = "--set " + path + '=' + value;
  return {std::move(path), std::move(value), {Source::CommandLine, option, 0}};
}

TEST(Config, Nothing_IsTheDefaults) {
  const Config config;
  EXPECT_TRUE(config.entries().empty());
  EXPECT_EQ(config.settings().tcp.msl, TcpParams{}.msl);
  ASSERT_EQ(config.lookup("tcp.msl").size(), 1U);
  EXPECT_EQ(config.lookup("tcp.msl")[0].text(), "30s");
  EXPECT_FALSE(config.is_set("tcp.msl"));
  EXPECT_TRUE(config.lookup("address.add").empty());
  EXPECT_TRUE(config.lookup("no.such").empty());
}

TEST(Config, Values_KnowWhereTheyCameFrom) {
  const Config config = of_file_and_words("[tcp]\nmsl = 5s\nnagle = off\n", {word("tcp.nagle", "on")});
  EXPECT_EQ(config.origin("tcp.msl").text(), "f:2");
  EXPECT_EQ(config.origin("tcp.nagle").text(), "--set tcp.nagle=on");
  EXPECT_EQ(config.origin("tcp.quick_ack").text(), "default");
}

TEST(Config, CommandLine_OverridesTheFileKeyByKey) {
  const Config config = of_file_and_words("[tcp]\nmsl = 5s\nrto_min = 100ms\n", {word("tcp.msl", "7s")});
  EXPECT_EQ(config.settings().tcp.msl, 7s);
  EXPECT_EQ(config.settings().tcp.rto_min, 100ms);
}

TEST(Config, CommandLineOfARepeatableKey_ReplacesAllTheFileSaid) {
  const Config config =
      of_file_and_words("[address]\nadd = 10.0.0.2/24\nadd = 10.0.0.3/24\n",
                        {word("address.add", "10.1.0.2/24"), word("address.add", "10.1.0.3/24")});
  std::vector<std::string> texts;
  for (const Prefix& prefix : config.settings().addresses) texts.push_back(prefix.text());
  EXPECT_THAT(texts, ElementsAre("10.1.0.2/24", "10.1.0.3/24"));
}

TEST(Config, KeyTwiceInOneSource_IsRefusedNamingTheFirst) {
  EXPECT_EQ(problems_of("[tcp]\nmsl = 5s\nnagle = on\nmsl = 6s\n"),
            "f:4: tcp.msl: is already set on line 2, to 5s; remove one of the two\n");
  EXPECT_EQ(problems_of("[tcp]\nmsl = 5s\n[icmp]\necho = on\n[tcp]\nmsl = 5s\n"),
            "f:6: tcp.msl: is already set on line 2, to 5s; remove one of the two\n");
  const Loaded loaded = from_words({"--set", "tcp.msl=1s", "--set=tcp.msl=2s"});
  EXPECT_EQ(loaded.problems.text(),
            "--set=tcp.msl=2s: tcp.msl: is already set by --set tcp.msl=1s, to 1s; remove one of the two\n");
}

TEST(Config, AllProblemsOfAFile_AreReportedInTheOrderOfItsLines) {
  EXPECT_EQ(problems_of("[tcp]\nrto_mni = 1s\njunk\nmsl = 5\n[tpc]\n[icmp]\necho = perhaps\n"),
            "f:2: tcp.rto_mni: unknown key; did you mean tcp.rto_min?\n"
            "f:3: 'junk' is neither [section] nor `key = value`\n"
            "f:4: tcp.msl: '5' has no unit; give a duration from 1ms to 600s, as in 5s\n"
            "f:5: [tpc]: unknown section; did you mean [tcp]?\n"
            "f:7: icmp.echo: 'perhaps' is neither on nor off; give on or off (also yes, no, true, false)\n");
}

TEST(Config, EverySection_ReachesItsSettings) {
  const Loaded loaded = from_text(
      "[eal]\nhuge_pages = off\nmemory_bytes = 256MiB\nargs = --log-level=8  -a 01:00.0\nargs = "
      "--iova-mode=va\n"
      "[port.up]\nvdev = net_tap0\nmtu = 1400\nmac = 02:00:00:00:00:02\n"
      "[address]\nadd = 10.0.0.2/24\n[route]\nadd = default via 10.0.0.1\n"
      "[tcp]\nreceive_buffer = 1MiB\n[neighbor]\nprobes = 4\n[icmp]\necho = off\n[memory]\nrx_mbufs = 8192\n"
      "connections = 1000\n[lcores]\nuse = 1-2\nburst = 16\n[control]\nmode = 0600\nlog_level = debug\n"
      "[service.a]\nkind = echo\nlisten = 7\nlisten = 10.0.0.2:77\n[service.b]\nlisten = 80\nkind = "
      "http\ndirectory = /srv\n",
      Purpose::Serve);
  EXPECT_EQ(loaded.problems.text(), "");
  const Settings& s = loaded.settings;
  EXPECT_EQ(s.eal.huge_pages, HugePages::Off);
  EXPECT_EQ(s.eal.memory_bytes, 256U << 20);
  EXPECT_THAT(s.eal.args, ElementsAre("--log-level=8", "-a", "01:00.0", "--iova-mode=va"));
  ASSERT_EQ(s.ports.size(), 1U);
  EXPECT_EQ(s.ports[0].name, "up");
  EXPECT_EQ(s.ports[0].mtu, 1400);
  EXPECT_EQ(s.ports[0].mac->text(), "02:00:00:00:00:02");
  EXPECT_EQ(s.ports[0].rx_descriptors, 1024);
  ASSERT_EQ(s.routes.size(), 1U);
  EXPECT_EQ(s.routes[0].gateway.text(), "10.0.0.1");
  EXPECT_EQ(s.tcp.receive_buffer, 1U << 20);
  EXPECT_EQ(s.neighbor.probes, 4U);
  EXPECT_FALSE(s.icmp.echo);
  EXPECT_EQ(s.mbufs.rx_mbufs, 8192U);
  EXPECT_EQ(s.memory.connections, 1000U);
  EXPECT_THAT(s.lcores.use, ElementsAre(1, 2));
  EXPECT_EQ(s.lcores.burst, 16);
  EXPECT_EQ(s.control.mode, 0600U);
  EXPECT_EQ(s.control.log_level, LogLevel::Debug);
  ASSERT_EQ(s.services.size(), 2U);
  EXPECT_EQ(s.services[0].kind, ServiceKind::Echo);
  EXPECT_EQ(s.services[0].listen.size(), 3U);
  EXPECT_EQ(s.services[1].name, "b");
  EXPECT_EQ(s.services[1].directory, "/srv");
}

TEST(Config, WordsForEal_ThatAKeyStandsFor_BecomeThatKey) {
  const Loaded loaded = from_text(
      "[eal]\nargs = --no-huge -m 512 -l 1-2 --file-prefix=x --vdev net_tap0,iface=a --in-memory -d "
      "lib.so\n");
  EXPECT_EQ(loaded.problems.text(), "");
  EXPECT_EQ(loaded.settings.eal.huge_pages, HugePages::Off);
  EXPECT_EQ(loaded.settings.eal.memory_bytes, 512U << 20);
  EXPECT_THAT(loaded.settings.lcores.use, ElementsAre(1, 2));
  EXPECT_EQ(loaded.settings.eal.file_prefix, "x");
  ASSERT_EQ(loaded.settings.ports.size(), 1U);
  EXPECT_EQ(loaded.settings.ports[0].vdev, "net_tap0,iface=a");
  EXPECT_THAT(loaded.settings.eal.args, ElementsAre("-d", "lib.so"));
}

TEST(Config, WordsForEal_ThatContradictOrCannotBe_AreRefused) {
  EXPECT_THAT(problems_of("[eal]\nhuge_pages = on\nargs = --no-huge\n"),
              HasSubstr("f:3: eal.huge_pages: is already set on line 2, to on"));
  EXPECT_THAT(problems_of("[eal]\nargs = --proc-type=secondary\n"), HasSubstr("always the primary process"));
  EXPECT_THAT(problems_of("[eal]\nargs = -c 0x3 --log-level=8\n"), HasSubstr("a mask of CPUs is not taken"));
  EXPECT_THAT(problems_of("[eal]\nargs = -m\n"), HasSubstr("'-m' for EAL needs a value behind it"));
}

}  // namespace
}  // namespace millrace::config

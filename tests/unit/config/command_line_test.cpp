#include "config/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helpers.h"

namespace millrace::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string problems_with(const std::vector<std::string>& words) { return from_words(words).problems.text(); }

TEST(CommandLine, IssueExample_IsAWholeConfiguration) {
  const Loaded loaded = from_words(
      {"--vdev", "net_tap0,iface=mr0", "--address", "10.0.0.2/24", "--service", "http:80"}, Purpose::Serve);
  EXPECT_EQ(loaded.problems.text(), "");
  ASSERT_EQ(loaded.settings.ports.size(), 1U);
  EXPECT_EQ(loaded.settings.ports[0].name, "net_tap0");
  EXPECT_EQ(loaded.settings.ports[0].vdev, "net_tap0,iface=mr0");
  ASSERT_EQ(loaded.settings.services.size(), 1U);
  EXPECT_EQ(loaded.settings.services[0].name, "http-80");
  EXPECT_EQ(loaded.settings.services[0].listen.size(), 2U);
}

TEST(CommandLine, Service_TakesAddressesAndKeys) {
  const Loaded loaded =
      from_words({"--service=http:[::]:80,directory=/srv/www,backlog=9", "--service", "echo:10.0.0.2:7"});
  EXPECT_EQ(loaded.problems.text(), "");
  ASSERT_EQ(loaded.settings.services.size(), 2U);
  EXPECT_EQ(loaded.settings.services[0].listen[0].text(), "[::]:80");
  EXPECT_EQ(loaded.settings.services[0].directory, "/srv/www");
  EXPECT_EQ(loaded.settings.services[0].backlog, 9U);
  EXPECT_EQ(loaded.settings.services[1].listen[0].text(), "10.0.0.2:7");
}

TEST(CommandLine, EveryOptionOfTheSchema_SetsItsKey) {
  for (const Key& key : keys()) {
    if (key.option.empty()) continue;
    const Loaded loaded = from_words({"--" + std::string(key.option), std::string(key.example)});
    ASSERT_EQ(loaded.config.entries().size(), 1U) << key.option;
    EXPECT_EQ(loaded.config.entries()[0].key, &key) << key.option;
    EXPECT_EQ(loaded.config.entries()[0].origin.source, Source::CommandLine);
  }
}

TEST(CommandLine, Set_ReachesEveryKey) {
  for (const Key& key : keys()) {
    const std::string path = key.path(find_section(key.section)->named ? "x" : "");
    const Loaded loaded = from_words({"--set", path + " = " + std::string(key.example)});
    ASSERT_EQ(loaded.config.entries().size(), 1U) << path;
    EXPECT_EQ(loaded.config.entries()[0].key, &key) << path;
  }
}

TEST(CommandLine, WordsBehindTwoDashes_GoToEal) {
  const Loaded loaded =
      from_words({"--address", "10.0.0.2/24", "--", "--log-level=8", "-a", "01:00.0", "--no-huge"});
  EXPECT_EQ(loaded.problems.text(), "");
  EXPECT_THAT(loaded.settings.eal.args, ElementsAre("--log-level=8", "-a", "01:00.0"));
  EXPECT_EQ(loaded.settings.eal.huge_pages, HugePages::Off);
  EXPECT_EQ(loaded.settings.addresses.size(), 1U);
}

TEST(CommandLine, Mistakes_AreNamedEach) {
  EXPECT_EQ(problems_with({"--vdve", "net_tap0", "--adress=1", "stray"}),
            "--vdve: unknown option; did you mean --vdev?\n"
            "--adress=1: unknown option; did you mean --address?\n"
            "stray: belongs to no option; --help lists the options\n");
  EXPECT_EQ(problems_with({"--tcp.msl=5s"}),
            "--tcp.msl=5s: unknown option; a key is set by --set tcp.msl=5s\n");
  EXPECT_THAT(problems_with({"-z"}), HasSubstr("-z: unknown option; --help lists the options"));
  EXPECT_THAT(problems_with({"--vdev"}), HasSubstr("'--vdev' is missing"));
  EXPECT_EQ(problems_with({"--set", "tcp.msl"}), "--set tcp.msl: needs KEY=VALUE, as in --set tcp.msl=5s\n");
  EXPECT_EQ(problems_with({"--set", "tcp.mls=5s"}),
            "--set tcp.mls=5s: tcp.mls: unknown key; did you mean tcp.msl?\n");
  EXPECT_EQ(problems_with({"--address", "10.0.0.0/24"}),
            "--address 10.0.0.0/24: address.add: 10.0.0.0/24 is the network address of its prefix; give the "
            "address of one "
            "station, as in 10.0.0.2/24\n");
  EXPECT_EQ(problems_with({"--service", "http"}),
            "--service http: needs KIND:LISTEN[,KEY=VALUE...], as in --service http:80\n");
  EXPECT_THAT(problems_with({"--service", "gopher:70"}),
              HasSubstr("service.gopher-70.kind: 'gopher' is not known"));
  EXPECT_THAT(problems_with({"--service", "http:80,/srv"}), HasSubstr("'/srv' is not KEY=VALUE"));
  EXPECT_THAT(problems_with({"--service", "http:80,dir=/srv"}), HasSubstr("unknown key"));
  EXPECT_THAT(problems_with({"-c", "a", "-c", "b"}), HasSubstr("-c is given twice"));
}

TEST(CommandLine, TwoServicesOnOnePort_AreToldByTheirOptions) {
  EXPECT_EQ(problems_with({"--service", "http:80", "--service", "http:80"}),
            "--service http:80: service.http-80-2.listen: 80: port in use by service.http-80.listen = 80 "
            "(--service http:80); "
            "give another port or another address\n");
}

TEST(CommandLine, PortsAndServices_TakeThePlaceOfTheFiles) {
  Loaded loaded = from_text(kWhole);
  loaded.config.forget("port");
  loaded.config.forget("service");
  EXPECT_TRUE(loaded.config.settings().ports.empty());
  EXPECT_TRUE(loaded.config.settings().services.empty());
  EXPECT_EQ(loaded.config.settings().addresses.size(), 1U);
  Problems problems;
  const std::vector<std::string> words = {"--vdev", "net_tap1", "--service",
                                          "echo:7", "--",       "--vdev=net_tap2"};
  EXPECT_THAT(parse_command_line(words, {}, Words::Refused, problems).replaced,
              ElementsAre("port", "service", "port"));
}

TEST(CommandLine, Abbreviations_AreNotGuessed) {
  EXPECT_THAT(problems_with({"--addr", "10.0.0.2/24"}), HasSubstr("unknown option"));
}

}  // namespace
}  // namespace millrace::config

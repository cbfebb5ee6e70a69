// [load]: its ranges, what `auto` stands for, what goes together, and whose the options are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "config/commands.h"
#include "config/ranges.h"
#include "helpers.h"

namespace millrace::config {
namespace {

using testing::HasSubstr;

struct Planned {
  LoadPlan plan;
  std::string out;
  std::string err;
};

Planned plan(std::vector<std::string> args) {
  const std::vector<std::string> endpoint = {"--vdev", "net_ring0", "--address", "10.0.0.1/24"};
  args.insert(args.begin(), endpoint.begin(), endpoint.end());
  std::ostringstream out;
  std::ostringstream err;
  LoadPlan made = plan_load(args, out, err);
  return {std::move(made), out.str(), err.str()};
}

std::string refusal(std::vector<std::string> args) {
  args.insert(args.end(), {"--to", "10.0.0.2:80"});
  const Planned planned = plan(args);
  EXPECT_FALSE(planned.plan.plan.settings) << planned.err;
  EXPECT_EQ(planned.plan.plan.exit_code, kExitInvalid);
  return planned.err;
}

LoadSettings accepted(std::vector<std::string> args) {
  args.insert(args.end(), {"--to", "10.0.0.2:80"});
  const Planned planned = plan(args);
  EXPECT_TRUE(planned.plan.plan.settings) << planned.err;
  return planned.plan.plan.settings ? planned.plan.plan.settings->load : LoadSettings();
}

TEST(LoadRanges, Targets_AreAnAddressAndPorts) {
  EXPECT_EQ(parse_target("10.0.0.2:80")->text(), "10.0.0.2:80");
  EXPECT_EQ(parse_target("10.0.0.2:80-83")->ports.count(), 4U);
  EXPECT_EQ(parse_target("[2001:db8::2]:80-81")->text(), "[2001:db8::2]:80-81");
  for (const std::string_view bad :
       {"", "80", ":80", "10.0.0.2", "10.0.0.2:", "10.0.0.2:0", "10.0.0.2:65536", "10.0.0.2:83-80",
        "2001:db8::2:80", "[10.0.0.2]:80", "10.0.0.2:80-", "a:80"})
    EXPECT_FALSE(parse_target(bad)) << bad;
}

TEST(LoadRanges, Addresses_CountUpThroughTheirOctets) {
  const auto range = parse_address_range("10.0.0.254-10.0.1.2");
  ASSERT_TRUE(range);
  ASSERT_EQ(range->all().size(), 5U);
  EXPECT_EQ(range->all()[2].text(), "10.0.1.0");
  EXPECT_EQ(parse_address_range("2001:db8::ffff-2001:db8::1:1")->all().size(), 3U);
  EXPECT_EQ(parse_address_range("10.0.0.7")->text(), "10.0.0.7");
  EXPECT_EQ(parse_address_range("10.0.0.0-10.0.3.255")->all().size(), 1024U);
  for (const std::string_view bad :
       {"", "-", "10.0.0.2-10.0.0.1", "10.0.0.1-2001:db8::1", "10.0.0.0-10.0.4.0", "x-y"})
    EXPECT_FALSE(parse_address_range(bad)) << bad;
}

TEST(Load, Auto_StandsForWhatFits) {
  const auto protocol = [](std::vector<std::string> args) { return accepted(args).chosen_protocol(); };
  EXPECT_EQ(protocol({}), LoadProtocol::Http);
  EXPECT_EQ(protocol({"--mode", "bulk"}), LoadProtocol::Chargen);
  EXPECT_EQ(protocol({"--mode", "bulk", "--direction", "up"}), LoadProtocol::Discard);
  EXPECT_EQ(protocol({"--mode", "bulk", "--direction", "both"}), LoadProtocol::Echo);
  const auto close = [](std::vector<std::string> args) { return accepted(args).chosen_close(); };
  EXPECT_EQ(close({"--mode", "cps"}), LoadClose::Server);
  EXPECT_EQ(close({"--mode", "cps", "--protocol", "echo"}), LoadClose::Reset);
  EXPECT_EQ(close({"--mode", "cps", "--close", "client"}), LoadClose::Client);
  EXPECT_EQ(close({"--mode", "handshake"}), LoadClose::Reset);
}

TEST(Load, WhatDoesNotGoTogether_IsOneSentence) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--protocol", "discard"}, "load.protocol: discard cannot do mode rps; give one of http, rpc, echo"},
      {{"--mode", "bulk", "--direction", "up", "--protocol", "chargen"},
       "cannot do mode bulk up; give one of discard, rpc"},
      {{"--close", "reset"}, "load.close: has no meaning with mode rps"},
      {{"--mode", "cps", "--protocol", "echo", "--close", "server"}, "only a server of http closes first"},
      {{"--mode", "handshake", "--close", "server"}, "only a server of http closes first"},
      {{"--mode", "cps", "--depth", "4"}, "load.depth: has no meaning with mode cps"},
      {{"--direction", "up"}, "load.direction: has no meaning with mode rps"},
      {{"--mode", "bulk", "--rate", "5"}, "load.rate: has no meaning with mode bulk and protocol chargen"},
      {{"--request-bytes", "100"}, "load.request_bytes: has no meaning with mode rps and protocol http"},
      {{"--protocol", "echo", "--response-bytes", "100"}, "load.response_bytes: has no meaning"},
      {{"--protocol", "rpc", "--request-bytes", "15"}, "16 or more"},
      {{"--work", "5"}, "it belongs to protocol rpc"},
      {{"--path", "index.html"}, "must begin with '/'"},
      {{"--to", "10.0.0.1:80"}, "10.0.0.1 is this endpoint's own address"},
      {{"--to", "224.0.0.1:80"}, "is not the address of a server"},
      {{"--to", "[2001:db8::2]:80"}, "needs an own address of IPv6"},
      {{"--source", "0.0.0.0"}, "cannot be a station's own"},
      {{"--connections", "100", "--set", "memory.connections=16"}, "raise that, or leave it out"},
      {{"--connections", "50000"}, "28232 source ports x 1 own addresses x 1 targets are 28232"},
      {{"--connections", "3", "--source-ports", "7-8"}, "2 source ports x 1 own addresses x 1 targets are 2"},
      {{"--duration", "1ms"}, "is too small"},
      {{"--service", "http:80"}, "is an option of `millrace serve`"},
      {{"--nonsense"}, "unknown option"},
  };
  for (const auto& [args, says] : cases) {
    const std::string err = refusal(args);
    EXPECT_THAT(err, HasSubstr(says));
    EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << err;
  }
}

TEST(Load, WithoutAServer_SaysHowToNameOne) {
  const Planned planned = plan({});
  EXPECT_EQ(planned.plan.plan.exit_code, kExitInvalid);
  EXPECT_THAT(planned.err, HasSubstr("no server: name one by --to 10.0.0.2:80"));
}

TEST(Load, TablesHoldWhatIsAskedFor) {
  const Planned planned = plan({"--to", "10.0.0.2:80-99", "--connections", "200000"});
  ASSERT_TRUE(planned.plan.plan.settings) << planned.err;
  EXPECT_GE(planned.plan.plan.settings->memory.connections, 200'000U);
}

TEST(Load, OptionsOfLoad_AreNotServes) {
  std::ostringstream out;
  std::ostringstream err;
  const Plan serve = plan_serve(std::vector<std::string>{"--mode", "cps"}, out, err);
  EXPECT_EQ(serve.exit_code, kExitInvalid);
  EXPECT_THAT(err.str(), HasSubstr("--mode: is an option of `millrace load`"));
  const Planned help = plan({"--help"});
  EXPECT_THAT(help.out, HasSubstr("--to ADDRESS:PORT[-PORT]"));
  EXPECT_THAT(help.out, HasSubstr("--json"));
  EXPECT_THAT(help.out, testing::Not(HasSubstr("--service")));
}

TEST(Load, OneFile_ServesBothCommands) {
  const std::string text =
      "[port.p0]\nvdev = net_ring0\n[address]\nadd = 10.0.0.1/24\n"
      "[load]\nto = 10.0.0.2:80\nto = 10.0.0.3:81-82\nrate = 1000\nmode = cps\nwarm_up = 0\n";
  const Loaded load = load_text("f", text, Purpose::Load);
  EXPECT_EQ(load.problems.text(), "");
  EXPECT_EQ(load.settings.load.target_count(), 3U);
  EXPECT_THAT(load_text("f", text, Purpose::Serve).problems.text(), HasSubstr("no service"));
  // A service that listens on an address of another host is load's business as little as `depth` is serve's.
  EXPECT_EQ(
      load_text("f", text + "[service.s]\nkind = echo\nlisten = 10.0.0.9:7\n", Purpose::Load).problems.text(),
      "");
  EXPECT_EQ(load_text("f", text + "depth = 9\n[service.s]\nkind = echo\nlisten = 7\n", Purpose::Serve)
                .problems.text(),
            "");
}

}  // namespace
}  // namespace millrace::config

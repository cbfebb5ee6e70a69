#include "config/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "config/reference.h"
#include "config/show.h"
#include "helpers.h"

namespace millrace::config {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kFolder = MILLRACE_CONFIG_FOLDER;

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

Ran run(const std::vector<std::string>& args) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = run_config(args, out, err);
  return {code, out.str(), err.str()};
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Commands, CommittedReference_IsTheGeneratedOne) {
  EXPECT_EQ(contents(kFolder + "/reference.md"), markdown_reference())
      << "config/reference.md is out of date: run `millrace config reference > config/reference.md`";
}

TEST(Commands, EveryExample_IsGoodForServe) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder + "/examples")) {
    const Ran ran = run({"check", entry.path().string()});
    EXPECT_EQ(ran.code, kExitGood) << ran.err;
    EXPECT_THAT(ran.out, StartsWith(entry.path().string() + ": good: 1 port, "));
    ++count;
  }
  EXPECT_GE(count, 3U);
}

TEST(Commands, Check_SaysEveryProblemAndExitsWith2) {
  const Ran ran = run({"check", "--set", "tcp.mls=1s", kFolder + "/examples/no_such.conf"});
  EXPECT_EQ(ran.code, kExitInvalid);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("no_such.conf: cannot be opened: No such file or directory\n"));
  EXPECT_THAT(ran.err, HasSubstr("--set tcp.mls=1s: tcp.mls: unknown key; did you mean tcp.msl?\n"));
}

TEST(Commands, Check_NeedsOneFile) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"check"}, {"check", "a", "b"}, {"check", "a", "-c", "b"}}) {
    const Ran ran = run(args);
    EXPECT_EQ(ran.code, kExitInvalid);
    EXPECT_THAT(ran.err, HasSubstr("needs one FILE"));
  }
}

TEST(Commands, Show_IsAConfigurationAgainThatGivesTheSame) {
  for (const Shown shown : {Shown::Set, Shown::All}) {
    const Loaded first = load_text("f", contents(kFolder + "/examples/pci.conf"), Purpose::Serve);
    ASSERT_EQ(first.problems.text(), "");
    const Loaded second = load_text("f", show_text(first.config, shown), Purpose::Serve);
    ASSERT_EQ(second.problems.text(), "");
    const std::vector<Entry> a = first.config.all();
    const std::vector<Entry> b = second.config.all();
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].path(), b[i].path());
      EXPECT_EQ(a[i].text(), b[i].text());
    }
  }
}

TEST(Commands, Show_QuotesWhatTheReaderWouldCut) {
  const Loaded first =
      from_text("[service.a]\nkind = http\nlisten = 80\ndirectory = \"/srv/a # \\\"b\\\" \\\\ c\"\n");
  ASSERT_EQ(first.problems.text(), "");
  const Loaded second = from_text(show_text(first.config, Shown::Set));
  ASSERT_EQ(second.problems.text(), "");
  EXPECT_EQ(second.settings.services[0].directory, "/srv/a # \"b\" \\ c");
}

TEST(Commands, Show_TellsWhereEachValueCameFrom) {
  const Ran set = run({"show", "-c", kFolder + "/examples/af_packet.conf", "--set", "tcp.msl=7s"});
  EXPECT_EQ(set.code, kExitGood) << set.err;
  EXPECT_THAT(set.out, testing::ContainsRegex("msl = 7s +# --set tcp.msl=7s\n"));
  EXPECT_THAT(set.out, testing::ContainsRegex("receive_buffer = 1MiB +# [^\n]*af_packet.conf:[0-9]+\n"));
  EXPECT_THAT(set.out, testing::Not(HasSubstr("# default")));
  const Ran all = run({"show", "--defaults"});
  EXPECT_THAT(all.out, testing::ContainsRegex("msl = 30s +# default\n"));
  EXPECT_THAT(run({"show"}).out, StartsWith("# Nothing is set"));
}

TEST(Commands, ShowAsJson_HasValueUnitAndSource) {
  const Ran ran = run(
      {"show", "--json", "--defaults", "-c", kFolder + "/examples/af_packet.conf", "--set", "icmp.echo=off"});
  ASSERT_EQ(ran.code, kExitGood) << ran.err;
  std::map<std::string, nlohmann::json> by_key;
  for (const nlohmann::json& entry : nlohmann::json::parse(ran.out)) by_key[entry["key"]] = entry;
  EXPECT_EQ(by_key["tcp.msl"]["value"], 5'000'000);
  EXPECT_EQ(by_key["tcp.msl"]["unit"], "us");
  EXPECT_EQ(by_key["tcp.msl"]["source"], "file");
  EXPECT_GT(by_key["tcp.msl"]["line"], 0);
  EXPECT_EQ(by_key["tcp.send_buffer"]["value"], 1 << 20);
  EXPECT_EQ(by_key["tcp.send_buffer"]["unit"], "bytes");
  EXPECT_EQ(by_key["icmp.echo"]["value"], false);
  EXPECT_EQ(by_key["icmp.echo"]["source"], "command line");
  EXPECT_EQ(by_key["control.mode"]["value"], "0660");
  EXPECT_EQ(by_key["control.mode"]["source"], "default");
  EXPECT_EQ(by_key["service.web.kind"]["value"], "http");
}

TEST(Commands, Reference_ComesInThreeForms) {
  EXPECT_EQ(run({"reference"}).out, markdown_reference());
  EXPECT_EQ(run({"reference", "--format", "markdown"}).out, markdown_reference());
  EXPECT_THAT(run({"reference", "--format=text"}).out, StartsWith("[eal]"));
  const nlohmann::json json = nlohmann::json::parse(run({"reference", "--format", "json"}).out);
  EXPECT_EQ(json.size(), keys().size());
  const Ran bad = run({"reference", "--format", "html"});
  EXPECT_EQ(bad.code, kExitInvalid);
  EXPECT_THAT(bad.err, HasSubstr("markdown, text or json"));
}

TEST(Commands, Reference_NamesEveryKeyAndOption) {
  for (const Key& key : keys()) {
    EXPECT_THAT(markdown_reference(), HasSubstr("| `" + std::string(key.name) + "` |"));
    EXPECT_THAT(text_reference(), HasSubstr("  " + std::string(key.name) + "  ("));
    if (!key.option.empty()) {
      EXPECT_THAT(markdown_reference(), HasSubstr("`--" + std::string(key.option) + " "));
    }
  }
}

TEST(Commands, Help_HasExamplesAndExitsWith0) {
  for (const std::string command : {"check", "show", "reference"}) {
    const Ran ran = run({command, "--help"});
    EXPECT_EQ(ran.code, kExitGood);
    EXPECT_EQ(ran.err, "");
    EXPECT_THAT(ran.out, HasSubstr("Examples:\n  millrace config " + command));
  }
  EXPECT_EQ(run({"--help"}).code, kExitGood);
}

TEST(Commands, UnknownCommand_IsRefusedWithTheNearest) {
  EXPECT_EQ(run({"chek"}).err, "millrace config: 'chek' is no command; did you mean check?\n");
  EXPECT_EQ(run({"chek"}).code, kExitInvalid);
  EXPECT_EQ(run({}).code, kExitInvalid);
}

TEST(Commands, ServePlan_HasSettingsOnlyWhenAllIsGood) {
  std::ostringstream out;
  std::ostringstream err;
  const std::vector<std::string> good = {
      "-c", kFolder + "/examples/endpoint.conf", "--vdev", "net_tap5", "--service", "echo:7"};
  const Plan plan = plan_serve(good, out, err);
  EXPECT_EQ(err.str(), "");
  ASSERT_TRUE(plan.settings);
  ASSERT_EQ(plan.settings->ports.size(), 1U);
  EXPECT_EQ(plan.settings->ports[0].vdev, "net_tap5");
  ASSERT_EQ(plan.settings->services.size(), 1U);
  EXPECT_EQ(plan.settings->services[0].kind, ServiceKind::Echo);
  EXPECT_EQ(plan.settings->addresses.size(), 2U);

  const Plan none = plan_serve(std::vector<std::string>{}, out, err);
  EXPECT_FALSE(none.settings);
  EXPECT_EQ(none.exit_code, kExitInvalid);
  EXPECT_THAT(err.str(), StartsWith("no port: "));

  const Plan help = plan_serve(std::vector<std::string>{"--help"}, out, err);
  EXPECT_FALSE(help.settings);
  EXPECT_EQ(help.exit_code, kExitGood);
  EXPECT_THAT(out.str(), HasSubstr("--vdev DEVICE"));
}

}  // namespace
}  // namespace millrace::config

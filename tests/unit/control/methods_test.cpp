#include "control/socket/methods.h"

#include <gtest/gtest.h>

#include <set>

#include "tcp/state.h"

namespace millrace::control {
namespace {

std::string complaint(std::string_view method, const json& params) {
  const auto error = check_params(*find_method(method), params);
  return error ? error->message : "";
}

TEST(Methods, NamesAreUniqueAndDocumented) {
  std::set<std::string_view> names;
  for (const MethodInfo& method : kMethods) {
    EXPECT_TRUE(names.insert(method.name).second) << method.name;
    EXPECT_TRUE(method.doc.ends_with('.')) << method.name;
    EXPECT_FALSE(method.reply.empty()) << method.name;
    for (const Param& param : method.params) {
      EXPECT_TRUE(param.doc.ends_with('.')) << method.name << " " << param.name;
      EXPECT_LE(param.min, param.max);
    }
  }
  EXPECT_EQ(find_method("nothing"), nullptr);
}

TEST(Methods, Params_WithinBounds_Pass) {
  EXPECT_EQ(complaint("conns", json::object()), "");
  EXPECT_EQ(complaint("conns", {{"state", "Time_Wait"}, {"port", 65535}, {"limit", 1}, {"shard", 0}}), "");
}

TEST(Methods, Params_OutOfBounds_AreNamedWithWhatIsAllowed) {
  EXPECT_EQ(complaint("conns", {{"port", 0}}), "'port' is an integer from 1 to 65535; given was 0.");
  EXPECT_EQ(complaint("conns", {{"port", 65536}}), "'port' is an integer from 1 to 65535; given was 65536.");
  EXPECT_NE(complaint("conns", {{"port", -1}}), "");
  EXPECT_NE(complaint("conns", {{"port", "80"}}), "");
  EXPECT_NE(complaint("conns", {{"port", 80.0}}), "");
  EXPECT_NE(complaint("conns", {{"port", 18446744073709551615U}}), "");
  EXPECT_NE(complaint("conns", {{"limit", kRowsPerReply + 1}}), "");
  EXPECT_NE(complaint("conns", {{"state", "OPEN"}}), "");
  EXPECT_NE(complaint("conns", {{"cursor", std::string(65, '1')}}), "");
}

TEST(Methods, AParamThatIsNeeded_IsAskedFor) {
  EXPECT_EQ(complaint("conn", json::object()), "'conn' needs 'id'.");
  EXPECT_EQ(complaint("set", {{"key", "tcp.msl"}}), "'set' needs 'value'.");
  EXPECT_EQ(complaint("reload", {{"check", 1}}), "'check' is true or false; given was 1.");
  EXPECT_EQ(complaint("reload", {{"check", true}}), "");
}

TEST(Methods, UnknownParam_NamesTheNearest) {
  EXPECT_EQ(complaint("conns", {{"prot", 80}}), "'conns' takes no parameter 'prot'. Did you mean 'port'?");
  EXPECT_EQ(complaint("drain", {{"now", true}}), "'drain' takes no parameter 'now'.");
}

TEST(Methods, LongTypos_AreNotCompared) {
  const std::string word(80, 'x');
  EXPECT_EQ(suggestion(word + "y", {word}), "");
  EXPECT_EQ(suggestion("stat", {"stats"}), " Did you mean 'stats'?");
}

TEST(Methods, EveryStateHasItsName) {
  for (unsigned i = 0; i < tcp::kStates; ++i) {
    const std::string_view name = tcp::name_of(static_cast<tcp::State>(i));
    EXPECT_EQ(canonical_state(name), name);
  }
  EXPECT_EQ(canonical_state("fin_wait-1"), "FIN-WAIT-1");
  EXPECT_FALSE(canonical_state(""));
}

TEST(Methods, HelpListsWhatTheTableHolds) {
  const json help = methods_as_json();
  ASSERT_EQ(help.size(), kMethods.size());
  EXPECT_EQ(help[2]["name"], "conns");
  EXPECT_EQ(help[2]["params"][2]["max"], 65535);
  EXPECT_EQ(help[3]["params"][0]["required"], true);
}

}  // namespace
}  // namespace millrace::control

// The grid: every arriving segment and every user call in every state, over both families and both ways to
// open. A cell is named rcv_<event>_<state> or call_<call>_<state>.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "verdict.h"

namespace millrace::conformance {
namespace {

template <typename Add>
void for_each_place(Add add) {
  for (unsigned i = 0; i < kStages; ++i) {
    if (static_cast<Stage>(i) == Stage::SynReceivedFastOpen) continue;  // full_grid_test.cpp has it
    for (const Opening opening : {Opening::Passive, Opening::Active})
      if (exists(static_cast<Stage>(i), opening)) add(static_cast<Stage>(i), opening);
  }
}

std::vector<Case> segment_cases() {
  std::vector<Case> out;
  for (const Stimulus& stimulus : stimuli())
    for_each_place([&](Stage stage, Opening opening) {
      for (const Family family : {Family::V4, Family::V6})
        out.push_back({stimulus.name, &stimulus, stage, opening, family});
    });
  return out;
}

std::vector<Case> call_cases() {
  std::vector<Case> out;
  for (const std::string_view call : user_calls())
    for_each_place([&](Stage stage, Opening opening) {
      for (const Family family : {Family::V4, Family::V6})
        out.push_back({call, nullptr, stage, opening, family});
    });
  return out;
}

std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  return (c.stimulus != nullptr ? "rcv_" : "call_") + std::string(c.event) + "_" +
         stage_text(c.stage, c.opening) + family_suffix(c.family);
}

class SegmentArrives : public testing::TestWithParam<Case> {};

TEST_P(SegmentArrives, IsAnsweredAsTheRfcSays) {
  const Case& c = GetParam();
  const std::vector<const Rule*> rules = rules_for(c.event, c.stage, c.opening);
  ASSERT_EQ(rules.size(), 1U);
  const Rule& rule = *rules.front();
  SCOPED_TRACE("RFC 9293 " + std::string(rule.section));

  Walk walk(c.family, c.opening);
  ASSERT_NO_THROW(walk.to(c.stage));
  const PeerSegment segment = resolve(*c.stimulus, walk.v, c.stage);
  walk.peer.send(segment);
  EXPECT_EQ(judge(walk, c.stage, rule, segment, walk.peer.take()), "");
  if (!rule.loose) {
    EXPECT_EQ(probe(walk, rule.enters.empty() ? state_of(c.stage) : rule.enters.back()), "");
  }
  EXPECT_EQ(clean_up(walk), "");
}

INSTANTIATE_TEST_SUITE_P(Grid, SegmentArrives, testing::ValuesIn(segment_cases()), name_of_case);

// What the call returns: octets for SEND and RECEIVE, 1 for what OPEN refuses, the state for STATUS.
int64_t call(Walk& walk, std::string_view name) {
  app::Connection* connection = walk.app.connection;
  if (name == "open") {
    if (walk.opening == Opening::Passive && connection == nullptr) {
      ListenerParams again;
      again.local = walk.peer.ours();
      return walk.peer.shard().listen(again, walk.app, "again") == app::OpenError::AddressInUse ? 1 : 0;
    }
    app::ConnectOptions options;
    options.remote = walk.peer.theirs();
    options.local_port = kOurPort;
    const app::OpenResult result = walk.peer.shard().connect(options, walk.app);
    if (result.connection != nullptr) walk.app.connection = result.connection;
    return result.error == app::OpenError::AddressInUse ? 1 : 0;
  }
  if (name == "status") return static_cast<int64_t>(walk.peer.state());
  if (connection == nullptr) return 0;
  if (name == "send") return walk.app_send(100);
  if (name == "receive") return static_cast<int64_t>(connection->readable().size());
  if (name == "shutdown") connection->shutdown();
  if (name == "close") connection->close();
  if (name == "abort") connection->abort();
  return 0;
}

class UserCall : public testing::TestWithParam<Case> {};

TEST_P(UserCall, DoesWhatTheRfcSays) {
  const Case& c = GetParam();
  const std::vector<const Rule*> rules = rules_for(c.event, c.stage, c.opening);
  ASSERT_EQ(rules.size(), 1U);
  const Rule& rule = *rules.front();
  SCOPED_TRACE("RFC 9293 " + std::string(rule.section));

  Walk walk(c.family, c.opening);
  ASSERT_NO_THROW(walk.to(c.stage));
  if (rule.no_connection) {
    EXPECT_EQ(walk.app.connection, nullptr);
    EXPECT_EQ(walk.peer.shard().find(walk.peer.flow()), nullptr) << "there is nothing to call";
  }
  const int64_t due = c.event == "status" ? static_cast<int64_t>(state_of(c.stage)) : rule.returns;
  EXPECT_EQ(call(walk, c.event), due);
  walk.peer.run();
  const std::vector<Captured> seen = walk.peer.take();
  EXPECT_EQ(judge(walk, c.stage, rule, {}, seen), "");
  for (const Captured& one : seen) walk.v.snd_nxt = later(walk.v.snd_nxt, one.segment.end());
  if (!rule.loose) {
    EXPECT_EQ(probe(walk, rule.enters.empty() ? state_of(c.stage) : rule.enters.back()), "");
  }
  EXPECT_EQ(clean_up(walk), "");
}

INSTANTIATE_TEST_SUITE_P(Grid, UserCall, testing::ValuesIn(call_cases()), name_of_case);

// The table is whole: one rule, not two, for each cell, and no rule for an event that does not exist.
TEST(RuleTable, HasExactlyOneRuleForEveryCell) {
  for (const auto& cases : {segment_cases(), call_cases()})
    for (const Case& c : cases)
      EXPECT_EQ(rules_for(c.event, c.stage, c.opening).size(), 1U)
          << c.event << " in " << stage_text(c.stage, c.opening);
}

}  // namespace
}  // namespace millrace::conformance

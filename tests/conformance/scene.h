// For tests that tell a story rather than fill a cell of the grid: one connection, both families.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "verdict.h"

namespace millrace::conformance {

class Scene : public testing::TestWithParam<Family> {
 protected:
  Scene() : params(default_params(GetParam())) {}
  void TearDown() override {
    if (!walk) return;
    EXPECT_EQ(clean_up(*walk), "");
    EXPECT_EQ(walk->peer.shard().counters().tcp_illegal_transitions.value(), 0U);
  }

  // With `params` as they are now.
  Walk& begin(Opening opening = Opening::Active) {
    walk.emplace(GetParam(), opening, params);
    return *walk;
  }
  Walk& at(Stage stage, Opening opening = Opening::Active) {
    begin(opening).to(stage);
    return *walk;
  }
  Peer& peer() { return walk->peer; }
  // The segments that have left, and the octets of text in them.
  std::vector<Captured> seen() {
    peer().run();
    return peer().take();
  }
  static uint32_t text_in(const std::vector<Captured>& segments) {
    uint32_t octets = 0;
    for (const Captured& one : segments) octets += one.segment.payload_length;
    return octets;
  }
  static std::string list(const std::vector<Captured>& segments) {
    std::string out;
    for (const Captured& one : segments) out += "\n  " + describe(one.segment);
    return out;
  }
  // Our largest segment: the MTU less the fixed headers (RFC 9293 §3.7.1).
  static uint16_t full_mss() { return GetParam() == Family::V4 ? 1460 : 1440; }

  ShardParams params;
  std::optional<Walk> walk;
};

inline std::string name_of_family(const testing::TestParamInfo<Family>& info) {
  return info.param == Family::V4 ? "v4" : "v6";
}

}  // namespace millrace::conformance

#define MILLRACE_BOTH_FAMILIES(Suite) \
  INSTANTIATE_TEST_SUITE_P(Rfc9293, Suite, testing::Values(Family::V4, Family::V6), name_of_family)

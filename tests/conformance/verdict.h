// Holds what happened against a rule. Neighbours: rule.h, stage.h; grid_test.cpp and the other tests use it.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "rule.h"
#include "stage.h"

namespace millrace::conformance {

// One cell of the grid.
struct Case {
  std::string_view event;
  const Stimulus* stimulus = nullptr;  // none: a user call
  Stage stage = Stage::Closed;
  Opening opening = Opening::Active;
  Family family = Family::V4;
};

std::string family_suffix(Family family);
// "established_passive", or "listen" where there is only one way to open.
std::string stage_text(Stage stage, Opening opening);

// The segment with absolute numbers.
PeerSegment resolve(const Stimulus& stimulus, const Variables& v, Stage stage);

// What differs from the rule; empty: nothing. Moves walk.v on by what the rule says was taken.
std::string judge(Walk& walk, Stage stage, const Rule& rule, const PeerSegment& cause,
                  const std::vector<Captured>& seen);

// Asks the connection for its variables by a segment that changes nothing, and whether it still stands where
// it stood; returns what is wrong.
std::string probe(Walk& walk, tcp::State state);

// Ends everything, lets 2 MSL pass, and returns what is still held.
std::string clean_up(Walk& walk);

// How GoogleTest shows a case.
void PrintTo(const Case& c, std::ostream* out);

std::string text_of(const std::vector<tcp::State>& path);

}  // namespace millrace::conformance

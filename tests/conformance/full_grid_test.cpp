// The full grid: every kind of segment, at every place to the window, with every acknowledgement, in every
// state as reached each way, over both families. A cell is named
// rcv_<event>_<sequence>_<acknowledgement>_<state>. What no segment can be is a cell too, with the reason why
// it cannot.
#include <gtest/gtest.h>

#include <set>

#include "axes.h"

namespace millrace::conformance {
namespace {

std::vector<Cell> cells(bool possible) {
  std::vector<Cell> out;
  for (const Cell& cell : all_cells())
    if (impossible(cell).empty() == possible) out.push_back(cell);
  return out;
}

std::string name_of_cell(const testing::TestParamInfo<Cell>& info) { return name_of(info.param); }

class FullGrid : public testing::TestWithParam<Cell> {};

TEST_P(FullGrid, IsAnsweredAsTheRfcSays) {
  const Cell& cell = GetParam();
  const Stage stage = cell.place.stage;
  Owed owed = owed_for(cell);
  owed.rule.app = owed.app;
  SCOPED_TRACE("RFC 9293 " + owed.sections);

  Walk walk(cell.family, cell.place.opening);
  ASSERT_NO_THROW(walk.to(stage, cell.place.sending));
  const PeerSegment segment = segment_of(cell, walk.v);
  walk.peer.send(segment);
  EXPECT_EQ(judge(walk, stage, owed.rule, segment, walk.peer.take()), "");
  EXPECT_EQ(probe(walk, owed.rule.enters.empty() ? state_of(stage) : owed.rule.enters.back()), "");
  EXPECT_EQ(clean_up(walk), "");
  EXPECT_EQ(walk.peer.shard().counters().tcp_illegal_transitions.value(), 0U);
}
INSTANTIATE_TEST_SUITE_P(Grid, FullGrid, testing::ValuesIn(cells(true)), name_of_cell);

// The numbers of the connection say themselves that no such segment exists.
class ImpossibleCell : public testing::TestWithParam<Cell> {};

TEST_P(ImpossibleCell, HasNoSegment) {
  const Cell& cell = GetParam();
  SCOPED_TRACE(impossible(cell));
  Walk walk(cell.family, cell.place.opening);
  ASSERT_NO_THROW(walk.to(cell.place.stage, cell.place.sending));
  const PeerSegment segment = segment_of(cell, walk.v);
  const Seq end =
      segment.seq + segment.length + (segment.flags.syn() ? 1U : 0U) + (segment.flags.fin() ? 1U : 0U);
  const bool overlaps = segment.seq.before(walk.v.rcv_nxt) && end.after(walk.v.rcv_nxt);
  const uint32_t in_flight = walk.v.snd_nxt - walk.v.snd_una;
  EXPECT_TRUE((cell.seq == SeqAt::Overlapping && !overlaps) || (cell.ack == AckAt::Inside && in_flight < 2) ||
              (cell.ack == AckAt::Una && in_flight == 0));
}
INSTANTIATE_TEST_SUITE_P(Grid, ImpossibleCell, testing::ValuesIn(cells(false)), name_of_cell);

// An ACK that changes nothing is the one segment that no paragraph need speak of.
TEST(FullGridTable, EveryCellHasItsOwnNameAndAParagraph) {
  std::set<std::string> names;
  for (const Cell& cell : all_cells()) {
    EXPECT_TRUE(names.insert(name_of(cell)).second) << name_of(cell);
    if (!impossible(cell).empty() || cell.event == Event::Ack) continue;
    EXPECT_FALSE(owed_for(cell).sections.empty()) << name_of(cell);
  }
  EXPECT_EQ(names.size(), all_places().size() * kEvents * kSeqs * kAcks * 2);
}

}  // namespace
}  // namespace millrace::conformance

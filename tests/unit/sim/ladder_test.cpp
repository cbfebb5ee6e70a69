// The ladder: numbers made relative, and the drawing compared whole.
#include "sim/ladder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "frames.h"
#include "sim/clock.h"

namespace millrace::sim::test {
namespace {

using enum tcp::State;
using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;
using wire::kSyn;

// Rows as a recorder would write them.
struct Script {
  LadderRow& add(Side from, const wire::Segment& segment, Micros left, Micros arrived) {
    LadderRow row;
    row.number = ladder.rows.size() + 1;
    row.at = kBeginning + left;
    row.arrived_at = kBeginning + arrived;
    row.departure = 2 * row.number;
    row.arrival = row.departure + 1;
    row.from = from;
    row.segment = lens.look(from, segment);
    ladder.rows.push_back(row);
    return ladder.rows.back();
  }
  Script() {
    ladder.left = kLeft;
    ladder.right = kRight;
    ladder.origin = kBeginning;
    ladder.left_start = Closed;
    ladder.right_start = Listen;
  }
  Ladder ladder;
  SegmentLens lens;
};

wire::Segment syn(uint32_t seq, uint32_t ack, wire::Flags flags, std::optional<WindowScale> scale) {
  wire::Segment out = segment(flags, seq, ack);
  out.options.mss = Mss(1460);
  out.options.window_scale = scale;
  out.options.timestamps = wire::Timestamps{.value = 7, .echo_reply = 0};
  return out;
}

TEST(SegmentLens, CountsFromEachSidesInitialSequenceNumber) {
  SegmentLens lens;
  EXPECT_EQ(lens.look(Side::Left, syn(0xfffffff0, 0, kSyn, {})).relative_seq, 0U);
  const SegmentSummary answer = lens.look(Side::Right, syn(500, 0xfffffff1, kSyn | kAck, {}));
  EXPECT_EQ(answer.relative_seq, 0U);
  EXPECT_EQ(answer.relative_ack, 1U);
  const SegmentSummary later = lens.look(Side::Left, segment(kAck, 0x10, 600));
  EXPECT_EQ(later.relative_seq, 0x20U);
  EXPECT_EQ(later.relative_ack, 100U);
}

TEST(SegmentLens, ScalesWindowsOnlyWhenBothOfferAndNeverThatOfASyn) {
  SegmentLens both;
  EXPECT_EQ(both.look(Side::Left, syn(0, 0, kSyn, WindowScale(3))).window_bytes, 1000U);
  both.look(Side::Right, syn(0, 1, kSyn | kAck, WindowScale(2)));
  EXPECT_EQ(both.look(Side::Left, segment(kAck, 1, 1)).window_bytes, 8000U);
  EXPECT_EQ(both.look(Side::Right, segment(kAck, 1, 1)).window_bytes, 4000U);

  SegmentLens one;
  one.look(Side::Left, syn(0, 0, kSyn, WindowScale(3)));
  one.look(Side::Right, syn(0, 1, kSyn | kAck, {}));
  EXPECT_EQ(one.look(Side::Left, segment(kAck, 1, 1)).window_bytes, 1000U);

  SegmentLens begun_late;
  EXPECT_FALSE(begun_late.look(Side::Left, segment(kAck, 1, 1)).window_bytes);
}

TEST(SegmentLens, TellsWhatWasSentBefore) {
  SegmentLens lens;
  EXPECT_FALSE(lens.look(Side::Left, syn(9, 0, kSyn, {})).retransmission);
  EXPECT_TRUE(lens.look(Side::Left, syn(9, 0, kSyn, {})).retransmission);
  EXPECT_FALSE(lens.look(Side::Left, segment(kAck, 10, 1, 100)).retransmission);
  EXPECT_FALSE(lens.look(Side::Left, segment(kAck, 10, 1)).retransmission);  // an ACK alone is never one
  EXPECT_TRUE(lens.look(Side::Left, segment(kAck, 60, 1, 100)).retransmission);
  EXPECT_FALSE(lens.look(Side::Left, segment(kAck | kFin, 160, 1)).retransmission);
  EXPECT_TRUE(lens.look(Side::Left, segment(kAck | kFin, 160, 1)).retransmission);
}

TEST(FlagsText, NamesThemInReadingOrder) {
  EXPECT_EQ(flags_text(kSyn | kAck), "SYN,ACK");
  EXPECT_EQ(flags_text(kFin | kPsh | kAck), "FIN,PSH,ACK");
  EXPECT_EQ(flags_text({}), "none");
}

Script handshake() {
  Script script;
  LadderRow& first = script.add(Side::Left, syn(3'000'000'000, 0, kSyn, WindowScale(2)), 0us, 10ms);
  first.left = {.before = Closed, .after = SynSent};
  first.right = {.before = Listen, .after = SynReceived};
  LadderRow& second =
      script.add(Side::Right, syn(5000, 3'000'000'001, kSyn | kAck, WindowScale(2)), 10ms, 20ms);
  second.right = {.before = SynReceived, .after = SynReceived};
  second.left = {.before = SynSent, .after = Established};
  LadderRow& third = script.add(Side::Left, segment(kAck, 3'000'000'001, 5001), 20ms, 30ms);
  third.left = {.before = Established, .after = Established};
  third.right = {.before = SynReceived, .after = Established};
  return script;
}

// Without the line break that lets the drawing begin at the margin.
std::string golden(std::string_view text) { return std::string(text.substr(1)); }

TEST(RenderText, Handshake) {
  EXPECT_EQ(render_text(handshake().ladder), golden(R"(
  #      seconds  client 10.0.0.1:50000                                                             server 10.0.0.2:80
                  CLOSED                                                                                  LISTEN
  1     0.000000  SYN-SENT     ── SYN      seq 0  len 0  win 1000 ──────────────────────────────────────▶ SYN-RECEIVED
                                  absolute seq 3000000000, mss 1460, ts 7/0, scale 2
  2     0.010000  ESTABLISHED  ◀─ SYN,ACK  seq 0  ack 1  len 0  win 1000 ──────────────────────────────── SYN-RECEIVED
                                  absolute seq 5000, ack 3000000001, mss 1460, ts 7/0, scale 2
  3     0.020000  ESTABLISHED  ── ACK      seq 1  ack 1  len 0  win 4000 ───────────────────────────────▶ ESTABLISHED
                                  absolute seq 3000000001, ack 5001
)"));
}

TEST(RenderText, Handshake_Ascii) {
  EXPECT_EQ(render_text(handshake().ladder, {.ascii = true}), golden(R"(
  #      seconds  client 10.0.0.1:50000                                                             server 10.0.0.2:80
                  CLOSED                                                                                  LISTEN
  1     0.000000  SYN-SENT     -- SYN      seq 0  len 0  win 1000 --------------------------------------> SYN-RECEIVED
                                  absolute seq 3000000000, mss 1460, ts 7/0, scale 2
  2     0.010000  ESTABLISHED  <- SYN,ACK  seq 0  ack 1  len 0  win 1000 -------------------------------- SYN-RECEIVED
                                  absolute seq 5000, ack 3000000001, mss 1460, ts 7/0, scale 2
  3     0.020000  ESTABLISHED  -- ACK      seq 1  ack 1  len 0  win 4000 -------------------------------> ESTABLISHED
                                  absolute seq 3000000001, ack 5001
)"));
}

Script troubles() {
  Script script;
  LadderRow& lost = script.add(Side::Left, segment(kAck | kPsh, 1, 1, 100), 0us, 0us);
  lost.fate = Fate::Lost;
  lost.arrived_at.reset();
  lost.arrival = 0;
  lost.left = {.before = Established, .after = Established};
  LadderRow& back = script.add(Side::Right, segment(kAck, 1, 1), 1ms, 2ms);
  back.fate = Fate::Lost;
  back.arrived_at.reset();
  back.arrival = 0;
  LadderRow& damaged = script.add(Side::Left, segment(kAck | kPsh, 1, 1, 100), 200ms, 210ms);
  damaged.fate = Fate::Corrupted;
  LadderRow& original = script.add(Side::Right, segment(kAck | kFin, 1, 101), 300ms, 310ms);
  original.left = {.before = Established, .after = CloseWait};
  LadderRow& copy = script.add(Side::Right, segment(kAck | kFin, 1, 101), 300ms, 315ms);
  copy.fate = Fate::Duplicate;
  copy.copy_of = 4;
  LadderRow note;
  note.kind = LadderRow::Kind::Note;
  note.at = kBeginning + 400ms;
  note.departure = note.arrival = 100;
  note.left = {.before = CloseWait, .after = LastAck};
  note.note = "close()";
  script.ladder.rows.push_back(note);
  note.kind = LadderRow::Kind::State;
  note.from = Side::Right;
  note.at = kBeginning + 60s;
  note.left = {};
  note.right = {.before = TimeWait, .after = Closed};
  note.departure = note.arrival = 101;
  note.note = "2 * MSL have passed";
  script.ladder.rows.push_back(note);
  return script;
}

TEST(RenderText, LossDamageCopiesAndWords) {
  EXPECT_EQ(render_text(troubles().ladder), golden(R"(
  #      seconds  client 10.0.0.1:50000                                                             server 10.0.0.2:80
                  CLOSED                                                                                  LISTEN
  1     0.000000  ESTABLISHED  ── PSH,ACK  seq 0  ack 0  len 100  win 1000 unscaled ────╳ lost            LISTEN
                                  absolute seq 1, ack 1
  2     0.001000  ESTABLISHED               lost ╳──── ACK      seq 0  ack 0  len 0  win 1000 unscaled ── LISTEN
                                  absolute seq 1, ack 1
  3     0.200000  ESTABLISHED  ── PSH,ACK  seq 0  ack 0  len 100  win 1000 unscaled (again), damaged ───▶ LISTEN
                                  absolute seq 1, ack 1
  4     0.300000  CLOSE-WAIT   ◀─ FIN,ACK  seq 0  ack 100  len 0  win 1000 unscaled ───────────────────── LISTEN
                                  absolute seq 1, ack 101
        0.315000  CLOSE-WAIT   ◀── copy of 4 arrives ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ LISTEN
        0.400000  LAST-ACK     • close()                                                                  LISTEN
       60.000000  LAST-ACK                                                          2 * MSL have passed • CLOSED
)"));
}

// Two FINs under way at once.
Script crossing() {
  Script script;
  LadderRow& left = script.add(Side::Left, segment(kFin | kAck, 1, 1), 0us, 10ms);
  left.left = {.before = Established, .after = FinWait1};
  left.right = {.before = FinWait1, .after = Closing};
  LadderRow& right = script.add(Side::Right, segment(kFin | kAck, 1, 1), 0us, 10ms);
  right.right = {.before = Established, .after = FinWait1};
  right.left = {.before = FinWait1, .after = Closing};
  script.ladder.rows[0].departure = 1;
  script.ladder.rows[1].departure = 2;
  script.ladder.rows[1].arrival = 3;
  script.ladder.rows[0].arrival = 4;
  return script;
}

TEST(RenderText, CrossingSegments_HaveALineWhereTheyLeaveAndOneWhereTheyArrive) {
  EXPECT_EQ(render_text(crossing().ladder), golden(R"(
  #      seconds  client 10.0.0.1:50000                                                             server 10.0.0.2:80
                  CLOSED                                                                                  LISTEN
  1     0.000000  FIN-WAIT-1   ── FIN,ACK  seq 0  ack 0  len 0  win 1000 unscaled ──┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ LISTEN
                                  absolute seq 1, ack 1
  2     0.000000  FIN-WAIT-1   ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄── FIN,ACK  seq 0  ack 0  len 0  win 1000 unscaled ── FIN-WAIT-1
                                  absolute seq 1, ack 1
        0.010000  CLOSING      ◀── 2 arrives ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ FIN-WAIT-1
        0.010000  CLOSING      ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ 1 arrives ──▶ CLOSING
)"));
}

TEST(RenderText, EveryLineFitsTheColumns) {
  for (const Ladder& ladder : {handshake().ladder, troubles().ladder, crossing().ladder}) {
    std::string line;
    for (const char c : render_text(ladder, {.ascii = true})) {
      if (c != '\n') {
        line += c;
        continue;
      }
      EXPECT_LE(line.size(), 118U) << line;
      line.clear();
    }
  }
}

TEST(RenderText, NeighborFrames_ShowOnlyWhenAskedFor) {
  Ladder ladder = handshake().ladder;
  LadderRow arp;
  arp.kind = LadderRow::Kind::Neighbor;
  arp.note = "ARP request";
  arp.departure = arp.arrival = 1;
  ladder.rows.insert(ladder.rows.begin(), arp);
  EXPECT_EQ(render_text(ladder).find("ARP"), std::string::npos);
  EXPECT_NE(render_text(ladder, {.neighbors = true}).find("ARP request"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(render_json(ladder))["rows"].size(), 3U);
  EXPECT_EQ(nlohmann::json::parse(render_json(ladder, true))["rows"].size(), 4U);
}

TEST(RenderJson, HoldsWhatTheDrawingShows) {
  const auto json = nlohmann::json::parse(render_json(handshake().ladder));
  EXPECT_EQ(json["left"]["endpoint"], "10.0.0.1:50000");
  const auto& row = json["rows"][1];
  EXPECT_EQ(row["kind"], "segment");
  EXPECT_EQ(row["from"], "right");
  EXPECT_EQ(row["fate"], "arrived");
  EXPECT_EQ(row["at_us"], 10'000);
  EXPECT_EQ(row["arrived_at_us"], 20'000);
  EXPECT_EQ(row["segment"]["flags"], "SYN,ACK");
  EXPECT_EQ(row["segment"]["seq"], 5000U);
  EXPECT_EQ(row["segment"]["ack"], 3'000'000'001U);
  EXPECT_EQ(row["segment"]["ack_relative"], 1U);
  EXPECT_EQ(row["segment"]["options"]["mss_bytes"], 1460);
  EXPECT_EQ(row["left"]["after"], "ESTABLISHED");
  const auto lost = nlohmann::json::parse(render_json(troubles().ladder, false, -1))["rows"][0];
  EXPECT_EQ(lost["fate"], "lost");
  EXPECT_TRUE(lost["arrived_at_us"].is_null());
}

shard::TraceRow trace_row(bool sent, tcp::State before, tcp::State after, const wire::Segment& segment) {
  shard::TraceRow row{.at = kBeginning, .sent = sent, .before = before, .after = after, .segment = segment};
  row.segment.flow = {.local = kRight, .remote = kLeft};
  return row;
}

TEST(LadderOf, PassiveEnd_StandsOnTheRightAndThePeersStatesAreBlank) {
  const std::vector<shard::TraceRow> trace = {
      trace_row(false, Listen, SynReceived, syn(100, 0, kSyn, WindowScale(1))),
      trace_row(true, SynReceived, SynReceived, syn(900, 101, kSyn | kAck, WindowScale(1))),
      trace_row(false, SynReceived, Established, segment(kAck, 101, 901)),
  };
  const wire::FlowAddress flow{.local = kRight, .remote = kLeft};
  const Ladder ladder = ladder_of(trace, flow);
  EXPECT_EQ(ladder.left, kLeft);
  EXPECT_EQ(ladder.right_path, (std::vector{Listen, SynReceived, Established}));
  EXPECT_TRUE(ladder.left_path.empty());
  EXPECT_FALSE(ladder.left_start);
  ASSERT_EQ(ladder.rows.size(), 3U);
  EXPECT_EQ(ladder.rows[1].from, Side::Right);
  EXPECT_EQ(ladder.rows[2].segment.relative_ack, 1U);
  const std::string text = render_text(ladder);
  EXPECT_NE(text.find("client (peer) 10.0.0.1:50000"), std::string::npos);
  EXPECT_EQ(text.find("arrives"), std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(render_json(ladder))["rows"][0]["left"]["after"].is_null());
}

TEST(LadderOf, OtherFlows_AreLeftOut) {
  const std::vector<shard::TraceRow> trace = {trace_row(false, Listen, SynReceived, syn(100, 0, kSyn, {}))};
  EXPECT_TRUE(ladder_of(trace, {.local = kRight, .remote = kRight}).rows.empty());
  EXPECT_FALSE(render_text(ladder_of({}, {})).empty());
}

}  // namespace
}  // namespace millrace::sim::test

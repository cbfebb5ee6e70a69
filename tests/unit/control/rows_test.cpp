#include "control/socket/rows.h"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

shard::TraceRow sample() {
  shard::TraceRow row;
  row.at = Instant(123456us);
  row.sent = true;
  row.before = tcp::State::SynReceived;
  row.after = tcp::State::Established;
  wire::Segment& segment = row.segment;
  segment.flow = {{IpAddress::v4(10, 0, 0, 2), 80}, {*IpAddress::parse("2001:db8::9"), 40000}};
  segment.seq = Seq(0xffff'fff0);
  segment.ack = Seq(17);
  segment.flags = wire::kSyn | wire::kAck;
  segment.window = WireWindow(65535);
  segment.urgent_pointer = 3;
  segment.ecn = 2;
  segment.payload_length = 1448;
  segment.options.mss = Mss(1460);
  segment.options.window_scale = WindowScale(7);
  segment.options.timestamps = wire::Timestamps{1, 4'000'000'000};
  segment.options.sack_permitted = true;
  segment.options.fast_open.emplace().length = 8;
  segment.options.sack_count = 2;
  segment.options.sack[0] = {Seq(1), Seq(2)};
  segment.options.sack[1] = {Seq(3), Seq(4)};
  return row;
}

TEST(Rows, TraceRow_SurvivesThereAndBack) {
  const shard::TraceRow row = sample();
  const auto back = trace_row(json::parse(dump(as_json(3, row))));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->at, row.at);
  EXPECT_EQ(back->sent, row.sent);
  EXPECT_EQ(back->before, row.before);
  EXPECT_EQ(back->after, row.after);
  EXPECT_EQ(back->segment.flow, row.segment.flow);
  EXPECT_EQ(back->segment.seq, row.segment.seq);
  EXPECT_EQ(back->segment.ack, row.segment.ack);
  EXPECT_EQ(back->segment.flags, row.segment.flags);
  EXPECT_EQ(back->segment.window, row.segment.window);
  EXPECT_EQ(back->segment.urgent_pointer, row.segment.urgent_pointer);
  EXPECT_EQ(back->segment.ecn, row.segment.ecn);
  EXPECT_EQ(back->segment.payload_length, row.segment.payload_length);
  EXPECT_EQ(back->segment.options, row.segment.options);
  EXPECT_EQ(back->segment.payload, nullptr);
}

TEST(Rows, EveryFlagsOctet_SurvivesThereAndBack) {
  for (int bits = 0; bits < 256; ++bits) {
    shard::TraceRow row = sample();
    row.segment.flags = wire::Flags(bits);
    EXPECT_EQ(trace_row(as_json(0, row))->segment.flags, row.segment.flags) << bits;
  }
}

TEST(Rows, DamagedTraceRow_IsNone) {
  const json good = as_json(0, sample());
  for (const auto& [field, value] : good.items()) {
    if (field == "shard") continue;
    json without = good;
    without.erase(field);
    EXPECT_FALSE(trace_row(without)) << field;
  }
  json wrong = good;
  wrong["before"] = "OPEN";
  EXPECT_FALSE(trace_row(wrong));
  wrong = good;
  wrong["local_address"] = "10.0.0";
  EXPECT_FALSE(trace_row(wrong));
  EXPECT_FALSE(trace_row(json::array()));
}

TEST(Rows, Connection_CarriesUnitsInItsNames) {
  shard::ConnectionRow row;
  row.id = 42;
  row.flow = {{IpAddress::v4(10, 0, 0, 2), 80}, {IpAddress::v4(10, 0, 0, 1), 40000}};
  row.state = tcp::State::CloseWait;
  row.srtt = 412us;
  row.bytes_sent = 5'000'000'000;
  const json out = as_json(2, row);
  EXPECT_EQ(out["id"], "2-42");
  EXPECT_EQ(out["state"], "CLOSE-WAIT");
  EXPECT_EQ(out["srtt_us"], 412);
  EXPECT_EQ(out["sent_bytes"], 5'000'000'000);
  EXPECT_EQ(out["remote_address"], "10.0.0.1");
  EXPECT_EQ(out["remote_port"], 40000);
}

TEST(Rows, NeighborWithoutMac_HasNull) {
  ip::NeighborRow row;
  row.address = IpAddress::v4(10, 0, 0, 9);
  row.state = "incomplete";
  EXPECT_TRUE(as_json(0, row)["mac"].is_null());
  row.mac = MacAddress({2, 0, 0, 0, 0, 9});
  EXPECT_EQ(as_json(0, row)["mac"], "02:00:00:00:00:09");
}

}  // namespace
}  // namespace millrace::control

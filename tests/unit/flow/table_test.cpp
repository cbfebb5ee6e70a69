// The demux table's promises one by one; table_model_test.cpp tries them all at once.
#include "flow/table.h"

#include <gtest/gtest.h>

#include <vector>

namespace millrace::flow {
namespace {

// Three slabs of records, as a shard has them.
class TableTest : public testing::Test {
 protected:
  SeededEntropy entropy{7};
  FlowHash hash{entropy};
  std::vector<FlowKey> records[4] = {
      {}, std::vector<FlowKey>(1 << 16), std::vector<FlowKey>(64), std::vector<FlowKey>(64)};

  auto resolver() {
    return
        [this](Ref ref) -> const FlowKey& { return records[static_cast<size_t>(ref.kind())][ref.index()]; };
  }
  static FlowKey key(uint32_t number) {
    return {.remote =
                IpAddress::v4(10, 0, static_cast<uint8_t>(number >> 24), static_cast<uint8_t>(number >> 16)),
            .remote_port = static_cast<uint16_t>(number),
            .local_port = 80};
  }
  // Enters key(number) as record `number`.
  bool enter(Table& table, uint32_t number, Kind kind = Kind::Connection) {
    return enter(table, number, kind, hash(key(number)));
  }
  bool enter(Table& table, uint32_t number, Kind kind, uint64_t chosen_hash) {
    records[static_cast<size_t>(kind)][number] = key(number);
    return table.insert(chosen_hash, Ref(kind, number));
  }
  Ref find(const Table& table, uint32_t number) {
    return table.find(hash(key(number)), key(number), resolver());
  }
};

TEST_F(TableTest, Ref_CarriesKindAndIndex) {
  const Ref ref(Kind::TimeWait, (1U << 30) - 1);
  EXPECT_TRUE(ref);
  EXPECT_EQ(ref.kind(), Kind::TimeWait);
  EXPECT_EQ(ref.index(), (1U << 30) - 1);
  EXPECT_FALSE(Ref());
  EXPECT_TRUE(Ref(Kind::Connection, 0));
  EXPECT_EQ(Ref::from_raw(ref.raw()), ref);
}

TEST_F(TableTest, Empty_FindsNothing) {
  Table table(100);
  EXPECT_FALSE(find(table, 1));
  EXPECT_FALSE(table.erase(hash(key(1)), Ref(Kind::Connection, 1)));
}

TEST_F(TableTest, Inserted_IsFoundUntilErased) {
  Table table(100);
  ASSERT_TRUE(enter(table, 1));
  EXPECT_EQ(find(table, 1), Ref(Kind::Connection, 1));
  EXPECT_FALSE(find(table, 2));
  EXPECT_TRUE(table.erase(hash(key(1)), Ref(Kind::Connection, 1)));
  EXPECT_FALSE(find(table, 1));
  EXPECT_EQ(table.size(), 0U);
}

TEST_F(TableTest, Replaced_LeadsToTheNewRecord) {
  Table table(100);
  enter(table, 5);
  records[3][9] = key(5);
  EXPECT_TRUE(table.replace(hash(key(5)), Ref(Kind::Connection, 5), Ref(Kind::TimeWait, 9)));
  EXPECT_EQ(find(table, 5), Ref(Kind::TimeWait, 9));
  EXPECT_FALSE(table.replace(hash(key(5)), Ref(Kind::Connection, 5), Ref(Kind::TimeWait, 9)));
  EXPECT_FALSE(table.erase(hash(key(5)), Ref(Kind::Connection, 5)));
  EXPECT_EQ(table.size(), 1U);
}

TEST_F(TableTest, BoundReached_Refuses) {
  Table table(300);
  for (uint32_t i = 0; i < 300; ++i) ASSERT_TRUE(enter(table, i));
  EXPECT_FALSE(enter(table, 300));
  EXPECT_TRUE(table.erase(hash(key(7)), Ref(Kind::Connection, 7)));
  EXPECT_TRUE(enter(table, 300));
  for (uint32_t i = 0; i <= 300; ++i) EXPECT_EQ(static_cast<bool>(find(table, i)), i != 7);
}

TEST_F(TableTest, SameHash_KeysAreToldApartAndErasedOneByOne) {
  Table table(1000);
  constexpr uint64_t kHash = 0x8000'0000'0000'0000;
  for (uint32_t i = 0; i < 60; ++i) ASSERT_TRUE(enter(table, i, Kind::SynRecord, kHash));
  for (uint32_t i = 0; i < 60; ++i) {
    EXPECT_EQ(table.find(kHash, key(i), resolver()), Ref(Kind::SynRecord, i));
    EXPECT_TRUE(table.erase(kHash, Ref(Kind::SynRecord, i)));
    EXPECT_FALSE(table.find(kHash, key(i), resolver()));
    for (uint32_t j = i + 1; j < 60; ++j) ASSERT_TRUE(table.find(kHash, key(j), resolver()));
  }
}

TEST_F(TableTest, HashOfZero_EmptyEntriesAreNotTakenForIt) {
  Table table(100);
  EXPECT_FALSE(table.find(0, key(1), resolver()));
  EXPECT_FALSE(table.candidate(0));
  enter(table, 1, Kind::Connection, 0);
  EXPECT_EQ(table.find(0, key(1), resolver()), Ref(Kind::Connection, 1));
  EXPECT_FALSE(table.find(0, key(2), resolver()));
}

TEST_F(TableTest, FloodOfOneHash_IsRefusedAndLeavesTheRestAlone) {
  for (const uint64_t flood : {uint64_t{0}, ~uint64_t{0}, uint64_t{0x1234'5678} << 32}) {
    Table table(1 << 16);
    std::vector<uint32_t> entered;
    for (uint32_t i = 0; i < 4000; ++i) entered.push_back(i);
    for (const uint32_t i : entered) ASSERT_TRUE(enter(table, i));
    uint32_t flooded = 0;
    while (enter(table, 60'000 + flooded, Kind::Connection, flood)) ++flooded;
    EXPECT_LE(flooded, 8 * BucketArray::kReach);
    // Two doublings move the whole flood, and refuse but a few neighbours.
    for (uint32_t i = 4000; i < 20'000; ++i)
      if (enter(table, i)) entered.push_back(i);
    EXPECT_GE(entered.size(), 19'700U);
    for (const uint32_t i : entered) ASSERT_TRUE(find(table, i));
    for (uint32_t i = 60'000; i < 60'000 + flooded; ++i) {
      ASSERT_TRUE(table.find(flood, key(i), resolver()));
      ASSERT_TRUE(table.erase(flood, Ref(Kind::Connection, i)));
    }
    for (const uint32_t i : entered) ASSERT_TRUE(table.erase(hash(key(i)), Ref(Kind::Connection, i)));
    EXPECT_EQ(table.size(), 0U);
  }
}

TEST_F(TableTest, Growing_FindsEverythingAtEveryStep) {
  Table table(1 << 16);
  bool grew = false;
  for (uint32_t i = 0; i < 1500; ++i) {
    ASSERT_TRUE(enter(table, i));
    grew |= table.growing();
    for (uint32_t j = 0; j <= i; ++j) ASSERT_EQ(find(table, j), Ref(Kind::Connection, j)) << i;
    ASSERT_FALSE(find(table, i + 1));
  }
  EXPECT_TRUE(grew);
}

TEST_F(TableTest, FloodWhereMemoryEndsWhileGrowing_IsSurvived) {
  // Memory comes in chunks of 4096 buckets: with 8192 homes this one is the last of the first chunk.
  constexpr uint64_t kFlood = uint64_t{0x7ff8'0000} << 32;
  Table table(1 << 16);
  std::vector<uint32_t> entered;
  uint32_t flooded = 0;
  for (uint32_t i = 0; i < 30'000; ++i) {
    if (enter(table, i)) entered.push_back(i);
    if (i > 20'000 && enter(table, 40'000 + flooded, Kind::Connection, kFlood)) ++flooded;
  }
  EXPECT_GE(flooded, 80U);
  EXPECT_GE(entered.size(), 29'900U);
  for (const uint32_t i : entered) ASSERT_TRUE(find(table, i));
  for (uint32_t i = 0; i < flooded; ++i) ASSERT_TRUE(table.find(kFlood, key(40'000 + i), resolver()));
}

TEST_F(TableTest, BulkOfAnySize_AnswersEachKey) {
  Table table(1 << 16);
  for (uint32_t i = 0; i < 2000; i += 2) enter(table, i);
  for (const size_t burst : {0U, 1U, 31U, 32U, 33U, 500U}) {
    std::vector<Hashed> keys;
    for (uint32_t i = 0; i < burst; ++i) keys.push_back({key(i * 3), hash(key(i * 3))});
    std::vector<Ref> refs(burst, Ref(Kind::TimeWait, 1));
    EXPECT_EQ(table.find_bulk(keys, refs, resolver()), (burst + 1) / 2);
    for (uint32_t i = 0; i < burst; ++i) {
      EXPECT_EQ(refs[i], i % 2 == 0 ? Ref(Kind::Connection, i * 3) : Ref());
    }
  }
}

TEST_F(TableTest, BulkWhenTagsCollide_VerifiesTheKey) {
  Table table(100);
  constexpr uint64_t kHash = 0x4000'0000'1111'1111;
  for (uint32_t i = 0; i < 20; ++i) enter(table, i, Kind::Connection, kHash);
  std::vector<Hashed> keys;
  for (uint32_t i = 0; i < 25; ++i) keys.push_back({key(i), kHash});
  std::vector<Ref> refs(keys.size());
  EXPECT_EQ(table.find_bulk(keys, refs, resolver()), 20U);
  for (uint32_t i = 0; i < 25; ++i) EXPECT_EQ(refs[i], i < 20 ? Ref(Kind::Connection, i) : Ref());
}

TEST_F(TableTest, ChurnAtConstantSize_TakesNoMoreMemory) {
  Table table(1 << 16);
  for (uint32_t i = 0; i < 5000; ++i) enter(table, i);
  const size_t bytes = table.bytes();
  for (uint32_t i = 5000; i < 65000; ++i) {
    ASSERT_TRUE(table.erase(hash(key(i - 5000)), Ref(Kind::Connection, i - 5000)));
    ASSERT_TRUE(enter(table, i));
  }
  EXPECT_EQ(table.bytes(), bytes);
}

}  // namespace
}  // namespace millrace::flow

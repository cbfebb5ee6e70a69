// FIFOs of constant deadlines, against std::list where it gets random.
#include "timer/deadline_fifo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>
#include <vector>

namespace millrace::timer {
namespace {

struct Record {
  FifoLinks links;
  Instant deadline{};
};

struct LinksOf {
  std::vector<Record>* records;
  FifoLinks& operator()(uint32_t index) const { return (*records)[index].links; }
};

class DeadlineFifoTest : public testing::Test {
 protected:
  std::vector<Record> records = std::vector<Record>(16);
  DeadlineFifo<LinksOf> fifo{LinksOf{&records}};

  std::vector<uint32_t> order() const {
    std::vector<uint32_t> out;
    for (uint32_t index = fifo.front(); index != kNoIndex; index = fifo.next(index)) out.push_back(index);
    return out;
  }
  void push(uint32_t index, Instant deadline) {
    records[index].deadline = deadline;
    fifo.push_back(index);
  }
  template <typename F>
  size_t expire(Instant now, F&& on_expired, size_t budget = ~size_t{0}) {
    return fifo.expire(
        now, [&](uint32_t index) { return records[index].deadline; }, on_expired, budget);
  }
};

TEST_F(DeadlineFifoTest, Empty_HasNoFront) {
  EXPECT_TRUE(fifo.empty());
  EXPECT_EQ(fifo.front(), kNoIndex);
  EXPECT_FALSE(fifo.contains(3));
}

TEST_F(DeadlineFifoTest, RemoveAtFrontMiddleAndBack_KeepsTheRestInOrder) {
  for (uint32_t index : {4U, 0U, 9U, 2U, 7U}) fifo.push_back(index);
  fifo.remove(4);
  fifo.remove(9);
  fifo.remove(7);
  EXPECT_EQ(order(), (std::vector<uint32_t>{0, 2}));
  fifo.push_back(9);
  EXPECT_EQ(order(), (std::vector<uint32_t>{0, 2, 9}));
  EXPECT_EQ(fifo.size(), 3U);
}

TEST_F(DeadlineFifoTest, OnlyRecord_IsContainedUntilRemoved) {
  fifo.push_back(5);
  EXPECT_TRUE(fifo.contains(5));
  fifo.remove(5);
  EXPECT_FALSE(fifo.contains(5));
  EXPECT_TRUE(fifo.empty());
}

TEST_F(DeadlineFifoTest, DeadlineStartedAgain_GoesToTheBack) {
  for (uint32_t index : {0U, 1U, 2U}) fifo.push_back(index);
  fifo.move_to_back(0);
  fifo.move_to_back(0);
  EXPECT_EQ(order(), (std::vector<uint32_t>{1, 2, 0}));
}

TEST_F(DeadlineFifoTest, Expire_TakesWhatIsDueAndNoMore) {
  for (uint32_t index = 0; index < 5; ++index) push(index, Instant(1s * static_cast<int>(index)));
  std::vector<uint32_t> expired;
  EXPECT_EQ(expire(Instant(2s), [&](uint32_t index) { expired.push_back(index); }), 3U);
  EXPECT_EQ(expired, (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(expire(
                Instant(10s), [](uint32_t) {}, 1),
            1U);
  EXPECT_EQ(order(), (std::vector<uint32_t>{4}));
}

TEST_F(DeadlineFifoTest, CallbackRemovesTheNextAndPushesItself_Ends) {
  for (uint32_t index = 0; index < 3; ++index) push(index, Instant(1s));
  std::vector<uint32_t> expired;
  expire(Instant(1s), [&](uint32_t index) {
    expired.push_back(index);
    if (fifo.contains(1)) fifo.remove(1);
    fifo.push_back(index);
  });
  EXPECT_EQ(expired, (std::vector<uint32_t>{0, 2, 0}));
  EXPECT_EQ(fifo.size(), 2U);
}

TEST_F(DeadlineFifoTest, RandomChanges_MatchAList) {
  std::mt19937 random(4);
  std::list<uint32_t> model;
  for (int i = 0; i < 20'000; ++i) {
    const uint32_t index = random() % 16;
    const auto found = std::find(model.begin(), model.end(), index);
    ASSERT_EQ(fifo.contains(index), found != model.end());
    if (found == model.end()) {
      fifo.push_back(index);
      model.push_back(index);
    } else if (random() % 2 == 0) {
      fifo.remove(index);
      model.erase(found);
    } else {
      fifo.move_to_back(index);
      model.splice(model.end(), model, found);
    }
    ASSERT_EQ(order(), std::vector<uint32_t>(model.begin(), model.end()));
    ASSERT_EQ(fifo.size(), model.size());
  }
}

}  // namespace
}  // namespace millrace::timer

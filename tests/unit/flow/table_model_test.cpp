// Random runs of the table against std::unordered_map: growth, heavy churn, deletion in any order.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <unordered_map>
#include <vector>

#include "flow/table.h"

namespace millrace::flow {
namespace {

// Which bits of the hash survive: with fewer, tags and homes collide often.
struct Shape {
  uint32_t keys;
  uint32_t operations;
  uint64_t hash_mask;
};

class TableModel : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    SeededEntropy entropy(GetParam().keys);
    const FlowHash hash(entropy);
    for (uint32_t i = 0; i < universe_; ++i) {
      std::array<uint8_t, 16> octets{0x20, 0x01, 0x0d, 0xb8};
      std::memcpy(octets.data() + 8, &i, 4);
      keys_.push_back({.remote = IpAddress::v6(octets), .remote_port = static_cast<uint16_t>(i * 7)});
      hashes_.push_back(hash(keys_.back()) & GetParam().hash_mask);
    }
  }
  Ref find(uint32_t number) const {
    return table_.find(hashes_[number], keys_[number],
                       [this](Ref ref) -> const FlowKey& { return key_of(ref); });
  }
  // Record n of each kind holds key n.
  const FlowKey& key_of(Ref ref) const { return keys_[ref.index()]; }

  void operate(uint32_t number, bool growing_up) {
    const auto found = model_.find(number);
    const Ref expected = found == model_.end() ? Ref() : found->second;
    ASSERT_EQ(find(number), expected);
    if (found == model_.end()) {
      const Ref ref(static_cast<Kind>(1 + random_() % 3), number);
      if (model_.size() < table_.bound()) {
        ASSERT_TRUE(table_.insert(hashes_[number], ref));
        model_.emplace(number, ref);
      } else {
        ASSERT_FALSE(table_.insert(hashes_[number], ref));
      }
    } else if (random_() % 4 == 0) {
      const Ref ref(static_cast<Kind>(1 + random_() % 3), number);
      ASSERT_TRUE(table_.replace(hashes_[number], found->second, ref));
      found->second = ref;
    } else if (!growing_up || random_() % 4 == 0) {
      ASSERT_TRUE(table_.erase(hashes_[number], found->second));
      model_.erase(found);
    }
    ASSERT_EQ(table_.size(), model_.size());
  }

  void compare_all() const {
    std::vector<Hashed> asked(universe_);
    for (uint32_t i = 0; i < universe_; ++i) asked[i] = {keys_[i], hashes_[i]};
    std::vector<Ref> refs(universe_);
    const size_t found =
        table_.find_bulk(asked, refs, [this](Ref ref) -> const FlowKey& { return key_of(ref); });
    ASSERT_EQ(found, model_.size());
    for (uint32_t i = 0; i < universe_; ++i) {
      const auto expected = model_.find(i);
      ASSERT_EQ(refs[i], expected == model_.end() ? Ref() : expected->second);
    }
  }

  uint32_t universe_ = GetParam().keys + GetParam().keys / 2;
  std::mt19937 random_{GetParam().keys};
  std::vector<FlowKey> keys_;
  std::vector<uint64_t> hashes_;
  Table table_{GetParam().keys};
  std::unordered_map<uint32_t, Ref> model_;
};

TEST_P(TableModel, RandomOperations_MatchTheModel) {
  const uint32_t operations = GetParam().operations;
  for (uint32_t i = 0; i < operations && !HasFatalFailure(); ++i) {
    // It fills, churns at its bound, drains, and fills again.
    const bool growing_up = i < operations / 2 || i > operations * 3 / 4;
    operate(random_() % universe_, growing_up);
    if (i % (operations / 8) == 0) compare_all();
  }
  compare_all();
}

INSTANTIATE_TEST_SUITE_P(Shapes, TableModel,
                         testing::Values(Shape{10, 10'000, ~0ULL}, Shape{100, 50'000, ~0ULL},
                                         Shape{3000, 300'000, ~0ULL}, Shape{200'000, 2'000'000, ~0ULL},
                                         // Few distinct tags in each home, runs of full buckets.
                                         Shape{2000, 300'000, 0xffe0'0000'0000'0000},
                                         // Homes in the first and last eighth only.
                                         Shape{150, 100'000, 0xf00f'0000'0000'0000}));

}  // namespace
}  // namespace millrace::flow

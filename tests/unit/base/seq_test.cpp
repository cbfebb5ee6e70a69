// Sequence numbers go round a circle (RFC 9293 §3.4).
#include "base/seq.h"

#include <gtest/gtest.h>

#include <concepts>

namespace millrace {
namespace {

template <typename T>
concept HasLess = requires(T a, T b) {
  a < b;
};
static_assert(!HasLess<Seq>, "in a circle there is no <");
static_assert(!std::convertible_to<uint32_t, Seq> && !std::convertible_to<Seq, uint32_t>);

class SeqFrom : public testing::TestWithParam<uint32_t> {
 protected:
  const Seq seq{GetParam()};
};

TEST_P(SeqFrom, OneFurther_IsAfter) {
  EXPECT_TRUE(seq.before(seq + 1));
  EXPECT_TRUE((seq + 1).after(seq));
  EXPECT_FALSE((seq + 1).before(seq));
  EXPECT_EQ((seq + 1) - seq, 1U);
  EXPECT_EQ((seq + 1) - 1, seq);
}

TEST_P(SeqFrom, Itself_IsNeitherBeforeNorAfter) {
  EXPECT_FALSE(seq.before(seq));
  EXPECT_FALSE(seq.after(seq));
  EXPECT_TRUE(seq.before_or_at(seq));
  EXPECT_TRUE(seq.after_or_at(seq));
}

TEST_P(SeqFrom, UpToHalfTheCircle_IsAfter) {
  const Seq far = seq + 0x7fff'ffff;
  EXPECT_TRUE(seq.before(far));
  EXPECT_TRUE(far.after(seq));
  EXPECT_TRUE((seq - 0x7fff'ffff).before(seq));
  EXPECT_FALSE(far.before_or_at(seq));
}

TEST_P(SeqFrom, Window_HoldsItsFirstAndNotItsEnd) {
  EXPECT_TRUE(seq.within(seq, 1));
  EXPECT_FALSE(seq.within(seq, 0));
  EXPECT_TRUE((seq + 999).within(seq, 1000));
  EXPECT_FALSE((seq + 1000).within(seq, 1000));
  EXPECT_FALSE((seq - 1).within(seq, 1000));
}

TEST_P(SeqFrom, LaterAndEarlier_ChooseAcrossTheWrap) {
  EXPECT_EQ(later(seq, seq + 70'000), seq + 70'000);
  EXPECT_EQ(later(seq + 70'000, seq), seq + 70'000);
  EXPECT_EQ(earlier(seq, seq + 70'000), seq);
  EXPECT_EQ(earlier(seq + 70'000, seq), seq);
}

TEST_P(SeqFrom, Added_WrapsModulo32Bits) {
  Seq moved = seq;
  moved += 0x8000'0000;
  moved += 0x8000'0000;
  EXPECT_EQ(moved, seq);
  EXPECT_EQ((seq + 12'345).raw(), static_cast<uint32_t>(uint64_t{GetParam()} + 12'345));
}

INSTANTIATE_TEST_SUITE_P(AroundTheCircle, SeqFrom,
                         testing::Values(0U, 1U, 0x7fff'fffeU, 0x7fff'ffffU, 0x8000'0000U, 0xffff'0000U,
                                         0xffff'ffffU));

}  // namespace
}  // namespace millrace

// The table of services: numbers that stay, and an end of it that nobody can overrun.
#include "base/service_counters.h"

#include <gtest/gtest.h>

#include <memory>

namespace millrace {
namespace {

TEST(ServiceTable, ANameHasOneNumber_AndItsCountersStay) {
  const auto table = std::make_unique<ServiceTable>();
  EXPECT_EQ(table->size(), 1U);
  EXPECT_EQ(table->name(ServiceTable::kNone), "");
  const uint8_t web = table->number_of("web"), echo = table->number_of("echo");
  EXPECT_NE(web, echo);
  (*table)[web].accepted.add(3);
  EXPECT_EQ(table->number_of("web"), web);
  EXPECT_EQ(table->number_of(""), ServiceTable::kNone);
  EXPECT_EQ(table->size(), 3U);
  EXPECT_EQ(table->name(web), "web");
  EXPECT_EQ((*table)[web].accepted.value(), 3U);
}

TEST(ServiceTable, MoreThanFit_ShareTheLastNumber) {
  const auto table = std::make_unique<ServiceTable>();
  for (size_t i = 1; i < ServiceTable::kMost - 1; ++i)
    EXPECT_EQ(table->number_of("s" + std::to_string(i)), i);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(table->number_of("more" + std::to_string(i)), ServiceTable::kMost - 1);
    EXPECT_EQ(table->size(), ServiceTable::kMost);
  }
  EXPECT_EQ(table->name(ServiceTable::kMost - 1), ServiceTable::kOthers);
  EXPECT_EQ(table->number_of("s5"), 5U);
}

TEST(Counter, Subtract_IsForGauges) {
  Counter gauge;
  gauge.add(5);
  gauge.subtract(2);
  EXPECT_EQ(gauge.value(), 3U);
}

}  // namespace
}  // namespace millrace

// Filter expressions over rows of connections.
#include "control/socket/filter.h"

#include <gtest/gtest.h>

#include <random>

namespace millrace::control {
namespace {

shard::ConnectionRow row() {
  shard::ConnectionRow row;
  row.flow = {.local = {*IpAddress::parse("10.0.0.2"), 80}, .remote = {*IpAddress::parse("10.1.2.3"), 5000}};
  row.state = tcp::State::Established;
  row.service = "web";
  row.age = 90s;
  row.srtt = 12ms;
  row.rto = 212ms;
  row.retransmits = 3;
  row.send_queue_bytes = 70'000;
  return row;
}

bool holds(std::string_view text) {
  const auto parsed = parse_filter(text);
  EXPECT_TRUE(std::holds_alternative<ConnectionFilter>(parsed))
      << text << ": " << std::get<std::string>(parsed);
  return std::get<ConnectionFilter>(parsed)(row());
}

std::string complaint(std::string_view text) {
  const auto parsed = parse_filter(text);
  const auto* sentence = std::get_if<std::string>(&parsed);
  return sentence == nullptr ? "" : *sentence;
}

TEST(Filter, ComparesWhatARowHas) {
  for (const char* yes :
       {"state = established", "state=Established", "state != time-wait", "port = 80", "port = 5000",
        "lport < 81", "rport >= 5000", "local = 10.0.0.2", "remote = 10.1.0.0/16", "remote != 10.0.0.0/16",
        "age > 1min", "rtt > 10ms", "rto <= 212ms", "retrans = 3", "sendq > 64KiB", "service = web",
        "remote != fd00::/8"})
    EXPECT_TRUE(holds(yes)) << yes;
  for (const char* no : {"state = listen", "port = 81", "age < 1min", "rtt > 12ms", "retrans != 3",
                         "service = www", "sendq < 64KiB", "local = 10.0.0.3"})
    EXPECT_FALSE(holds(no)) << no;
}

TEST(Filter, NotBindsClosest_ThenAnd_ThenOr) {
  EXPECT_TRUE(holds("port = 1 and port = 2 or port = 80"));
  EXPECT_FALSE(holds("port = 1 and (port = 2 or port = 80)"));
  EXPECT_TRUE(holds("not port = 1 and port = 80"));
  EXPECT_FALSE(holds("not (port = 1 or port = 80)"));
  EXPECT_TRUE(holds("not not port = 80"));
}

TEST(Filter, WhatIsWrong_IsNamedWithWhatIsExpected) {
  EXPECT_EQ(complaint("rtt > fast"),
            "The filter is not understood at 'fast': a duration, as in 10ms is expected there.");
  EXPECT_NE(complaint("colour = red").find("a field (age, "), std::string::npos);
  EXPECT_NE(complaint("state > established").find("= or !="), std::string::npos);
  EXPECT_NE(complaint("state = open").find("the name of a TCP state"), std::string::npos);
  EXPECT_NE(complaint("port = 80 port = 90").find("and, or, or the end"), std::string::npos);
  EXPECT_NE(complaint("(port = 80").find("at the end: )"), std::string::npos);
  EXPECT_NE(complaint("remote = here").find("an address or a prefix"), std::string::npos);
  for (const char* text : {"", "port", "port =", "= 80", "not", "()", "port = 80 and", "rtt >> 5ms"})
    EXPECT_NE(complaint(text), "") << text;
}

TEST(Filter, Nesting_IsBounded) {
  EXPECT_EQ(complaint(std::string(10, '(') + "port = 80" + std::string(10, ')')), "");
  EXPECT_EQ(complaint(std::string(400, '(') + "port = 80" + std::string(400, ')')),
            "The filter is nested too deeply.");
}

TEST(Filter, RandomWords_NeverHurt) {
  const char* words[] = {"state", "=",    "established", "(",      ")",  "and",  "or", "not",  "rtt",
                         ">",     "10ms", "10.0.0.0/8",  "remote", "80", "port", "!=", "\xff", "service"};
  std::mt19937 random(6);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (unsigned count = random() % 24; count > 0; --count)
      text += std::string(words[random() % std::size(words)]) + ' ';
    const auto parsed = parse_filter(text);
    if (const auto* filter = std::get_if<ConnectionFilter>(&parsed)) static_cast<void>((*filter)(row()));
  }
}

}  // namespace
}  // namespace millrace::control

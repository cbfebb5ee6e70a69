// The scoreboard against a model with one entry an octet.
#include <gtest/gtest.h>

#include <deque>

#include "base/entropy.h"
#include "board.h"

namespace millrace::recovery {
namespace {

struct Octet {
  Instant sent_at{};
  Fate fate = Fate::InFlight;
  bool retransmitted = false;
};

class Model {
 public:
  explicit Model(uint64_t seed, uint16_t capacity) : random(seed), board(capacity, Seq(0xffff'fe00)) {}

  void step() {
    now += Micros(random.next() % 3);
    const uint64_t dice = random.next() % 100;
    if (dice < 30) return send();
    if (octets.empty()) return;
    if (dice < 50) return advance();
    if (dice < 75) return sack();
    if (dice < 85) return lose();
    if (dice < 96) return resend();
    if (dice < 98) return all(Fate::InFlight, Fate::Lost), board.mark_all_lost();
    all(Fate::Lost, Fate::InFlight);
    board.forget_losses();
  }

  void compare() const {
    Bytes sacked = 0, lost = 0;
    for (const Octet& one : octets) {
      sacked += one.fate == Fate::Sacked ? 1 : 0;
      lost += one.fate == Fate::Lost ? 1 : 0;
    }
    ASSERT_EQ(board.sacked(), sacked);
    ASSERT_EQ(board.lost(), lost);
    ASSERT_EQ(board.in_flight(), octets.size() - sacked - lost);
    ASSERT_EQ(board.end() - board.begin(), octets.size());
    ASSERT_EQ(board.has_lost(), board.first_lost() != Scoreboard::kNone);
    uint32_t i = 0;
    for (uint16_t r = 0; r < board.size(); ++r) {
      const Run& run = board.run(r);
      if (r == 0 || board.run(static_cast<uint16_t>(r - 1)).fate != Fate::Sacked)
        ASSERT_TRUE(true);
      else
        ASSERT_NE(run.fate, Fate::Sacked) << "neighbours that are both SACKed are one run";
      for (; board.begin() + i != board.run_end(r); ++i) {
        ASSERT_EQ(run.fate, octets[i].fate) << i;
        if (run.fate == Fate::Sacked) continue;
        ASSERT_EQ(run.retransmitted, octets[i].retransmitted) << i;
        ASSERT_EQ(run.sent_at, octets[i].sent_at) << i;
      }
    }
    ASSERT_EQ(i, octets.size());
  }

  Scoreboard& scoreboard() { return board; }

 private:
  uint32_t below(uint64_t bound) { return static_cast<uint32_t>(random.next() % bound); }
  void all(Fate from, Fate to) {
    for (Octet& one : octets)
      if (one.fate == from) one.fate = to;
  }
  void send() {
    const uint32_t length = 1 + below(40);
    octets.insert(octets.end(), length, Octet{.sent_at = now});
    board.sent(board.end() + length, now, 0us);
  }
  void advance() {
    const uint32_t length = 1 + below(std::min<uint64_t>(octets.size(), 60));
    Bytes told = 0;
    board.advance(board.begin() + length, [&](const Arrival& one) { told += one.end - one.begin; });
    Bytes expected = 0;
    for (uint32_t i = 0; i < length; ++i, octets.pop_front())
      expected += octets.front().fate != Fate::Sacked ? 1 : 0;
    ASSERT_EQ(told, expected);
  }
  void sack() {
    const uint32_t left = below(octets.size());
    const uint32_t right = left + 1 + below(std::min<uint64_t>(octets.size() - left, 80));
    const Seq first = board.begin();
    Bytes told = 0;
    ASSERT_TRUE(board.sack(first + left, first + right, [&](const Arrival& one) {
      for (Seq seq = one.begin; seq != one.end; seq += 1) {
        Octet& octet = octets[seq - first];
        EXPECT_EQ(octet.sent_at, one.sent_at);
        EXPECT_EQ(octet.fate, one.was);
        octet.fate = Fate::Sacked;
        ++told;
      }
    }));
    for (uint32_t i = left; i < right; ++i) ASSERT_EQ(octets[i].fate, Fate::Sacked);
  }
  void lose() {
    const auto run = static_cast<uint16_t>(below(board.size()));
    const uint32_t first = board.run(run).begin - board.begin();
    const uint32_t last = board.run_end(run) - board.begin();
    for (uint32_t i = first; i < last; ++i)
      if (octets[i].fate == Fate::InFlight) octets[i].fate = Fate::Lost;
    board.mark_lost(run);
  }
  void resend() {
    const uint16_t run = board.first_lost();
    if (run == Scoreboard::kNone) return;
    const Seq begin = board.run(run).begin;
    const uint32_t offset = begin - board.begin();
    for (uint32_t i = 0; i < offset; ++i) ASSERT_NE(octets[i].fate, Fate::Lost);
    const Bytes length = 1 + below(board.run_end(run) - begin);
    board.resent(begin, begin + length, now);
    for (uint32_t i = offset; i < offset + length; ++i)
      octets[i] = {.sent_at = now, .fate = Fate::InFlight, .retransmitted = true};
  }

  SeededEntropy random;
  Board board;
  std::deque<Octet> octets;
  Instant now{1s};
};

TEST(ScoreboardModel, RandomOperationsAcrossTheWrap_AgreeOctetByOctet) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Model model(seed, 2048);
    for (int i = 0; i < 400; ++i) {
      model.step();
      ASSERT_NO_FATAL_FAILURE(model.compare()) << "seed " << seed << ", step " << i;
    }
  }
}

}  // namespace
}  // namespace millrace::recovery

// Blind attacks (RFC 5961): what somebody who sees nothing of a connection may send, in every synchronized
// state, over TCBs and records alike; and the limits of what we answer (§7, CVE-2016-5696).
#include <set>

#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

constexpr Stage kSynchronized[] = {
    Stage::Established,  Stage::EstablishedSending, Stage::FinWait1, Stage::FinWait2,
    Stage::FinWait2Deaf, Stage::CloseWait,          Stage::Closing,  Stage::LastAck};

class Blind : public Scene {
 protected:
  const Counters& counters() { return peer().shard().counters(); }
  void expect_challenge(const std::vector<Captured>& seen) {
    ASSERT_EQ(seen.size(), 1U) << list(seen);
    EXPECT_EQ(seen[0].segment.flags, wire::kAck);
    EXPECT_EQ(seen[0].segment.seq, walk->v.snd_nxt);
    EXPECT_EQ(seen[0].segment.ack, walk->v.rcv_nxt);
    EXPECT_EQ(seen[0].segment.payload_length, 0U);
  }
};

// §3.2.
TEST_P(Blind, Rst_OnlyTheExactSequenceNumberResets) {
  for (const Stage stage : kSynchronized) {
    SCOPED_TRACE(name_of(stage));
    Walk& w = at(stage);
    for (const uint32_t off : {1U, 2U, 500U, w.v.rcv_wnd - 1}) {
      PeerSegment reset = w.next(wire::kRst);
      reset.seq = w.v.rcv_nxt + off;
      peer().send(reset);
      expect_challenge(peer().take());
      EXPECT_EQ(peer().state(), state_of(stage));
    }
    for (const uint32_t off : {0xffff'ffffU, 5000U, 0x8000'0000U}) {
      PeerSegment reset = w.next(wire::kRst);
      reset.seq = w.v.rcv_nxt + off;
      peer().send(reset);
      EXPECT_TRUE(peer().take().empty()) << "outside the window: in silence";
      EXPECT_EQ(peer().state(), state_of(stage));
    }
    peer().send(w.next(wire::kRst));
    EXPECT_TRUE(peer().take().empty());
    EXPECT_EQ(peer().state(), State::Closed);
    EXPECT_EQ(clean_up(w), "");
  }
}

// §3.2: a peer that has really restarted answers the challenge by a RST that fits.
TEST_P(Blind, Rst_AnsweringTheChallenge_EndsTheConnectionOfAPeerThatRestarted) {
  Walk& w = at(Stage::Established);
  PeerSegment reset = w.next(wire::kRst);
  reset.seq = w.v.rcv_nxt + 77;
  peer().send(reset);
  const wire::Segment asked = peer().take_one().segment;
  reset.seq = asked.ack;  // RFC 9293 §3.10.7.1
  peer().send(reset);
  EXPECT_EQ(peer().state(), State::Closed);
  EXPECT_EQ(w.app.take_events(), "closed(reset)");
}

// §4.2.
TEST_P(Blind, Syn_WhereverItLies_IsChallenged) {
  for (const Stage stage : kSynchronized) {
    SCOPED_TRACE(name_of(stage));
    Walk& w = at(stage);
    for (const uint32_t off : {0U, 1U, 500U, 5000U, 0x8000'0000U, 0xffff'ff00U})
      for (const wire::Flags flags : {wire::kSyn, wire::kSyn | wire::kAck}) {
        PeerSegment syn = w.next(flags);
        syn.seq = w.v.rcv_nxt + off;
        peer().send(syn);
        peer().advance(200ms);  // under the connection's own limit
        const std::vector<Captured> seen = peer().take();
        EXPECT_EQ(peer().state(), state_of(stage));
        if (stage == Stage::Established || stage == Stage::FinWait2) expect_challenge(seen);
        for (const Captured& one : seen) EXPECT_FALSE(one.segment.flags.rst());
      }
    EXPECT_EQ(clean_up(w), "");
  }
}

// §5.2: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT, or the text is not taken.
TEST_P(Blind, Text_NeedsAnAcknowledgementThatThePeerCouldSend) {
  constexpr uint32_t kWindow = 20'000;  // the largest that the peer has offered
  struct Row {
    uint32_t from_una;
    bool taken;
  };
  for (const Stage stage : {Stage::EstablishedSending, Stage::FinWait1, Stage::FinWait2})
    for (const Row& row : {Row{0, true}, Row{0U - kWindow, true}, Row{0U - kWindow - 1, false},
                           Row{0x8000'0000U, false}, Row{0x4000'0000U, false}, Row{1000, false}}) {
      SCOPED_TRACE(std::string(name_of(stage)) + " una+" +
                   std::to_string(static_cast<int32_t>(row.from_una)));
      Walk& w = at(stage);
      PeerSegment text = w.next(wire::kAck | wire::kPsh, 50);
      text.ack = w.v.snd_una + row.from_una;
      peer().send(text);
      EXPECT_EQ(w.app.received.size(), row.taken ? 50U : 0U);
      if (!row.taken) expect_challenge(peer().take());
      w.app.received.clear();
      peer().take();
      // Likewise a FIN, and text out of order, which would lie in wait.
      if (!row.taken) {
        text.seq = w.v.rcv_nxt + 10;
        peer().send(text);
        PeerSegment fin = w.next(wire::kAck | wire::kFin);
        fin.ack = text.ack;
        peer().send(fin);
        EXPECT_EQ(peer().state(), state_of(stage));
        peer().take();
        peer().send(w.next(wire::kAck, 10));
        EXPECT_EQ(w.app.received.size(), 10U) << "nothing had been kept";
        w.app.received.clear();
      }
      EXPECT_EQ(clean_up(w), "");
    }
}

TEST_P(Blind, Ack_OfWhatWasNeverSent_MovesNothing) {
  Walk& w = at(Stage::EstablishedSending);
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = w.v.snd_nxt + 1;
  ack.window = 1;
  peer().send(ack);
  expect_challenge(peer().take());
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), kExchanged);
  EXPECT_EQ(w.app_send(1000), 1000U);
  w.app.connection->set_no_delay(true);
  EXPECT_EQ(text_in(seen()), 1000U) << "nor the window";
}

// §7 for one connection: its peer may learn of it, nobody else.
TEST_P(Blind, Challenges_OfOneConnection_AreTenASecond) {
  Walk& w = at(Stage::Established);
  const auto storm = [&](int count) {
    size_t answers = 0;
    for (int i = 0; i < count; ++i) {
      PeerSegment reset = w.next(wire::kRst);
      reset.seq = w.v.rcv_nxt + 1 + static_cast<uint32_t>(i % 899);
      peer().send(reset);
      answers += peer().take().size();
    }
    return answers;
  };
  peer().advance(1s);
  EXPECT_EQ(storm(1000), 10U);
  peer().advance(1s);
  EXPECT_EQ(storm(1000), 10U);
  EXPECT_EQ(counters().tcp_challenge_acks_sent.value(), 20U);
  EXPECT_EQ(counters().tcp_challenge_acks_limited.value(), 1980U);
  EXPECT_EQ(peer().state(), State::Established);
}

// A SYN outside the window is a challenge too, and not an unacceptable segment that is answered each time.
TEST_P(Blind, Challenges_OfSynsOutsideTheWindow_AreTenASecond) {
  Walk& w = at(Stage::Established);
  peer().advance(1s);
  size_t answers = 0;
  for (uint32_t i = 0; i < 200; ++i) {
    PeerSegment syn = w.next(i % 2 == 0 ? wire::kSyn : wire::kSyn | wire::kAck);
    syn.seq = w.v.rcv_nxt + 5000 + i;
    peer().send(syn);
    answers += peer().take().size();
  }
  EXPECT_EQ(answers, 10U);
  EXPECT_EQ(peer().state(), State::Established);
}

// Two ends that disagree about sequence numbers would acknowledge each other for ever.
TEST_P(Blind, EmptySegmentsOutsideTheWindow_AreAnsweredTenTimesASecondAndTextAlways) {
  Walk& w = at(Stage::Established);
  peer().advance(1s);
  PeerSegment stray = w.next(wire::kAck);
  stray.seq = w.v.rcv_nxt + 5000;
  size_t answers = 0;
  for (int i = 0; i < 100; ++i) {
    peer().send(stray);
    answers += peer().take().size();
  }
  EXPECT_EQ(answers, 10U);
  PeerSegment again = w.next(wire::kAck, 50);
  again.seq = w.v.rcv_nxt - 50;
  for (int i = 0; i < 100; ++i) {  // its acknowledgement may have been lost each time
    peer().send(again);
    EXPECT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt);
  }
}

// CVE-2016-5696: the shard's bound is another one each second, so that nobody can count what is left of it.
TEST_P(Blind, Challenges_OfTheShard_AreBoundedByANumberThatNobodyKnows) {
  params.tcp.challenge_acks_per_second = 8;  // below the connection's own limit, and up to 12
  Walk& w = at(Stage::Established);
  std::set<size_t> bounds;
  for (int second = 0; second < 60; ++second) {
    peer().advance(1s);
    size_t answers = 0;
    for (int i = 0; i < 30; ++i) {
      PeerSegment reset = w.next(wire::kRst);
      reset.seq = w.v.rcv_nxt + 1 + static_cast<uint32_t>(i);
      peer().send(reset);
      answers += peer().take().size();
    }
    EXPECT_GE(answers, 4U);
    EXPECT_LE(answers, 10U);
    bounds.insert(answers);
  }
  EXPECT_GE(bounds.size(), 5U) << "each of 4 to 12 as likely as another";
}

// Live.
TEST_P(Blind, Challenges_OfTheShard_FollowTheConfiguration) {
  Walk& w = at(Stage::Established);
  params.tcp.challenge_acks_per_second = 1;
  peer().shard().set_tcp_params(params.tcp);
  size_t answers = 0;
  for (int second = 0; second < 20; ++second) {
    peer().advance(1s);
    for (int i = 0; i < 5; ++i) {
      peer().send({.flags = wire::kRst, .seq = w.v.rcv_nxt + 1, .ack = Seq(), .options = {}});
      answers += peer().take().size();
    }
  }
  EXPECT_LE(answers, 25U);
  EXPECT_GE(answers, 1U);
}

// ---- records
// -------------------------------------------------------------------------------------------------

TEST_P(Blind, SynReceivedRecord_ChallengesOnceBetweenTwoSynAcks) {
  Walk& w = at(Stage::SynReceived, Opening::Passive);
  const auto storm = [&] {
    size_t answers = 0;
    for (uint32_t i = 1; i < 100; ++i) {
      PeerSegment reset = w.next(wire::kRst);
      reset.seq = w.v.rcv_nxt + i;
      peer().send(reset);
      for (const Captured& one : peer().take()) answers += one.segment.flags == wire::kAck ? 1U : 0U;
    }
    return answers;
  };
  EXPECT_EQ(storm(), 1U);
  EXPECT_EQ(peer().state(), State::SynReceived);
  peer().advance(params.tcp.rto_initial);
  EXPECT_TRUE(peer().take_one().segment.flags.syn());
  EXPECT_EQ(storm(), 1U);
  peer().send(w.next(wire::kAck));
  EXPECT_EQ(peer().state(), State::Established) << "and the connection still opens";
}

TEST_P(Blind, TimeWaitRecord_AnswersABoundedNumber) {
  Walk& w = at(Stage::TimeWait);
  size_t answers = 0;
  for (uint32_t i = 1; i < 200; ++i) {
    PeerSegment reset = w.next(wire::kRst);
    reset.seq = w.v.rcv_nxt + i;
    peer().send(reset);
    PeerSegment syn = w.next(wire::kSyn);
    syn.seq = w.v.rcv_nxt - i - 1;
    peer().send(syn);
    for (const Captured& one : peer().take()) {
      EXPECT_EQ(one.segment.flags, wire::kAck);
      ++answers;
    }
  }
  EXPECT_EQ(answers, 32U);
  EXPECT_EQ(peer().state(), State::TimeWait);
  PeerSegment fin = w.next(wire::kFin | wire::kAck);
  fin.seq = w.v.rcv_nxt - 1;
  peer().send(fin);
  EXPECT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt) << "the FIN that comes again is no attack";
}

MILLRACE_BOTH_FAMILIES(Blind);

}  // namespace
}  // namespace millrace::conformance

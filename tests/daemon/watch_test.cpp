// What `serve` says about a peer whose offloads are on, and how often.
#include "control/serve/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::control {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Watched {
  Counters counters;
  const Counters* const shards[1] = {&counters};
  Watch::Time start{seconds(1000)};
};

TEST(Watch, NothingWrong_SaysNothing) {
  Watched watched;
  Watch watch("own", true);
  EXPECT_THAT(watch.look(watched.shards, watched.start), IsEmpty());
}

TEST(Watch, PeerLeavesChecksumsUnfinished_NamesTheCommandOnceAMinute) {
  Watched watched;
  Watch watch("own", true);
  watched.counters.peer_checksum_unfinished.add(3);
  EXPECT_THAT(watch.look(watched.shards, watched.start), ElementsAre(HasSubstr("ethtool -K PEER tx off")));
  watched.counters.peer_checksum_unfinished.add(4);
  EXPECT_THAT(watch.look(watched.shards, watched.start + seconds(59)), IsEmpty());
  EXPECT_THAT(watch.look(watched.shards, watched.start + seconds(60)), ElementsAre(HasSubstr("4 frames")));
  EXPECT_THAT(watch.look(watched.shards, watched.start + seconds(600)), IsEmpty());
}

TEST(Watch, FramesLargerThanTheMtu_NameBothEnds) {
  Watched watched;
  Watch watch("own", true);
  watched.counters.drop(DropReason::FrameTooLong);
  EXPECT_THAT(watch.look(watched.shards, watched.start),
              ElementsAre(HasSubstr("ethtool -K own gro off lro off")));
}

TEST(Watch, InterfaceMadeByTheDriver_IsItselfThePeer) {
  Watched watched;
  Watch watch("mr0", false);
  watched.counters.peer_checksum_unfinished.add();
  EXPECT_THAT(watch.look(watched.shards, watched.start), ElementsAre(HasSubstr("ethtool -K mr0 tx off")));
}

TEST(LinkWatch, Flap_IsToldOnceEachWay) {
  LinkWatch watch("net_memif0", true);
  const Watch::Time start{seconds(1000)};
  EXPECT_EQ(watch.look(true, start), std::nullopt);
  EXPECT_EQ(watch.look(false, start), "net_memif0: the link is down");
  EXPECT_EQ(watch.look(false, start + seconds(1)), std::nullopt);
  EXPECT_EQ(watch.look(true, start + seconds(2)), "net_memif0: the link is up");
}

TEST(LinkWatch, LinkThatFlapsOnAndOn_IsToldInSumAfterAMinute) {
  LinkWatch watch("p", true);
  const Watch::Time start{seconds(1000)};
  unsigned sentences = 0;
  for (int i = 0; i < 51; ++i) sentences += watch.look(i % 2 == 1, start + seconds(1)).has_value() ? 1 : 0;
  EXPECT_EQ(sentences, LinkWatch::kSentences);
  EXPECT_EQ(watch.look(false, start + seconds(62)), "p: the link is down, after 45 changes");
}

}  // namespace
}  // namespace millrace::control

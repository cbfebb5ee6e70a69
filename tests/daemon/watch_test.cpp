// What `serve` says about a peer whose offloads are on, and how often.
#include "control/serve_watch.h"

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

}  // namespace
}  // namespace millrace::control

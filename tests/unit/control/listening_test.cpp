#include "control/socket/listening.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

#include "raw_client.h"

namespace millrace::control {
namespace {

bool exists(const std::string& path) {
  struct stat found {};
  return lstat(path.c_str(), &found) == 0;
}

TEST(Listening, File_HasTheModeAndGoesAtTheEnd) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  {
    ListeningSocket listening;
    ASSERT_EQ(listening.open(path, 0640, ""), std::nullopt);
    struct stat found {};
    ASSERT_EQ(stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0640U);
  }
  EXPECT_FALSE(exists(path));
}

TEST(Listening, DirectoryIsMadeAndRemoved) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("run/control.sock");
  ListeningSocket listening;
  ASSERT_EQ(listening.open(path, 0660, ""), std::nullopt);
  listening.close();
  EXPECT_FALSE(exists(directory.file("run")));
}

TEST(Listening, DirectoryThatWasThere_Stays) {
  const test::TemporaryDirectory directory;
  std::filesystem::create_directory(directory.file("run"));
  ListeningSocket listening;
  ASSERT_EQ(listening.open(directory.file("run/control.sock"), 0660, ""), std::nullopt);
  listening.close();
  EXPECT_TRUE(exists(directory.file("run")));
}

// A process that is killed leaves the file: nobody listens behind it.
TEST(Listening, FileOfACrashedRun_IsTakenOver) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  const auto address = unix_address(path);
  const int crashed = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(crashed, address->get(), address->size()), 0);
  ASSERT_EQ(listen(crashed, 1), 0);
  close(crashed);
  ASSERT_TRUE(exists(path));

  ListeningSocket listening;
  EXPECT_EQ(listening.open(path, 0660, ""), std::nullopt);
  EXPECT_TRUE(test::RawClient(path).connected());
}

TEST(Listening, LiveSocket_IsRefusedAndLeftAlone) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  ListeningSocket first, second;
  ASSERT_EQ(first.open(path, 0660, ""), std::nullopt);
  const auto refused = second.open(path, 0660, "");
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->find("Another endpoint answers on " + path), std::string::npos) << *refused;
  second.close();
  EXPECT_TRUE(test::RawClient(path).connected());
}

TEST(Listening, FileOfAnotherKind_IsRefusedAndLeftAlone) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("precious");
  std::ofstream(path) << "data";
  ListeningSocket listening;
  const auto refused = listening.open(path, 0660, "");
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->find("is no socket"), std::string::npos) << *refused;
  listening.close();
  EXPECT_TRUE(exists(path));
}

TEST(Listening, FileThatIsAnothersByNow_IsNotRemoved) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  ListeningSocket first, second;
  ASSERT_EQ(first.open(path, 0660, ""), std::nullopt);
  std::filesystem::remove(path);
  ASSERT_EQ(second.open(path, 0660, ""), std::nullopt);
  first.close();
  EXPECT_TRUE(test::RawClient(path).connected());
}

TEST(Listening, WhatCannotBe_IsOneSentenceAndLeavesNothing) {
  const test::TemporaryDirectory directory;
  for (const std::string& path : {std::string(), directory.file(std::string(120, 'x')),
                                  directory.file("a/b/c"), std::string("/proc/millrace/control.sock")}) {
    ListeningSocket listening;
    const auto refused = listening.open(path, 0660, "");
    ASSERT_TRUE(refused) << path;
    EXPECT_EQ(refused->find('\n'), std::string::npos) << *refused;
    EXPECT_TRUE(refused->ends_with('.')) << *refused;
  }
  EXPECT_FALSE(exists(directory.file("a")));
}

TEST(Listening, UnknownGroup_IsRefused) {
  const test::TemporaryDirectory directory;
  ListeningSocket listening;
  const auto refused = listening.open(directory.file("control.sock"), 0660, "no-such-group");
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->find("'no-such-group'"), std::string::npos) << *refused;
  EXPECT_FALSE(exists(directory.file("control.sock")));
}

TEST(Listening, Peers_RootOwnUserAndGroupMayTalk) {
  const test::TemporaryDirectory directory;
  ListeningSocket listening;
  ASSERT_EQ(listening.open(directory.file("control.sock"), 0660, ""), std::nullopt);
  const int nobody = -1;  // no socket to read supplementary groups from
  EXPECT_TRUE(listening.may_talk(nobody, {1, 0, 12345}));
  EXPECT_TRUE(listening.may_talk(nobody, {1, geteuid(), 12345}));
  EXPECT_TRUE(listening.may_talk(nobody, {1, 54321, getegid()}));
  EXPECT_FALSE(listening.may_talk(nobody, {1, 54321, 12345}));
}

TEST(Listening, Mode_DecidesOverGroupAndOthers) {
  const test::TemporaryDirectory directory;
  ListeningSocket own, all;
  ASSERT_EQ(own.open(directory.file("own"), 0600, ""), std::nullopt);
  ASSERT_EQ(all.open(directory.file("all"), 0666, ""), std::nullopt);
  EXPECT_FALSE(own.may_talk(-1, {1, 54321, getegid()}));
  EXPECT_TRUE(all.may_talk(-1, {1, 54321, 12345}));
}

}  // namespace
}  // namespace millrace::control

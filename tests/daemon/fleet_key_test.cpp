// The fleet's key file: what it may hold, who may read it, and what is said of one that is wrong.
#include "control/endpoint/fleet_key.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "control/process/error.h"

namespace millrace::control {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kFirst = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const std::string kSecond = "FF0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";

Secrets taken(const std::string& text) {
  FleetKeys read = parse_fleet_keys(text, "f");
  const auto* problem = std::get_if<std::string>(&read);
  EXPECT_EQ(problem, nullptr) << *problem;
  return problem == nullptr ? std::get<Secrets>(read) : Secrets{};
}

std::string refused(const std::string& text) {
  FleetKeys read = parse_fleet_keys(text, "f");
  const auto* problem = std::get_if<std::string>(&read);
  EXPECT_NE(problem, nullptr) << text;
  return problem == nullptr ? "" : *problem;
}

TEST(FleetKey, OneSecretIssuesAndASecondIsAccepted) {
  const Secrets one = taken(kFirst);
  EXPECT_TRUE(one.shared);
  EXPECT_FALSE(one.accept);
  const Secrets two = taken("# the new one\n" + kSecond + "\r\n\n  " + kFirst + "  \n");
  EXPECT_EQ(two.accept, one.issue);
  EXPECT_NE(two.issue, one.issue);
}

TEST(FleetKey, CaseDoesNotMatterAndEveryOctetDoes) {
  std::string lower = kSecond;
  for (char& c : lower) c = static_cast<char>(std::tolower(c));
  EXPECT_EQ(taken(lower).issue, taken(kSecond).issue);
  const std::string longer = kFirst + kSecond;
  EXPECT_NE(taken(longer).issue, taken(kFirst).issue);
  std::string last = longer;
  last.back() = '0';
  EXPECT_NE(taken(longer).issue, taken(last).issue);
}

TEST(FleetKey, WhatIsWrong_IsSaidWithTheLineAndWithoutTheSecret) {
  EXPECT_THAT(refused(""), HasSubstr("holds no secret"));
  EXPECT_THAT(refused("# nothing\n"), HasSubstr("openssl rand -hex 32"));
  EXPECT_THAT(refused("\n" + kFirst.substr(2)), HasSubstr("f:2: 62 digits are too few"));
  EXPECT_THAT(refused(kFirst + "0"), HasSubstr("odd"));
  EXPECT_THAT(refused(kFirst + "0x"), HasSubstr("column 66 is no hexadecimal digit"));
  EXPECT_THAT(refused(std::string(64, 'a')), HasSubstr("no secret"));
  EXPECT_THAT(refused(std::string(258, 'a')), HasSubstr("more than 256"));
  EXPECT_THAT(refused(kFirst + "\n" + kSecond + "\n" + kFirst), HasSubstr("f:3: a third secret"));
  EXPECT_THAT(refused("0123456789abcdef"), Not(HasSubstr("0123456789abcdef")));
}

class FleetKeyFile : public testing::Test {
 protected:
  FleetKeyFile() { write(kFirst + "\n", 0600); }
  ~FleetKeyFile() override { unlink(path.c_str()); }
  void write(const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
  }
  std::string problem(const std::string& of) {
    FleetKeys read = read_fleet_keys(of);
    const auto* said = std::get_if<std::string>(&read);
    return said == nullptr ? "" : *said;
  }
  std::string path = "/tmp/millrace-fleet-key-" + std::to_string(getpid());
};

TEST_F(FleetKeyFile, IsReadWhenOthersCannot) {
  EXPECT_EQ(problem(path), "");
  EXPECT_EQ(std::get<Secrets>(read_fleet_keys(path)).issue, taken(kFirst).issue);
  chmod(path.c_str(), 0640);
  EXPECT_EQ(problem(path), "");
}

TEST_F(FleetKeyFile, IsRefusedWhenOthersCan) {
  for (const mode_t mode : {0644, 0604, 0602, 0660, 0777}) {
    chmod(path.c_str(), mode);
    EXPECT_THAT(problem(path), HasSubstr("chmod 600")) << std::oct << mode;
  }
}

TEST_F(FleetKeyFile, IsRefusedWhenItIsNoFileOrTooLarge) {
  EXPECT_THAT(problem("/nonexistent"), HasSubstr("No such file"));
  EXPECT_THAT(problem("/tmp"), HasSubstr("no regular file"));
  EXPECT_THAT(problem("/dev/zero"), HasSubstr("no regular file"));
  write(std::string(5000, '#'), 0600);
  EXPECT_THAT(problem(path), HasSubstr("larger than 4096"));
}

TEST_F(FleetKeyFile, StartsWithItOrNotAtAll) {
  EXPECT_TRUE(take_secrets({.key_file = path}).shared);
  EXPECT_THROW(take_secrets({.key_file = "/nonexistent"}), StartError);
  const Secrets own = take_secrets({});
  EXPECT_FALSE(own.shared);
  EXPECT_NE(own.issue, take_secrets({}).issue);
}

}  // namespace
}  // namespace millrace::control

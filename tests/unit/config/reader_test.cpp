#include "config/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "helpers.h"

namespace millrace::config {
namespace {

using testing::HasSubstr;

FileText read_good(std::string_view text) {
  Problems problems;
  FileText out = read_text("f", text, problems);
  EXPECT_EQ(problems.text(), "");
  return out;
}

std::string read_bad(std::string_view text) {
  Problems problems;
  read_text("f", text, problems);
  return problems.text();
}

std::string value_of(const std::string& written) {
  const FileText out = read_good("[tcp]\nmsl = " + written + "\n");
  return out.lines.size() == 1 ? out.lines[0].value : "no line";
}

TEST(Reader, Lines_KeepSectionKeyValueAndNumber) {
  const FileText out = read_good("# first\n\n[port.p0]  # heading\n  vdev=net_tap0 \r\n[ tcp ]\nmsl = 5s");
  ASSERT_EQ(out.lines.size(), 2U);
  EXPECT_EQ(out.lines[0].section, "port");
  EXPECT_EQ(out.lines[0].instance, "p0");
  EXPECT_EQ(out.lines[0].key, "vdev");
  EXPECT_EQ(out.lines[0].value, "net_tap0");
  EXPECT_EQ(out.lines[0].number, 4U);
  EXPECT_EQ(out.lines[1].section, "tcp");
  EXPECT_EQ(out.lines[1].instance, "");
  EXPECT_EQ(out.lines[1].number, 6U);
}

TEST(Reader, Values_LoseQuotesAndComments) {
  EXPECT_EQ(value_of("5s # five"), "5s");
  EXPECT_EQ(value_of("5s\t#five"), "5s");
  EXPECT_EQ(value_of("a#b"), "a#b");
  EXPECT_EQ(value_of("a=b=c"), "a=b=c");
  EXPECT_EQ(value_of("\"a # b\" # c"), "a # b");
  EXPECT_EQ(value_of("\"\""), "");
  EXPECT_EQ(value_of("\" a \""), " a ");
  EXPECT_EQ(value_of(R"("say \"x\" \\ \n")"), R"(say "x" \ \n)");
}

TEST(Reader, ByteOrderMarkAndCarriageReturns_AreNoMatter) {
  EXPECT_EQ(read_good("\xef\xbb\xbf[tcp]\r\nmsl = 5s\r\n").lines.size(), 1U);
}

TEST(Reader, BadLines_AreEachReportedWithTheirNumber) {
  EXPECT_EQ(read_bad("[tcp]\nmsl\n[tpc]\nx = 1\n[tcp\n"),
            "f:2: 'msl' is neither [section] nor `key = value`\n"
            "f:3: [tpc]: unknown section; did you mean [tcp]?\n"
            "f:5: '[tcp' is not a section heading; write [section] alone on its line\n");
  EXPECT_THAT(read_bad("msl = 5s"), HasSubstr("f:1: msl: stands before any section"));
  EXPECT_THAT(read_bad("[tcp]\n; msl = 5s"), HasSubstr("comments begin with #"));
  EXPECT_THAT(read_bad("[tcp]\nmsl ="), HasSubstr("f:2: tcp.msl: has no value"));
  EXPECT_THAT(read_bad("[tcp]\nmsl = # later"), HasSubstr("f:2: tcp.msl: has no value"));
  EXPECT_THAT(read_bad("[port.a]\nmtu = \"1"), HasSubstr("f:2: port.a.mtu: '\"1' has no closing quote"));
  EXPECT_THAT(read_bad("[tcp]\nmsl = \"1\" 2"), HasSubstr("'2' stands after the closing quote"));
  EXPECT_THAT(read_bad("[tcp]\n= 5s"), HasSubstr("'' is not the name of a key"));
  EXPECT_THAT(read_bad("[tcp]\nm sl = 5s"), HasSubstr("'m sl' is not the name of a key"));
}

TEST(Reader, BadHeadings_SayWhatAHeadingIs) {
  EXPECT_THAT(read_bad("[]"), HasSubstr("unknown section; there are eal, port"));
  EXPECT_THAT(read_bad("[service]"), HasSubstr("as in [service.web]"));
  EXPECT_THAT(read_bad("[port.]"), HasSubstr("as in [port.p0]"));
  EXPECT_THAT(read_bad("[port.a.b]"), HasSubstr("needs a name"));
  EXPECT_THAT(read_bad("[tcp.x]"), HasSubstr("[tcp] takes no name; write [tcp]"));
  EXPECT_THAT(read_bad("[tcp] msl = 5s"), HasSubstr("write [section] alone on its line"));
}

TEST(Reader, KeysUnderABadHeading_AreNotReportedAgain) {
  Problems problems;
  const FileText out = read_text("f", "[nonsense]\na = 1\nb = 2\n[tcp]\nmsl = 5s\n", problems);
  EXPECT_EQ(problems.total(), 1U);
  EXPECT_EQ(out.lines.size(), 1U);
}

TEST(Reader, HostileOctets_AreRefusedAndShownEscaped) {
  EXPECT_THAT(read_bad(std::string("[tcp]\nmsl = 5s\0 x\n", 18)), HasSubstr("f:2: the line has a NUL octet"));
  EXPECT_EQ(read_bad("[tcp]\nmsl = \xff\x1b\n"),
            "f:2: 'msl = \\xff\\x1b' is not UTF-8; save the file as UTF-8\n");
  EXPECT_EQ(read_bad("# \xff is a comment\n"), "");
}

TEST(Reader, LinesAndSettings_AreBounded) {
  const std::string at_limit = "#" + std::string(kLineLimit - 1, 'x');
  EXPECT_EQ(read_bad(at_limit), "");
  EXPECT_EQ(read_bad(at_limit + "x"), "f:1: the line has 8193 octets; at most 8192 are read\n");
  std::string many = "[address]\n";
  for (size_t i = 0; i <= kSettingLimit + 5; ++i) many += "add = 10.0.0.1/24\n";
  Problems problems;
  EXPECT_EQ(read_text("f", many, problems).lines.size(), kSettingLimit);
  EXPECT_EQ(problems.text(), "f:4098: the file has more than 4096 settings; the rest is not read\n");
}

TEST(Reader, ManyProblems_AreCountedAndTheFirstAreKept) {
  std::string garbage;
  for (int i = 0; i < 1000; ++i) garbage += "x\n";
  Problems problems;
  read_text("f", garbage, problems);
  EXPECT_EQ(problems.total(), 1000U);
  EXPECT_EQ(problems.kept().size(), Problems::kKept);
  EXPECT_THAT(problems.text(), testing::EndsWith("and 800 more problems\n"));
}

class ReaderFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "millrace_config_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    unlink(path().c_str());
    rmdir(folder_.c_str());
  }
  std::string path() const { return folder_ + "/f"; }

  std::string folder_;
};

TEST_F(ReaderFile, LargestFile_IsReadAndALargerOneIsNot) {
  Problems problems;
  std::ofstream(path()) << std::string(kFileLimit, '\n');
  EXPECT_EQ(read_file(path(), problems).size(), kFileLimit);
  EXPECT_EQ(problems.text(), "");
  std::ofstream(path()) << std::string(kFileLimit + 1, '\n');
  EXPECT_EQ(read_file(path(), problems), "");
  EXPECT_THAT(problems.text(), HasSubstr("is larger than 1MiB"));
}

TEST_F(ReaderFile, WhatIsNoFile_IsRefusedWithoutWaiting) {
  Problems problems;
  read_file(path(), problems);
  read_file(folder_, problems);
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  read_file(path(), problems);
  read_file("/dev/zero", problems);
  EXPECT_EQ(problems.text(),
            path() + ": cannot be opened: No such file or directory\n" +  //
                folder_ + ": is not a regular file; give the file that holds the configuration\n" + path() +
                ": is not a regular file; give the file that holds the configuration\n" +
                "/dev/zero: is not a regular file; give the file that holds the configuration\n");
}

}  // namespace
}  // namespace millrace::config

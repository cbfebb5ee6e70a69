// From targets to paths: every form of RFC 9112 §3.2, and what must not be one.
#include "services/http_target.h"

#include <gtest/gtest.h>

#include "services/http_date.h"

namespace millrace::services {
namespace {

using Status = HttpPath::Status;

TEST(HttpTarget, OriginAndAbsoluteForm_NameAPath) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/", "/"},
      {"/a/b.txt?c=d&e", "/a/b.txt"},
      {"/?", "/"},
      {"/%61%2Fb%20c", "/a/b c"},
      {"/a%3Fb?c", "/a?b"},
      {"http://host/a", "/a"},
      {"HTTP://host:80/a?b", "/a"},
      {"http://host", "/"},
      {"http://host?x", "/"},
      {"//host/a", "//host/a"},
      {"/../etc/passwd", "/../etc/passwd"},
      {"/%2e%2E/etc", "/../etc"},
  };
  for (const auto& [target, path] : cases) {
    HttpPathScratch scratch;
    const HttpPath result = path_of_target(target, scratch);
    EXPECT_EQ(result.status, Status::Ok) << target;
    EXPECT_EQ(result.path, path) << target;
  }
}

TEST(HttpTarget, BrokenTargets_AreBad) {
  for (const char* target : {"", "*", "host:80", "a/b", "http://", "http:///a", "ftp://host/a",
                             "https://host/a", "/%", "/%4", "/%4x", "/%00", "/a%00.html", "/%zz"}) {
    HttpPathScratch scratch;
    EXPECT_EQ(path_of_target(target, scratch).status, Status::Bad) << target;
  }
}

TEST(HttpTarget, LongPath_IsTooLongOnceDecoded) {
  HttpPathScratch scratch;
  std::string encoded;
  for (size_t i = 1; i < kHttpPathLimit; ++i) encoded += "%61";
  EXPECT_EQ(path_of_target("/" + encoded, scratch).status, Status::Ok);
  EXPECT_EQ(path_of_target("/a" + encoded, scratch).status, Status::TooLong);
  EXPECT_EQ(path_of_target("/a" + encoded + "%", scratch).status, Status::Bad);
  EXPECT_EQ(path_of_target("/" + std::string(kHttpPathLimit, 'a'), scratch).status, Status::TooLong);
}

TEST(HttpTarget, Encoding_LeavesNothingThatEndsALine) {
  EXPECT_EQ(percent_encoded("/a b\r\n\xff?#%/"), "/a%20b%0D%0A%FF%3F%23%25/");
}

TEST(HttpDate, IsImfFixdate) {
  EXPECT_EQ(http_date(std::chrono::sys_seconds(std::chrono::seconds(784111777))),
            "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(std::chrono::sys_seconds(std::chrono::seconds(951782400))),
            "Tue, 29 Feb 2000 00:00:00 GMT");
}

}  // namespace
}  // namespace millrace::services

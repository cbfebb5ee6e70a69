// Directories as sites: what is served under which path, and what a directory may not hold.
#include "services/http_site.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace millrace::services {
namespace {

namespace fs = std::filesystem;
using Kind = HttpSite::Found::Kind;

class HttpSiteDirectory : public testing::Test {
 protected:
  HttpSiteDirectory() {
    std::string pattern = (fs::temp_directory_path() / "millrace-site-XXXXXX").string();
    base_ = ::mkdtemp(pattern.data());
    root_ = base_ / "root";
    fs::create_directory(root_);
  }
  ~HttpSiteDirectory() override { fs::remove_all(base_); }

  void write(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::string error_of_load(uint64_t limit = 1000) {
    auto site = HttpSite::load(root_.string(), limit);
    return site ? "" : site.error();
  }

  fs::path base_;
  fs::path root_;
};

TEST_F(HttpSiteDirectory, Files_AreFoundUnderTheirPaths) {
  write(root_ / "index.html", "home");
  write(root_ / "a/b/index.html", "deep");
  write(root_ / "a/Style.CSS", "css");
  write(root_ / "a/unknown.xyz", std::string_view("\0\1", 2));
  auto loaded = HttpSite::load(root_.string(), 1000);
  ASSERT_TRUE(loaded) << loaded.error();
  const HttpSite& site = **loaded;
  const auto file = [&](std::string_view path) -> const HttpFile& {
    const auto found = site.find(path);
    EXPECT_EQ(found.kind, Kind::File) << path;
    return site.files()[found.index];
  };
  EXPECT_EQ(file("/").body, "home");
  EXPECT_EQ(file("/index.html").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(file("/a/b/").body, "deep");
  EXPECT_EQ(file("/a/Style.CSS").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(file("/a/unknown.xyz").content_type, "application/octet-stream");
  EXPECT_EQ(file("/a/unknown.xyz").body.size(), 2U);
  EXPECT_FALSE(file("/").last_modified.empty());
  EXPECT_NE(file("/").etag, file("/a/b/").etag);

  ASSERT_EQ(site.find("/a/b").kind, Kind::Directory);
  EXPECT_EQ(site.locations()[site.find("/a/b").index], "/a/b/");
  for (const char* path :
       {"/a", "/a/", "/a/b/c", "/index", "", "index.html", "//", "/./", "/a/../index.html"})
    EXPECT_EQ(site.find(path).kind, Kind::Nothing) << path;
}

TEST_F(HttpSiteDirectory, HiddenNames_AreLeftOut) {
  write(root_ / ".git/config", "secret");
  write(root_ / ".htpasswd", "secret");
  write(root_ / "a", "a");
  auto loaded = HttpSite::load(root_.string(), 1000);
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ((*loaded)->files().size(), 1U);
}

TEST_F(HttpSiteDirectory, LinkWithin_IsServed) {
  write(root_ / "a/real.txt", "real");
  fs::create_symlink("a/real.txt", root_ / "link.txt");
  auto loaded = HttpSite::load(root_.string(), 1000);
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ((*loaded)->find("/link.txt").kind, Kind::File);
}

TEST_F(HttpSiteDirectory, LinksOut_AreRefused) {
  write(base_ / "secret", "secret");
  write(base_ / "root-beside/secret", "secret");
  for (const char* target :
       {"/etc/passwd", "../secret", "../root-beside/secret", "../../", "..", "/nowhere", "loop"}) {
    fs::create_symlink(target, root_ / "loop");
    EXPECT_NE(error_of_load(), "") << target;
    fs::remove(root_ / "loop");
  }
  EXPECT_EQ(error_of_load(), "");
}

TEST_F(HttpSiteDirectory, LinkToDirectoryWithin_IsRefused) {
  write(root_ / "a/file", "x");
  fs::create_directory_symlink(".", root_ / "self");
  EXPECT_NE(error_of_load().find("link to a directory"), std::string::npos);
}

TEST_F(HttpSiteDirectory, PipeInIt_IsRefusedAndNotWaitedFor) {
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_NE(error_of_load().find("neither a file nor a directory"), std::string::npos);
}

TEST_F(HttpSiteDirectory, MoreThanTheBound_IsRefused) {
  write(root_ / "a", std::string(600, 'a'));
  write(root_ / "b", std::string(400, 'b'));
  EXPECT_EQ(error_of_load(1000), "");
  EXPECT_NE(error_of_load(999).find("holds more than 999 bytes"), std::string::npos);
}

TEST_F(HttpSiteDirectory, NoDirectory_IsASentence) {
  EXPECT_FALSE(HttpSite::load((root_ / "missing").string(), 1));
  write(root_ / "file", "");
  auto site = HttpSite::load((root_ / "file").string(), 1);
  ASSERT_FALSE(site);
  EXPECT_EQ(site.error(), "'" + (root_ / "file").string() + "' is not a directory");
}

TEST(HttpSite, BuiltIn_HasAFrontPage) { EXPECT_EQ(HttpSite::built_in()->find("/").kind, Kind::File); }

}  // namespace
}  // namespace millrace::services

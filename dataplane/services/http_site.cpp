#include "services/http_site.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "services/http_date.h"
#include "services/http_target.h"

namespace millrace::services {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kIndex = "index.html";

constexpr std::string_view kBuiltInPage =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta "
    "charset=\"utf-8\"><title>Millrace</title></head>\n<body>\n"
    "<h1>It runs.</h1>\n"
    "<p>This page came over Millrace, a TCP endpoint outside the kernel.</p>\n"
    "<p>Give the http service a directory to serve your own files.</p>\n"
    "</body>\n</html>\n";

constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kContentTypes{{
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/vnd.microsoft.icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"wasm", "application/wasm"},
    {"pdf", "application/pdf"},
    {"mp4", "video/mp4"},
    {"gz", "application/gzip"},
    {"zip", "application/zip"},
}};

std::string_view content_type_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const size_t dot = name.rfind('.');
  if (dot != std::string_view::npos) {
    std::string extension(name.substr(dot + 1));
    for (char& c : extension)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    for (const auto& [known, type] : kContentTypes)
      if (known == extension) return type;
  }
  return "application/octet-stream";
}

// FNV-1a: the tag tells one content from another, it does not resist somebody who may write the files.
std::string etag_of(std::string_view body) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : body) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "\"%zx-%016llx\"", body.size(),
                                   static_cast<unsigned long long>(hash));
  return std::string(text.data(), static_cast<size_t>(length));
}

// Walks a directory and adds its files to a site.
class Loader {
 public:
  Loader(HttpSite& site, fs::path root, uint64_t limit)
      : site_(site), root_(std::move(root)), limit_(limit) {}

  // Empty: all went well.
  std::string run() {
    std::error_code error;
    const fs::path canonical = fs::canonical(root_, error);
    if (error) return sentence(root_, "cannot be opened: " + error.message());
    if (!fs::is_directory(canonical, error)) return sentence(root_, "is not a directory");
    root_ = canonical;
    return walk();
  }

 private:
  static std::string sentence(const fs::path& path, const std::string& what) {
    return "'" + path.string() + "' " + what;
  }

  std::string walk() {
    std::error_code error;
    fs::recursive_directory_iterator it(root_, error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      const fs::path& path = it->path();
      if (path.filename().string().starts_with('.')) {
        it.disable_recursion_pending();
        continue;
      }
      if (std::string problem = visit(path, it->is_symlink(error)); !problem.empty()) return problem;
    }
    return error ? sentence(root_, "cannot be read: " + error.message()) : "";
  }

  std::string visit(const fs::path& path, bool is_link) {
    std::error_code error;
    fs::path target = path;
    if (is_link) {
      target = fs::canonical(path, error);
      if (error) return sentence(path, "is a link that leads nowhere; remove it");
      const auto [end, _] = std::mismatch(root_.begin(), root_.end(), target.begin(), target.end());
      if (end != root_.end()) return sentence(path, "is a link out of the directory; copy the file instead");
    }
    struct stat status {};
    if (::stat(target.c_str(), &status) != 0)
      return sentence(path, std::string("cannot be read: ") + std::strerror(errno));
    if (S_ISDIR(status.st_mode))
      return is_link ? sentence(path, "is a link to a directory; copy the directory instead") : "";
    if (!S_ISREG(status.st_mode)) return sentence(path, "is neither a file nor a directory; remove it");
    return read(path, target, status);
  }

  std::string read(const fs::path& path, const fs::path& target, const struct stat& status) {
    const std::string name = "/" + path.lexically_relative(root_).generic_string();
    if (name.size() >= kHttpPathLimit) return sentence(path, "has too long a path; it may have 511 octets");
    total_ += static_cast<uint64_t>(status.st_size);
    if (total_ > limit_) return too_much();
    std::string body(static_cast<size_t>(status.st_size), '\0');
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(target.c_str(), "rb"), &std::fclose);
    if (!file) return sentence(path, std::string("cannot be opened: ") + std::strerror(errno));
    if (std::fread(body.data(), 1, body.size(), file.get()) != body.size())
      return sentence(path, "could not be read whole; it may have changed meanwhile");
    const auto modified = std::chrono::sys_seconds(std::chrono::seconds(status.st_mtime));
    site_.add(name, std::move(body), http_date(modified));
    return "";
  }

  std::string too_much() const {
    return sentence(root_, "holds more than " + std::to_string(limit_) +
                               " bytes, the bound of what is kept in memory; raise the bound or serve less");
  }

  HttpSite& site_;
  fs::path root_;
  uint64_t limit_;
  uint64_t total_ = 0;
};

}  // namespace

Result<std::shared_ptr<const HttpSite>> HttpSite::load(const std::string& directory, uint64_t limit_bytes) {
  auto site = std::make_shared<HttpSite>();
  if (std::string problem = Loader(*site, directory, limit_bytes).run(); !problem.empty())
    return Error{std::move(problem)};
  return std::shared_ptr<const HttpSite>(std::move(site));
}

std::shared_ptr<const HttpSite> HttpSite::built_in() {
  auto site = std::make_shared<HttpSite>();
  site->add("/index.html", std::string(kBuiltInPage), "");
  return site;
}

void HttpSite::add(const std::string& path, std::string body, std::string last_modified) {
  const Found file{Found::Kind::File, static_cast<uint32_t>(files_.size())};
  HttpFile entry{content_type_of(path), etag_of(body), std::move(last_modified), std::move(body)};
  files_.push_back(std::move(entry));
  paths_.insert_or_assign(path, file);

  const size_t slash = path.rfind('/');
  if (std::string_view(path).substr(slash + 1) != kIndex) return;
  paths_.insert_or_assign(path.substr(0, slash + 1), file);
  if (slash == 0) return;
  // A page's relative links are right only below the slash.
  paths_.emplace(path.substr(0, slash),
                 Found{Found::Kind::Directory, static_cast<uint32_t>(locations_.size())});
  locations_.push_back(percent_encoded(path.substr(0, slash + 1)));
}

HttpSite::Found HttpSite::find(std::string_view path) const {
  const auto it = paths_.find(path);
  return it == paths_.end() ? Found{} : it->second;
}

}  // namespace millrace::services

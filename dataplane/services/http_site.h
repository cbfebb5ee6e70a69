// What an HTTP service serves: files read into memory before the first connection, then read-only and shared
// by all shards. A request only ever looks a path up in a table, so none can leave the directory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/result.h"

namespace millrace::services {

struct HttpFile {
  std::string_view content_type;
  std::string etag;           // with its quotes: of the content alone, so the same on every shard and host
  std::string last_modified;  // empty: unknown
  std::string body;
};

class HttpSite {
 public:
  // What a path names.
  struct Found {
    enum class Kind : uint8_t { Nothing, File, Directory } kind = Kind::Nothing;
    uint32_t index = 0;  // into files() or locations()
  };

  // Reads every regular file below `directory`, `limit_bytes` at most. A directory is served by its
  // index.html. Names that begin with a dot are left out; links are followed to files within the directory,
  // and any other link is an error.
  static Result<std::shared_ptr<const HttpSite>> load(const std::string& directory, uint64_t limit_bytes);
  // One page, for an endpoint that was given no files.
  static std::shared_ptr<const HttpSite> built_in();

  // `path` is absolute and decoded.
  Found find(std::string_view path) const;
  const std::vector<HttpFile>& files() const { return files_; }
  // Where directories named without their slash are sent: percent-encoded paths.
  const std::vector<std::string>& locations() const { return locations_; }

  // Adds a file under its absolute path; set-up only.
  void add(const std::string& path, std::string body, std::string last_modified);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  std::vector<HttpFile> files_;
  std::vector<std::string> locations_;
  std::unordered_map<std::string, Found, Hash, std::equal_to<>> paths_;
};

}  // namespace millrace::services

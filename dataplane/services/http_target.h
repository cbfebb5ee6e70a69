// From a request target to the path that it names. Neighbours: http_parser.h (which octets a target may
// have), http_site.h (which paths exist).
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace millrace::services {

// No path of a site is longer, decoded; a longer one names nothing.
inline constexpr size_t kHttpPathLimit = 512;

struct HttpPath {
  enum class Status {
    Ok,
    Bad,      // 400: no form of RFC 9112 §3.2 that GET may have, or a broken percent-encoding
    TooLong,  // 404: longer than any path that exists
  };
  Status status = Status::Bad;
  std::string_view path;  // absolute and decoded; points into the target or the scratch
};

using HttpPathScratch = std::array<char, kHttpPathLimit>;

HttpPath path_of_target(std::string_view target, HttpPathScratch& scratch);

// `path` as it may stand in a Location field.
std::string percent_encoded(std::string_view path);

}  // namespace millrace::services

#include "services/http_response.h"

#include <charconv>
#include <cstring>

namespace millrace::services {

namespace {

#define MILLRACE_HTTP_STATUS(code, reason) \
  { code, "HTTP/1.1 " #code " " reason "\r\n", #code " " reason "\n" }

constexpr std::array<HttpStatus, 14> kStatuses{{
    MILLRACE_HTTP_STATUS(200, "OK"),
    MILLRACE_HTTP_STATUS(301, "Moved Permanently"),
    MILLRACE_HTTP_STATUS(304, "Not Modified"),
    MILLRACE_HTTP_STATUS(400, "Bad Request"),
    MILLRACE_HTTP_STATUS(404, "Not Found"),
    MILLRACE_HTTP_STATUS(405, "Method Not Allowed"),
    MILLRACE_HTTP_STATUS(413, "Content Too Large"),
    MILLRACE_HTTP_STATUS(414, "URI Too Long"),
    MILLRACE_HTTP_STATUS(417, "Expectation Failed"),
    MILLRACE_HTTP_STATUS(431, "Request Header Fields Too Large"),
    MILLRACE_HTTP_STATUS(501, "Not Implemented"),
    MILLRACE_HTTP_STATUS(503, "Service Unavailable"),
    MILLRACE_HTTP_STATUS(505, "HTTP Version Not Supported"),
    MILLRACE_HTTP_STATUS(500, "Internal Server Error"),
}};

}  // namespace

const HttpStatus& http_status(uint16_t code) {
  for (const HttpStatus& status : kStatuses)
    if (status.code == code) return status;
  MILLRACE_CHECK(false);
  return kStatuses.back();
}

HttpHead& HttpHead::add(std::string_view text) {
  MILLRACE_CHECK(size_ + text.size() <= text_.size());
  const size_t count = std::min(text.size(), text_.size() - size_);
  std::memcpy(text_.data() + size_, text.data(), count);
  size_ += count;
  return *this;
}

HttpHead& HttpHead::add_number(uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return add({digits.data(), static_cast<size_t>(end - digits.data())});
}

HttpHead& HttpHead::field(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  return add(name).add(": ").add(value).add("\r\n");
}

}  // namespace millrace::services

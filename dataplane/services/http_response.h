// The texts of responses: status lines, fields, the small pages that come with errors. http_server.h decides
// which to send.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.h"

namespace millrace::services {

struct HttpStatus {
  uint16_t code;
  std::string_view line;  // "HTTP/1.1 404 Not Found\r\n"
  std::string_view page;  // "404 Not Found\n"
};

// `code` is one that this server sends.
const HttpStatus& http_status(uint16_t code);

inline constexpr std::string_view kHttpContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// A response's head, composed on the stack. Whatever goes in is ours and bounded when the site is loaded.
class HttpHead {
 public:
  HttpHead& add(std::string_view text);
  HttpHead& add_number(uint64_t number);
  // "Name: value\r\n"; nothing for an empty value.
  HttpHead& field(std::string_view name, std::string_view value);
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 2048> text_;
  size_t size_ = 0;
};

inline std::span<const uint8_t> octets_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace millrace::services

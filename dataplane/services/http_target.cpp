#include "services/http_target.h"

namespace millrace::services {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool starts_with_http(std::string_view target) {
  constexpr std::string_view kScheme = "http://";
  if (target.size() < kScheme.size()) return false;
  for (size_t i = 0; i < kScheme.size(); ++i) {
    const char c = target[i] >= 'A' && target[i] <= 'Z' ? static_cast<char>(target[i] | 0x20) : target[i];
    if (c != kScheme[i]) return false;
  }
  return true;
}

// RFC 9112 §3.2.2: a server accepts the absolute form, though proxies alone are sent it.
std::string_view without_authority(std::string_view target) {
  const std::string_view rest = target.substr(std::string_view("http://").size());
  const size_t end = rest.find_first_of("/?");
  if (rest.empty() || end == 0) return {};  // RFC 9110 §4.2.1: an empty host is invalid
  return end == std::string_view::npos || rest[end] == '?' ? std::string_view("/") : rest.substr(end);
}

HttpPath decoded(std::string_view path, HttpPathScratch& scratch) {
  size_t length = 0;
  bool too_long = false;
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      const int high = i + 1 < path.size() ? hex_value(path[i + 1]) : -1;
      const int low = i + 2 < path.size() ? hex_value(path[i + 2]) : -1;
      if (high < 0 || low < 0) return {HttpPath::Status::Bad, {}};
      c = static_cast<char>(high * 16 + low);
      if (c == '\0') return {HttpPath::Status::Bad, {}};
      i += 2;
    }
    if (length < scratch.size()) {
      scratch[length++] = c;
    } else {
      too_long = true;  // the encoding is still judged to its end
    }
  }
  if (too_long) return {HttpPath::Status::TooLong, {}};
  return {HttpPath::Status::Ok, {scratch.data(), length}};
}

}  // namespace

HttpPath path_of_target(std::string_view target, HttpPathScratch& scratch) {
  if (target.empty()) return {HttpPath::Status::Bad, {}};
  if (target[0] != '/' && starts_with_http(target)) target = without_authority(target);
  // Left are the asterisk and the authority form, which GET may not have (RFC 9112 §3.2.3, §3.2.4).
  if (target.empty() || target[0] != '/') return {HttpPath::Status::Bad, {}};

  const std::string_view path = target.substr(0, target.find('?'));
  if (path.find('%') != std::string_view::npos) return decoded(path, scratch);
  if (path.size() > kHttpPathLimit) return {HttpPath::Status::TooLong, {}};
  return {HttpPath::Status::Ok, path};
}

std::string percent_encoded(std::string_view path) {
  constexpr std::string_view kPlain = "/-._~!$&'()*+,;=:@";  // RFC 3986 §3.3
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (char c : path) {
    const auto octet = static_cast<unsigned char>(c);
    const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter_or_digit || kPlain.find(c) != std::string_view::npos) {
      text += c;
    } else {
      text += {'%', kHex[octet >> 4], kHex[octet & 15]};
    }
  }
  return text;
}

}  // namespace millrace::services

#include "config/text.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace millrace::config {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

unsigned octet(std::string_view text, size_t at) { return static_cast<unsigned char>(text[at]); }

// Length of the well-formed UTF-8 sequence at `at` (Unicode table 3-7); 0 where there is none.
size_t utf8_length(std::string_view text, size_t at) {
  const unsigned first = octet(text, at);
  if (first < 0x80) return 1;
  size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) length = 2;
  if (first >= 0xe0 && first <= 0xef) length = 3;
  if (first >= 0xf0 && first <= 0xf4) length = 4;
  if (length == 0 || at + length > text.size()) return 0;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  if (octet(text, at + 1) < low || octet(text, at + 1) > high) return 0;
  for (size_t i = 2; i < length; ++i)
    if ((octet(text, at + i) & 0xc0) != 0x80) return 0;
  return length;
}

// C1 controls (U+0080 to U+009F) drive terminals as C0 ones do.
bool is_control(std::string_view text, size_t at, size_t length) {
  if (length == 1) return octet(text, at) < 0x20 || octet(text, at) == 0x7f;
  return length == 2 && octet(text, at) == 0xc2 && octet(text, at + 1) < 0xa0;
}

// Edits (insert, delete, replace, swap neighbours) from `a` to `b`; both are bounded by the caller.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({replace, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string escaped(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    if (length != 0 && !is_control(text, at, length)) {
      out += text.substr(at, length);
      at += length;
      continue;
    }
    for (const size_t end = at + std::max<size_t>(length, 1); at < end; ++at) {
      out += "\\x";
      out += kDigits[octet(text, at) >> 4];
      out += kDigits[octet(text, at) & 15];
    }
  }
  return out;
}

std::string shortened(std::string_view text, size_t limit) {
  if (text.size() <= limit) return escaped(text);
  size_t cut = limit;
  while (cut > 0 && (octet(text, cut) & 0xc0) == 0x80) --cut;
  return escaped(text.substr(0, cut)) + "...";
}

std::string quoted(std::string_view text) { return '\'' + shortened(text) + '\''; }

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string_view nearest(std::string_view given, std::span<const std::string> words) {
  if (given.empty() || given.size() > 64) return {};
  std::string_view best;
  size_t best_distance = given.size() / 3 + 1;
  for (const std::string& word : words) {
    const size_t edits = distance(given, word);
    if (edits > best_distance || (edits == best_distance && !best.empty())) continue;
    best = word;
    best_distance = edits;
  }
  return best_distance < given.size() ? best : std::string_view{};
}

std::string listed(std::span<const std::string_view> words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace millrace::config

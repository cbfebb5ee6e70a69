#include "config/manual/page.h"

#include <algorithm>
#include <cctype>

namespace millrace::manual {

namespace {

using Forms = std::vector<std::vector<std::string>>;

// A recursive descent over: alternatives = sequence { "|" sequence }; sequence = { word | "[" alternatives
// "]" }.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Forms alternatives() {
    Forms out = sequence();
    while (peek() == '|') {
      ++at_;
      for (std::vector<std::string>& form : sequence()) out.push_back(std::move(form));
    }
    return out;
  }

 private:
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  Forms sequence() {
    Forms out{{}};
    while (peek() != '\0' && peek() != '|' && peek() != ']') {
      if (peek() == '[') {
        ++at_;
        Forms inner = alternatives();
        if (peek() == ']') ++at_;
        inner.insert(inner.begin(), std::vector<std::string>{});
        out = product(out, inner);
      } else {
        out = product(out, {{word()}});
      }
    }
    return out;
  }

  std::string word() {
    const size_t begin = at_;
    while (at_ < text_.size() && std::string_view(" []|").find(text_[at_]) == std::string_view::npos) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  static Forms product(const Forms& left, const Forms& right) {
    Forms out;
    for (const auto& a : left) {
      for (const auto& b : right) {
        out.push_back(a);
        out.back().insert(out.back().end(), b.begin(), b.end());
      }
    }
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Forms forms_of(std::string_view words) { return Parser(words).alternatives(); }

}  // namespace millrace::manual

// What set-up code returns: a value, or a sentence for people that says what was wrong and what to do.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace millrace::services {

struct Error {
  std::string sentence;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}                  // NOLINT: a value is a result
  Result(Error error) : sentence_(std::move(error.sentence)) {}  // NOLINT: so is an error

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() { return *value_; }
  T* operator->() { return &*value_; }
  const std::string& error() const { return sentence_; }

 private:
  std::optional<T> value_;
  std::string sentence_;
};

}  // namespace millrace::services

// What set-up code of this room returns: the thing asked for, or one sentence that says what was wrong and
// what to do about it.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace millrace::dpdk {

struct Failure {
  std::string text;
};

template <typename T>
class Result {
 public:
  Result(T value) : content_(std::move(value)) {}
  Result(Failure failure) : content_(std::move(failure)) {}

  explicit operator bool() const { return std::holds_alternative<T>(content_); }
  T& operator*() { return std::get<T>(content_); }
  T* operator->() { return &std::get<T>(content_); }
  const Failure& failure() const { return std::get<Failure>(content_); }

 private:
  std::variant<T, Failure> content_;
};

// For what is done or not, with nothing to hand over.
using Status = Result<std::monostate>;
inline Status done() { return std::monostate{}; }

}  // namespace millrace::dpdk

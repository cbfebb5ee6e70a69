// How starting fails: one sentence, thrown so that everything made so far is undone in reverse.
#pragma once

#include <stdexcept>

#include "dpdk/result.h"

namespace millrace::control {

class StartError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename T>
T take(dpdk::Result<T> result) {
  if (!result) throw StartError(result.failure().text);
  return std::move(*result);
}

}  // namespace millrace::control

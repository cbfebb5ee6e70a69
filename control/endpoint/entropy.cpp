#include "control/endpoint/entropy.h"

#include <sys/random.h>

#include <cstdlib>
#include <utility>

namespace millrace::control {

uint64_t SystemEntropy::next() {
  if (left_ == 0) {
    // Requests of up to 256 octets are neither cut short nor interrupted (getrandom(2)); without random
    // numbers every sequence number could be guessed, so there is no going on.
    static_assert(sizeof words_ <= 256);
    if (getrandom(words_.data(), sizeof words_, 0) != static_cast<ssize_t>(sizeof words_)) std::abort();
    left_ = words_.size();
  }
  return std::exchange(words_[--left_], 0);
}

}  // namespace millrace::control

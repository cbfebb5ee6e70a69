#include "dpdk/doorbell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace millrace::dpdk {

Doorbell::Doorbell() : descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

Doorbell::~Doorbell() {
  if (descriptor_ >= 0) close(descriptor_);
}

void Doorbell::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = write(descriptor_, &one, sizeof one);  // full: it is readable already
}

void Doorbell::silence() {
  uint64_t rung = 0;
  [[maybe_unused]] const auto taken = read(descriptor_, &rung, sizeof rung);
}

}  // namespace millrace::dpdk

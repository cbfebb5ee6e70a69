// Which frames a capture wants: a program of the BSD packet filter, checked before a loop runs it.
// Neighbours: capture.h (runs it), control/cli/capture_program.h (compiles it from the words of
// pcap-filter(7), so that no privileged process parses them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dpdk/result.h"

namespace millrace::dpdk {

class CaptureFilter {
 public:
  // A program only jumps forward: so many instructions are the most that a frame costs.
  static constexpr size_t kMostInstructions = 512;

  CaptureFilter() = default;  // wants every frame
  // What `tcpdump -ddd` prints, with commas for line ends: COUNT,CODE JT JF K,... Empty: every frame.
  static Result<CaptureFilter> parse(std::string_view text);

  // Of a frame of `length` octets the first `held` are at `frame`; what reads beyond them wants it not.
  bool wants(const uint8_t* frame, uint32_t length, uint32_t held) const {
    return program_ == nullptr || run(frame, length, held);
  }

 private:
  struct Program;
  bool run(const uint8_t* frame, uint32_t length, uint32_t held) const;

  std::shared_ptr<const Program> program_;
};

}  // namespace millrace::dpdk

// One end of the emulated cable: a TAP device of our own, whose other side is a kernel's, or an interface that is
// there already, as the one behind an endpoint's TAP. In a network namespace of its own. Frames go in and out whole.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace millrace::linkem {

class End {
 public:
  // "tap:NAME" or "packet:NAME", with "@NAMESPACE" behind it where it is not in ours. Throws std::runtime_error
  // with a sentence.
  explicit End(const std::string& text);
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  ~End();

  int descriptor() const { return descriptor_; }
  // The next frame that has come, into `room`; 0: none is there.
  size_t read(std::span<uint8_t> room);
  // False: the device did not take it.
  bool write(std::span<const uint8_t> frame);

 private:
  int descriptor_ = -1;
};

}  // namespace millrace::linkem

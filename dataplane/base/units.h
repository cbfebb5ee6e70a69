// Strong types for quantities that the wire and the core both call "a number".
#pragma once

#include <algorithm>
#include <cstdint>

namespace millrace {

// A count of payload octets, window octets or buffer octets.
using Bytes = uint32_t;

// The largest segment payload, in octets, that an end may send (RFC 9293 §3.7.1), options not counted.
class Mss {
 public:
  constexpr Mss() = default;
  constexpr explicit Mss(uint16_t octets) : octets_(octets) {}
  constexpr uint16_t octets() const { return octets_; }
  friend constexpr bool operator==(Mss, Mss) = default;

 private:
  uint16_t octets_ = 536;
};

inline constexpr Mss kDefaultMssV4{536};   // RFC 9293 §3.7.1
inline constexpr Mss kDefaultMssV6{1220};  // RFC 9293 §3.7.1

class WindowScale;

// The window field as it stands in a header: it becomes octets only through a scale.
class WireWindow {
 public:
  constexpr WireWindow() = default;
  constexpr explicit WireWindow(uint16_t field) : field_(field) {}
  constexpr uint16_t field() const { return field_; }
  friend constexpr bool operator==(WireWindow, WireWindow) = default;

 private:
  uint16_t field_ = 0;
};

// The shift of RFC 7323 §2, 0 to 14.
class WindowScale {
 public:
  static constexpr uint8_t kMax = 14;
  constexpr WindowScale() = default;
  // RFC 7323 §2.3: a larger shift counts as 14.
  constexpr explicit WindowScale(uint8_t shift) : shift_(std::min(shift, kMax)) {}
  constexpr uint8_t shift() const { return shift_; }
  constexpr Bytes bytes(WireWindow window) const { return Bytes{window.field()} << shift_; }
  constexpr WireWindow wire(Bytes window) const {
    return WireWindow(static_cast<uint16_t>(std::min<Bytes>(window >> shift_, 0xffff)));
  }
  friend constexpr bool operator==(WindowScale, WindowScale) = default;

 private:
  uint8_t shift_ = 0;
};

// The smallest shift by which a window of `buffer` octets can be told.
constexpr WindowScale scale_for(Bytes buffer) {
  uint8_t shift = 0;
  while (shift < WindowScale::kMax && (buffer >> shift) > 0xffff) ++shift;
  return WindowScale(shift);
}

}  // namespace millrace

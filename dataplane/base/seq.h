// A TCP sequence number. Neighbours: time.h and units.h, the other strong types of the protocol core.
#pragma once

#include <compare>
#include <cstdint>

namespace millrace {

// A number in the circular space of 2^32 (RFC 9293 §3.4). There is no `<`: in a circle only "before"
// and "after" have a meaning, and only for numbers less than 2^31 apart.
class Seq {
 public:
  constexpr Seq() = default;
  constexpr explicit Seq(uint32_t raw) : raw_(raw) {}

  constexpr uint32_t raw() const { return raw_; }

  constexpr bool before(Seq other) const { return static_cast<int32_t>(raw_ - other.raw_) < 0; }
  constexpr bool after(Seq other) const { return other.before(*this); }
  constexpr bool before_or_at(Seq other) const { return !after(other); }
  constexpr bool after_or_at(Seq other) const { return !before(other); }

  // Whether this number lies in [first, first + length).
  constexpr bool within(Seq first, uint32_t length) const { return raw_ - first.raw_ < length; }

  constexpr Seq operator+(uint32_t count) const { return Seq(raw_ + count); }
  constexpr Seq operator-(uint32_t count) const { return Seq(raw_ - count); }
  constexpr Seq& operator+=(uint32_t count) {
    raw_ += count;
    return *this;
  }
  // The distance from `other` up to this number; the caller knows that this is not before `other`.
  constexpr uint32_t operator-(Seq other) const { return raw_ - other.raw_; }

  friend constexpr bool operator==(Seq, Seq) = default;

 private:
  uint32_t raw_ = 0;
};

constexpr Seq later(Seq a, Seq b) { return a.before(b) ? b : a; }
constexpr Seq earlier(Seq a, Seq b) { return a.before(b) ? a : b; }

}  // namespace millrace

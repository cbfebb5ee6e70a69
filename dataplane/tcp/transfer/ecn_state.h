// What a connection knows of Explicit Congestion Notification (RFC 3168): plain state of two octets, which
// lies in TcbHot. Neighbour: ecn.h, which joins it with segments, congestion control and counters.
#pragma once

#include <cstdint>

#include "wire/segment.h"

namespace millrace::tcp {

class Ecn {
 public:
  // ---- the handshake (RFC 3168 §6.1.1): a SYN or SYN-ACK of ours has left, one of the peer's has come, and
  // was an ECN-setup one or not.
  void sent(bool setup) { bits_ |= setup ? kSentSetup : kSentPlain; }
  void heard(bool setup) {
    bits_ |= setup ? kHeardSetup : kHeardPlain;
    ordinary_ = echoes() ? wire::kNotEct : wire::kCe;
  }
  bool asked() const { return (bits_ & kSentSetup) != 0; }
  // New data leaves with ECT, and the peer's ECE counts. Not where any SYN of either side was without.
  bool sends_ect() const { return (bits_ & kHandshake) == (kSentSetup | kHeardSetup); }
  // CE is echoed: also to a peer that does not know that we have fallen back to a SYN without.
  bool echoes() const { return (bits_ & (kHandshake & ~kSentPlain)) == (kSentSetup | kHeardSetup); }

  // ---- the receiver (§6.1.3)
  // What header prediction may take: nothing that would change this state.
  bool is_ordinary(uint8_t codepoint) const { return codepoint <= ordinary_; }
  bool ect_seen() const { return echoes() && ordinary_ != wire::kNotEct; }
  // Text of the window has come, with this codepoint and perhaps CWR. True: it is acknowledged at once.
  bool on_text(uint8_t codepoint, bool cwr) {
    if (codepoint != wire::kNotEct) ordinary_ = wire::kEct0;
    bool at_once = cwr;  // the peer's window may be too small for a second segment
    // A CWR that came before the first ECE has left answers something else.
    if (cwr && (bits_ & kEchoed) != 0) bits_ &= static_cast<uint8_t>(~(kEcho | kEchoed));
    if (codepoint == wire::kCe && !echo()) {
      bits_ |= kEcho;
      at_once = true;
    }
    return at_once;
  }
  // Whatever acknowledges carries ECE, until CWR comes.
  bool echo() const { return (bits_ & kEcho) != 0; }
  void echoed() { bits_ |= kEchoed; }

  // ---- the sender (§6.1.2)
  // The congestion window was reduced, for whatever reason: new data tells the peer.
  void reduced() {
    if (sends_ect()) bits_ |= kCwrDue;
  }
  // It was for nothing, and the peer need not hear of it.
  void reduction_undone() { bits_ &= static_cast<uint8_t>(~kCwrDue); }
  // Puts ECT, and CWR where it is due, on a segment of new data.
  void mark(wire::Segment& segment) {
    segment.ecn = wire::kEct0;
    if ((bits_ & kCwrDue) == 0) return;
    segment.flags = segment.flags | wire::kCwr;
    bits_ &= static_cast<uint8_t>(~kCwrDue);
  }

 private:
  static constexpr uint8_t kSentSetup = 0x01, kSentPlain = 0x02, kHeardSetup = 0x04, kHeardPlain = 0x08,
                           kHandshake = 0x0f, kEcho = 0x10, kEchoed = 0x20, kCwrDue = 0x40;

  uint8_t bits_ = 0;
  uint8_t ordinary_ = wire::kCe;
};
static_assert(sizeof(Ecn) == 2);

}  // namespace millrace::tcp

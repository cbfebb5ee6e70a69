// F-RTO (RFC 5682): whether a time-out was spurious shows in the first two acknowledgements after it, as long
// as only one segment has been sent again.
#pragma once

#include <cstdint>

#include "base/seq.h"

namespace millrace::recovery {

class Frto {
 public:
  enum class Verdict : uint8_t {
    Undecided,     // nothing more is sent again for now; new segments may leave
    Conventional,  // what was outstanding counts as lost
    Spurious,      // originals arrive: nothing was lost
  };
  // What an acknowledgement says, in the terms of RFC 5682 §3.1.
  struct Told {
    bool advances = false;  // SND.UNA moves
    bool original = false;  // octets arrive that were sent once and before the time-out
    bool all = false;       // everything outstanding at the time-out is acknowledged
    bool can_send_new = false;
  };

  bool active() const { return step_ != 0; }
  void begin() { step_ = 1; }
  void end() { step_ = 0; }

  Verdict on_ack(const Told& told) {
    if (step_ == 2 && told.original) return conclude(Verdict::Spurious);  // step 3 (b)
    // Step 2 (a), and where step 2 (b) has nothing to send.
    if (!told.advances || told.all || step_ == 2 || !told.can_send_new)
      return conclude(Verdict::Conventional);
    step_ = 2;
    return Verdict::Undecided;
  }

 private:
  Verdict conclude(Verdict verdict) {
    step_ = 0;
    return verdict;
  }
  uint8_t step_ = 0;  // 0: not in use; else the acknowledgement waited for
};

}  // namespace millrace::recovery

// Acknowledgements without text, and segments without the ACK bit ("fifth, check the ACK field").
#include "rule.h"

namespace millrace::conformance {

std::span<const Rule> ack_rules() {
  using enum tcp::State;
  static const std::vector<Rule> rules = {
      {.events = {"ack_good", "ack_of_nothing", "ack_old", "ack_of_unsent", "ack_before_window",
                  "ack_at_right_edge", "ack_beyond_window"},
       .stages = in::kClosed | in::kListen,
       .answers = {answer::kRstFromAck},
       .section = "§3.10.7.1; §3.10.7.2 second"},

      {.events = {"ack_good", "ack_before_window", "ack_beyond_window"},
       .stages = in::kSynSent,
       .section = "§3.10.7.3 fifth: acceptable, but neither SYN nor RST"},
      {.events = {"ack_of_nothing", "ack_old", "ack_of_unsent", "ack_at_right_edge"},
       .stages = in::kSynSent,
       .answers = {answer::kRstFromAck, answer::kMaySynAgain},
       .section = "§3.10.7.3 first; §3.5.1 Figure 10"},

      {.events = {"ack_good"},
       .stages = in::kSynReceived,
       .enters = {Established},
       .app = "established",
       .section = "§3.10.7.4 fifth, SYN-RECEIVED"},
      {.events = {"ack_of_nothing", "ack_old", "ack_of_unsent"},
       .stages = in::kSynReceived,
       .answers = {answer::kRstFromAck},
       .section = "§3.10.7.4 fifth, SYN-RECEIVED"},

      {.events = {"ack_before_window", "ack_beyond_window"},
       .stages = in::kSynReceived | in::kSynchronized,
       .answers = {answer::kAck},
       .section = "§3.10.7.4 first"},

      {.events = {"ack_at_right_edge"},
       .stages = in::kSynchronized,
       .answers = {answer::kMayAck},
       .section = "§3.10.7.4 first; deviation: right edge"},
      // Unacceptable for its place, or for its acknowledgement of nothing.
      {.events = {"ack_at_right_edge"},
       .stages = in::kSynReceived,
       .loose = true,
       .section = "§3.10.7.4 first or fifth; deviation: right edge"},

      {.events = {"ack_good"},
       .stages = in::kEstablished | in::kFinWait2 | in::kFinWait2Deaf | in::kCloseWait | in::kTimeWait,
       .section = "§3.10.7.4 fifth, ESTABLISHED"},
      {.events = {"ack_good"},
       .stages = in::kFinWait1 | in::kFinWait1Deaf,
       .enters = {FinWait2},
       .section = "§3.10.7.4 fifth, FIN-WAIT-1"},
      {.events = {"ack_good"},
       .stages = in::kClosing,
       .enters = {TimeWait},
       .app = "closed(finished)",
       .section = "§3.10.7.4 fifth, CLOSING"},
      {.events = {"ack_good"},
       .stages = in::kLastAck,
       .enters = {Closed},
       .app = "closed(finished)",
       .section = "§3.10.7.4 fifth, LAST-ACK"},

      {.events = {"ack_of_nothing", "ack_old"},
       .stages = in::kSynchronized,
       .section = "§3.10.7.4 fifth: a duplicate can be ignored"},
      {.events = {"ack_of_unsent"},
       .stages = in::kTakesText | in::kDeaf | in::kCloseWait | in::kClosing,
       .answers = {answer::kAck},
       .section = "§3.10.7.4 fifth: acks something not yet sent; §3.5.2 group 3"},
      {.events = {"ack_of_unsent"},
       .stages = in::kLastAck | in::kTimeWait,
       .answers = {answer::kAck},
       .section = "§3.5.2 group 3"},

      {.events = {"text_without_ack", "fin_without_ack", "no_flags"},
       .stages = in::kClosed,
       .answers = {answer::kRstFromZero},
       .section = "§3.10.7.1: no ACK bit"},
      {.events = {"text_without_ack", "fin_without_ack", "no_flags"},
       .stages = in::kListen | in::kSynSent,
       .section = "§3.10.7.2 fourth; §3.10.7.3 fifth"},
      {.events = {"text_without_ack", "fin_without_ack", "no_flags"},
       .stages = in::kSynReceived | in::kSynchronized,
       .section = "§3.10.7.4 fifth: ACK bit off"},
  };
  return rules;
}

}  // namespace millrace::conformance

// SYN and SYN-ACK (RFC 9293 §3.10.7.2, §3.10.7.3, and "fourth, check the SYN bit" of §3.10.7.4).
#include "rule.h"

namespace millrace::conformance {

std::span<const Rule> syn_rules() {
  using enum tcp::State;
  using enum When;
  static const std::vector<Rule> rules = {
      {.events = {"syn_in_window", "syn_beyond_window", "syn_again", "syn_with_text"},
       .stages = in::kClosed,
       .answers = {answer::kRstFromZero},
       .section = "§3.10.7.1: no ACK bit"},
      {.events = {"syn_ack_good", "syn_ack_again", "syn_ack_of_nothing", "syn_ack_of_unsent"},
       .stages = in::kClosed,
       .answers = {answer::kRstFromAck},
       .section = "§3.10.7.1: ACK bit"},

      // Text on the SYN may wait for the peer to send it again: the SYN-ACK covers the SYN.
      {.events = {"syn_in_window", "syn_beyond_window", "syn_again", "syn_with_text"},
       .stages = in::kListen,
       .answers = {answer::kSynAck},
       .enters = {SynReceived},
       .section = "§3.10.7.2 third"},
      {.events = {"syn_ack_good", "syn_ack_again", "syn_ack_of_nothing", "syn_ack_of_unsent"},
       .stages = in::kListen,
       .answers = {answer::kRstFromAck},
       .section = "§3.10.7.2 second"},

      {.events = {"syn_in_window", "syn_beyond_window", "syn_again", "syn_with_text"},
       .stages = in::kSynSent,
       .answers = {answer::kSynAckAgain},
       .enters = {SynReceived},
       .section = "§3.10.7.3 fourth: simultaneous open (MUST-10)"},
      {.events = {"syn_ack_good", "syn_ack_again"},
       .stages = in::kSynSent,
       .answers = {{wire::kAck, {From::SndNxt}, {From::SegSeq, 1}}},
       .enters = {Established},
       .app = "established",
       .section = "§3.10.7.3 fourth"},
      {.events = {"syn_ack_of_nothing", "syn_ack_of_unsent"},
       .stages = in::kSynSent,
       .answers = {answer::kRstFromAck, answer::kMaySynAgain},
       .section = "§3.10.7.3 first; §3.5.1 Figure 10"},

      // In SYN-RECEIVED the sequence check comes first: a SYN outside the window is only acknowledged.
      {.events = {"syn_beyond_window"},
       .stages = in::kSynReceived,
       .answers = {answer::kAck},
       .section = "§3.10.7.4 first"},
      // A written deviation: our SYN-ACK again, which helps a peer whose copy was lost and a bare ACK does
      // not.
      {.events = {"syn_again"},
       .stages = in::kSynReceived,
       .answers = {answer::kSynAckAgain},
       .section = "§3.10.7.4 first; deviation: syn-again"},
      {.events = {"syn_in_window", "syn_with_text", "syn_ack_good", "syn_ack_of_nothing",
                  "syn_ack_of_unsent"},
       .stages = in::kSynReceived,
       .when = OpenedPassively,
       .enters = {Listen},
       .section = "§3.10.7.4 fourth, SYN-RECEIVED (MUST-11)"},
      {.events = {"syn_in_window", "syn_with_text", "syn_ack_good", "syn_ack_of_nothing",
                  "syn_ack_of_unsent"},
       .stages = in::kSynReceived,
       .when = OpenedActively,
       .answers = {answer::kAck},
       .section = "§3.10.7.4 fourth (RFC 5961 §4.2)"},
      {.events = {"syn_ack_again"},
       .stages = in::kSynReceived,
       .when = OpenedPassively,
       .answers = {answer::kAck},
       .section = "§3.10.7.4 first"},
      // Figure 8, line 6: the SYN-ACK of a simultaneous open repeats the peer's ISS, yet completes ours. The
      // sequence check alone would acknowledge it, which does no harm (Appendix A.2).
      {.events = {"syn_ack_again"},
       .stages = in::kSynReceived,
       .when = OpenedActively,
       .answers = {answer::kMayAck},
       .enters = {Established},
       .app = "established",
       .section = "§3.5 Figure 8 (MUST-10)"},

      {.events = {"syn_in_window", "syn_beyond_window", "syn_again", "syn_with_text", "syn_ack_good",
                  "syn_ack_again", "syn_ack_of_nothing", "syn_ack_of_unsent"},
       .stages = in::kSynchronized & ~in::kTimeWait,
       .answers = {answer::kAck},
       .section = "§3.10.7.4 first; fourth (RFC 5961 §4.2)"},

      // TIME-WAIT: a new connection may be accepted, where somebody listens.
      {.events = {"syn_in_window", "syn_beyond_window", "syn_with_text"},
       .stages = in::kTimeWait,
       .when = OpenedPassively,
       .answers = {answer::kSynAck},
       .enters = {SynReceived},
       .section = "§3.6.1 (MAY-2)"},
      {.events = {"syn_in_window", "syn_beyond_window", "syn_with_text"},
       .stages = in::kTimeWait,
       .when = OpenedActively,
       .answers = {answer::kAck},
       .section = "§3.10.7.4 fourth (RFC 5961 §4.2)"},
      {.events = {"syn_again", "syn_ack_good", "syn_ack_again", "syn_ack_of_nothing", "syn_ack_of_unsent"},
       .stages = in::kTimeWait,
       .answers = {answer::kAck},
       .section = "§3.10.7.4 first; fourth (RFC 5961 §4.2)"},
  };
  return rules;
}

}  // namespace millrace::conformance

// RST (RFC 9293 §3.5.3, and "second, check the RST bit"), and flags that no endpoint sends together.
#include "rule.h"

namespace millrace::conformance {

std::span<const Rule> reset_rules() {
  using enum tcp::State;
  using enum When;
  static const std::vector<Rule> rules = {
      // A RST is never answered where there is no connection.
      {.events = {"rst_exact", "rst_in_window", "rst_at_window_end", "rst_at_right_edge", "rst_beyond_window",
                  "rst_before_window", "rst_ack_exact", "rst_ack_of_unsent", "rst_ack_before_window",
                  "rst_with_text"},
       .stages = in::kClosed | in::kListen,
       .section = "§3.10.7.1; §3.10.7.2 first"},

      // SYN-SENT: acceptable if it acknowledges our SYN, wherever its sequence number lies.
      {.events = {"rst_exact", "rst_in_window", "rst_at_window_end", "rst_at_right_edge", "rst_beyond_window",
                  "rst_before_window", "rst_ack_of_unsent"},
       .stages = in::kSynSent,
       .section = "§3.10.7.3 first and second: no acceptable ACK"},
      {.events = {"rst_ack_exact", "rst_ack_before_window", "rst_with_text"},
       .stages = in::kSynSent,
       .enters = {Closed},
       .app = "closed(refused)",
       .section = "§3.10.7.3 second; §3.5.3"},

      // SYN-RECEIVED: back to LISTEN, or refused.
      {.events = {"rst_exact", "rst_ack_exact", "rst_ack_of_unsent", "rst_with_text"},
       .stages = in::kSynReceived,
       .when = OpenedPassively,
       .enters = {Listen},
       .section = "§3.10.7.4 second, SYN-RECEIVED (MUST-11)"},
      {.events = {"rst_exact", "rst_ack_exact", "rst_ack_of_unsent", "rst_with_text"},
       .stages = in::kSynReceived,
       .when = OpenedActively,
       .enters = {Closed},
       .app = "closed(refused)",
       .section = "§3.10.7.4 second, SYN-RECEIVED (MUST-11)"},

      {.events = {"rst_exact", "rst_ack_exact", "rst_ack_of_unsent", "rst_with_text"},
       .stages = in::kTakesText | in::kDeaf | in::kCloseWait | in::kClosing | in::kLastAck,
       .enters = {Closed},
       .app = "closed(reset)",
       .section = "§3.10.7.4 second, check 2 (MUST-12, SHLD-2)"},
      {.events = {"rst_exact", "rst_ack_exact", "rst_ack_of_unsent", "rst_with_text"},
       .stages = in::kTimeWait,
       .section = "RFC 1337 §3; deviation: rfc1337"},
      {.events = {"rst_in_window", "rst_at_window_end"},
       .stages = in::kTimeWait,
       .section = "RFC 1337 §3; deviation: rfc1337"},

      {.events = {"rst_in_window", "rst_at_window_end"},
       .stages = in::kSynReceived | (in::kSynchronized & ~in::kTimeWait),
       .answers = {answer::kAck},
       .section = "§3.10.7.4 second, check 3 (RFC 5961 §3.2)"},
      {.events = {"rst_at_right_edge", "rst_beyond_window", "rst_before_window", "rst_ack_before_window"},
       .stages = in::kSynReceived | in::kSynchronized,
       .section = "§3.10.7.4 first; second, check 1"},

      // Dropped and counted: a written deviation (deviations.md, "flags that no endpoint sends").
      {.events = {"syn_fin", "syn_rst"}, .stages = in::kAll, .section = "deviation: flags"},
  };
  return rules;
}

}  // namespace millrace::conformance

// User calls (RFC 9293 §3.10.1 to §3.10.6). OPEN is connect(), or listen() where a listener is all there is;
// SEND is send(), RECEIVE is readable(), CLOSE is shutdown() or close(), ABORT is abort(), STATUS is state().
#include <array>

#include "rule.h"

namespace millrace::conformance {

namespace {

constexpr auto kCalls =
    std::to_array<std::string_view>({"open", "send", "receive", "shutdown", "close", "abort", "status"});

constexpr Answer kFinNow{wire::kFin | wire::kAck, {From::SndNxt}, {From::RcvNew}};
constexpr Answer kTextNow{wire::kAck | wire::kPsh, {From::SndNxt}, {From::RcvNew}, false, 100};
constexpr Answer kRstNow{wire::kRst, {From::SndNxt}, {}};

constexpr uint32_t kNoObject = in::kClosed | in::kListen | in::kTimeWait;
constexpr uint32_t kClosedByUs = in::kFinWait1 | in::kFinWait2 | in::kDeaf | in::kClosing | in::kLastAck;

}  // namespace

std::span<const std::string_view> user_calls() { return kCalls; }

std::span<const Rule> call_rules() {
  using enum tcp::State;
  using enum When;
  static const std::vector<Rule> rules = {
      {.events = {"open"},
       .stages = in::kClosed,
       .answers = {{wire::kSyn, {From::Fresh}, {}}},
       .enters = {SynSent},
       .loose = true,
       .section = "§3.10.1, CLOSED"},
      {.events = {"open"},
       .stages = in::kAll & ~in::kClosed,
       .returns = 1,
       .section = "§3.10.1: connection already exists (MUST-41)"},

      {.events = {"send", "receive", "shutdown", "close", "abort"},
       .stages = kNoObject,
       .no_connection = true,
       .section = "§3.10.2 to §3.10.5: connection does not exist"},
      {.events = {"send", "receive", "shutdown", "close", "abort"},
       .stages = in::kSynReceived,
       .when = OpenedPassively,
       .no_connection = true,
       .section = "§3.10.2 to §3.10.5: no application has it yet"},

      // Queued until ESTABLISHED; opening_test.cpp sees it leave.
      {.events = {"send"},
       .stages = in::kSynSent,
       .loose = true,
       .returns = 100,
       .section = "§3.10.2, SYN-SENT"},
      {.events = {"send"},
       .stages = in::kSynReceived,
       .when = OpenedActively,
       .returns = 100,
       .section = "§3.10.2, SYN-RECEIVED"},
      {.events = {"send"},
       .stages = stages(Stage::Established, Stage::CloseWait),
       .answers = {kTextNow},
       .returns = 100,
       .section = "§3.10.2, ESTABLISHED"},
      {.events = {"send"},
       .stages = stages(Stage::EstablishedSending, Stage::CloseWaitSending),
       .returns = 100,
       .section = "§3.7.4: held back while data is unacknowledged (SHLD-7)"},
      {.events = {"send"}, .stages = kClosedByUs, .section = "§3.10.2: connection closing"},

      {.events = {"receive"},
       .stages = in::kSynSent | (in::kSynchronized & ~in::kTimeWait),
       .section = "§3.10.3: nothing is on hand"},
      {.events = {"receive"}, .stages = in::kSynReceived, .when = OpenedActively, .section = "§3.10.3"},

      // CLOSE.
      {.events = {"shutdown", "close"},
       .stages = in::kSynSent,
       .enters = {Closed},
       .app = "closed(aborted)",
       .section = "§3.10.4, SYN-SENT"},
      {.events = {"shutdown", "close"},
       .stages = in::kSynReceived,
       .when = OpenedActively,
       .answers = {kFinNow},
       .enters = {FinWait1},
       .section = "§3.10.4, SYN-RECEIVED"},
      {.events = {"shutdown", "close"},
       .stages = in::kEstablished,
       .answers = {kFinNow},
       .enters = {FinWait1},
       .section = "§3.10.4, ESTABLISHED"},
      {.events = {"shutdown", "close"},
       .stages = in::kCloseWait,
       .answers = {kFinNow},
       .enters = {LastAck},
       .section = "§3.10.4, CLOSE-WAIT"},
      {.events = {"shutdown", "close"},
       .stages = kClosedByUs,
       .section = "§3.10.4: a second FIN is not emitted"},

      {.events = {"abort"},
       .stages = in::kSynSent,
       .enters = {Closed},
       .app = "closed(aborted)",
       .section = "§3.10.5, SYN-SENT"},
      {.events = {"abort"},
       .stages = in::kSynReceived,
       .when = OpenedActively,
       .answers = {kRstNow},
       .enters = {Closed},
       .app = "closed(aborted)",
       .section = "§3.10.5, SYN-RECEIVED"},
      {.events = {"abort"},
       .stages = in::kTakesText | in::kDeaf | in::kCloseWait,
       .answers = {kRstNow},
       .enters = {Closed},
       .app = "closed(aborted)",
       .section = "§3.10.5, ESTABLISHED"},
      {.events = {"abort"},
       .stages = in::kClosing | in::kLastAck,
       .enters = {Closed},
       .app = "closed(aborted)",
       .section = "§3.10.5, CLOSING"},

      {.events = {"status"}, .stages = in::kAll, .section = "§3.10.6"},
  };
  return rules;
}

}  // namespace millrace::conformance

// The vocabulary of the rule table: an arriving segment, and what RFC 9293 owes for it in a state. The rules
// are written from the RFC's text; nothing here knows the code. Neighbours: segments.cpp (the events),
// rules_*.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "stage.h"
#include "wire/segment.h"

namespace millrace::conformance {

// Where a number counts from.
enum class From : uint8_t {
  Zero,
  Iss,
  Irs,
  SndUna,
  SndNxt,
  RcvNxt,   // before the segment
  RcvEdge,  // RCV.NXT + RCV.WND: the first octet beyond the window
  Natural,  // what a peer acknowledges in passing: our SYN while it is not acknowledged, else nothing new
  RcvNew,   // RCV.NXT after what the segment brought
  SegSeq,
  SegAck,
  SegEnd,  // SEG.SEQ + SEG.LEN
  Fresh,   // a new initial sequence number of ours
  Reset,   // SND.NXT or SEG.ACK: RFC 9293 §3.6.1 does not say which for data that came after CLOSE
};

struct Num {
  From from = From::Zero;
  int32_t plus = 0;
};

// An arriving segment.
struct Stimulus {
  std::string_view name;
  wire::Flags flags;
  Num seq;
  Num ack;
  uint32_t length = 0;        // octets of text
  bool fills_window = false;  // RCV.WND octets more than that
  uint16_t urgent = 0;
};

std::span<const Stimulus> stimuli();

// A segment owed.
struct Answer {
  wire::Flags flags;
  Num seq;
  Num ack;
  bool may_be_left_out = false;  // the RFC leaves it open
  uint32_t length = 0;           // octets of text; PSH is looked at only where there is some
};

enum class When : uint8_t { Always, OpenedPassively, OpenedActively };

struct Text {
  uint32_t octets = 0;
  bool window = false;  // and a whole window
};

struct Rule {
  std::vector<std::string_view> events;
  uint32_t stages = 0;
  When when = When::Always;
  std::vector<Answer> answers = {};
  std::vector<tcp::State> enters = {};  // in this order
  std::string_view app = "";            // what the application is told, in this order
  Text text = {};                       // delivered to it
  bool fin = false;                     // the peer's FIN is taken: RCV.NXT moves over it
  bool loose = false;  // the segment "should not occur": only the state and the application are held to
  // For user calls: what the call returns, and whether there is nothing to call because no connection exists.
  int64_t returns = 0;
  bool no_connection = false;
  std::string_view section;
};

template <typename... Stages>
constexpr uint32_t stages(Stages... of) {
  return (0U | ... | (1U << static_cast<unsigned>(of)));
}

// The groups in which RFC 9293 §3.10.7.4 speaks.
namespace in {
inline constexpr uint32_t kClosed = stages(Stage::Closed);
inline constexpr uint32_t kListen = stages(Stage::Listen);
inline constexpr uint32_t kSynSent = stages(Stage::SynSent);
inline constexpr uint32_t kSynReceived = stages(Stage::SynReceived);
inline constexpr uint32_t kFastOpen = stages(Stage::SynReceivedFastOpen);
inline constexpr uint32_t kEstablished = stages(Stage::Established, Stage::EstablishedSending);
inline constexpr uint32_t kFinWait1 = stages(Stage::FinWait1);
inline constexpr uint32_t kFinWait2 = stages(Stage::FinWait2);
inline constexpr uint32_t kFinWait1Deaf = stages(Stage::FinWait1Deaf);
inline constexpr uint32_t kFinWait2Deaf = stages(Stage::FinWait2Deaf);
inline constexpr uint32_t kDeaf = kFinWait1Deaf | kFinWait2Deaf;
inline constexpr uint32_t kCloseWait = stages(Stage::CloseWait, Stage::CloseWaitSending);
inline constexpr uint32_t kClosing = stages(Stage::Closing);
inline constexpr uint32_t kLastAck = stages(Stage::LastAck);
inline constexpr uint32_t kTimeWait = stages(Stage::TimeWait);
inline constexpr uint32_t kTakesText = kEstablished | kFinWait1 | kFinWait2;
inline constexpr uint32_t kPeerFinished = kCloseWait | kClosing | kLastAck | kTimeWait;
inline constexpr uint32_t kSynchronized = kTakesText | kDeaf | kPeerFinished;
inline constexpr uint32_t kAll = kClosed | kListen | kSynSent | kSynReceived | kFastOpen | kSynchronized;
}  // namespace in

namespace answer {
inline constexpr Answer kAck{wire::kAck, {From::SndNxt}, {From::RcvNew}};
inline constexpr Answer kMayAck{wire::kAck, {From::SndNxt}, {From::RcvNew}, true};
inline constexpr Answer kSynAck{wire::kSyn | wire::kAck, {From::Fresh}, {From::SegSeq, 1}};
inline constexpr Answer kSynAckAgain{wire::kSyn | wire::kAck, {From::Iss}, {From::SegSeq, 1}};
inline constexpr Answer kRstFromAck{wire::kRst, {From::SegAck}, {}};
inline constexpr Answer kRstFromZero{wire::kRst | wire::kAck, {From::Zero}, {From::SegEnd}};
// Behind the RST that ends the peer's earlier connection; when a SYN goes again is left to the sender.
inline constexpr Answer kMaySynAgain{wire::kSyn, {From::Iss}, {}, true};
inline constexpr Answer kRstAfterClose{wire::kRst, {From::Reset}, {}};
}  // namespace answer

std::span<const Rule> reset_rules();  // and segments that are dropped for their flags
std::span<const Rule> syn_rules();
std::span<const Rule> ack_rules();
std::span<const Rule> text_rules();
std::span<const Rule> fin_rules();

std::span<const Rule> call_rules();
std::span<const std::string_view> user_calls();

// All rules that speak of this case: one, if the table is whole.
std::vector<const Rule*> rules_for(std::string_view event, Stage stage, Opening opening);

}  // namespace millrace::conformance

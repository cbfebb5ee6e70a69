// What RFC 9293 §3.10.7 owes for a segment, paragraph by paragraph and in its order: a paragraph that applies
// adds its effect, and the segment goes on to the next unless it is dropped there. Written from the RFC;
// where we do otherwise, the paragraph names the deviation. Neighbour: axes.h.
#include "axes.h"

namespace millrace::conformance {

namespace {

using tcp::State;
using enum When;

template <typename Axis>
constexpr uint32_t any_of(std::initializer_list<Axis> of) {
  uint32_t mask = 0;
  for (const Axis at : of) mask |= 1U << static_cast<unsigned>(at);
  return mask;
}

namespace ev {
constexpr uint32_t kAny = (1U << kEvents) - 1;
constexpr uint32_t kSynAlone = any_of({Event::Syn});
constexpr uint32_t kSynAck = any_of({Event::SynAck});
constexpr uint32_t kAckAlone = any_of({Event::Ack});
constexpr uint32_t kRstAck = any_of({Event::RstAck});
constexpr uint32_t kRst = any_of({Event::Rst, Event::RstAck});
constexpr uint32_t kSyn = any_of({Event::Syn, Event::SynAck});
constexpr uint32_t kText = any_of({Event::Text, Event::TextFin});
constexpr uint32_t kFin = any_of({Event::Fin, Event::TextFin});
constexpr uint32_t kNoAck = any_of({Event::Syn, Event::Rst, Event::NoAck});
constexpr uint32_t kNothing = any_of({Event::NoAck});
constexpr uint32_t kAck = kAny & ~kNoAck;
}  // namespace ev

namespace at {
constexpr uint32_t kAny = (1U << kSeqs) - 1;
constexpr uint32_t kLeft = any_of({SeqAt::Left});
constexpr uint32_t kEdge = any_of({SeqAt::LeftEdge});
constexpr uint32_t kOverlapping = any_of({SeqAt::Overlapping});
constexpr uint32_t kNext = any_of({SeqAt::LeftEdge, SeqAt::Overlapping});
constexpr uint32_t kRightEdge = any_of({SeqAt::RightEdge});
// Table 6: no number of the segment's lies in the window.
constexpr uint32_t kOutside = any_of({SeqAt::Left, SeqAt::RightEdge, SeqAt::Right});
constexpr uint32_t kBeyond = any_of({SeqAt::Inside, SeqAt::LastOctet});
}  // namespace at

namespace ack {
constexpr uint32_t kAny = (1U << kAcks) - 1;
constexpr uint32_t kNxt = any_of({AckAt::Nxt});
constexpr uint32_t kTooOld = any_of({AckAt::TooOld});
constexpr uint32_t kBeyond = any_of({AckAt::Beyond, AckAt::FarBeyond});
// In SYN-SENT and SYN-RECEIVED nothing but our SYN can be acknowledged.
constexpr uint32_t kNotOurSyn = kAny & ~kNxt;
}  // namespace ack

enum class Then : uint8_t { GoOn, Drop };

struct Paragraph {
  std::string_view section;
  uint32_t stages;
  uint32_t events;
  uint32_t seqs = at::kAny;
  uint32_t acks = ack::kAny;
  When when = Always;
  Then then = Then::Drop;
  std::vector<Answer> answers = {};
  std::optional<State> enters = {};
  std::string_view app = "";
  bool text = false;  // what is new of it is delivered
  bool fin = false;
};

constexpr Answer kAckOfSyn{wire::kAck, {From::SndNxt}, {From::SegSeq, 1}};
// "Other states", as §3.10.7.4 calls them.
constexpr uint32_t kOtherStates = in::kSynReceived | in::kFastOpen | in::kSynchronized;

const std::vector<Paragraph>& closed_and_listen() {
  static const std::vector<Paragraph> paragraphs = {
      {.section = "deviation: flags", .stages = in::kAll, .events = any_of({Event::SynFin})},

      {.section = "§3.10.7.1: RST is discarded", .stages = in::kClosed, .events = ev::kRst},
      {.section = "§3.10.7.1: the ACK bit is on",
       .stages = in::kClosed,
       .events = ev::kAck,
       .answers = {answer::kRstFromAck}},
      {.section = "§3.10.7.1: the ACK bit is off",
       .stages = in::kClosed,
       .events = ev::kNoAck,
       .answers = {answer::kRstFromZero}},

      {.section = "§3.10.7.2 first", .stages = in::kListen, .events = ev::kRst},
      {.section = "§3.10.7.2 second",
       .stages = in::kListen,
       .events = ev::kAck,
       .answers = {answer::kRstFromAck}},
      {.section = "§3.10.7.2 third",
       .stages = in::kListen,
       .events = ev::kSynAlone,
       .answers = {answer::kSynAck},
       .enters = State::SynReceived},
      {.section = "§3.10.7.2 fourth", .stages = in::kListen, .events = ev::kNothing},
  };
  return paragraphs;
}

const std::vector<Paragraph>& syn_sent() {
  static const std::vector<Paragraph> paragraphs = {
      {.section = "§3.10.7.3 first: a RST is dropped",
       .stages = in::kSynSent,
       .events = ev::kRstAck,
       .acks = ack::kNotOurSyn},
      {.section = "§3.10.7.3 first; §3.5.1 Figure 10",
       .stages = in::kSynSent,
       .events = ev::kAck,
       .acks = ack::kNotOurSyn,
       .answers = {answer::kRstFromAck, answer::kMaySynAgain}},
      {.section = "§3.10.7.3 second; RFC 5961 §3.2: it acknowledges our SYN",
       .stages = in::kSynSent,
       .events = ev::kRstAck,
       .enters = State::Closed,
       .app = "closed(refused)"},
      {.section = "§3.10.7.3 second: no ACK", .stages = in::kSynSent, .events = ev::kRst},
      {.section = "§3.10.7.3 fourth: our SYN is acknowledged",
       .stages = in::kSynSent,
       .events = ev::kSynAck,
       .answers = {kAckOfSyn},
       .enters = State::Established,
       .app = "established"},
      {.section = "§3.10.7.3 fourth: simultaneous open (MUST-10)",
       .stages = in::kSynSent,
       .events = ev::kSynAlone,
       .answers = {answer::kSynAckAgain},
       .enters = State::SynReceived},
      {.section = "§3.10.7.3 fifth", .stages = in::kSynSent, .events = ev::kAny},
  };
  return paragraphs;
}

// What comes before the first step, and the first.
const std::vector<Paragraph>& first() {
  static const std::vector<Paragraph> paragraphs = {
      // To the left of RCV.NXT by one number lies the peer's IRS.
      {.section = "§3.10.7.4 first; deviation: syn-again",
       .stages = in::kSynReceived,
       .events = ev::kSynAlone,
       .seqs = at::kLeft,
       .answers = {answer::kSynAckAgain}},
      {.section = "§3.5 Figure 8 (MUST-10)",
       .stages = in::kSynReceived,
       .events = ev::kSynAck,
       .seqs = at::kLeft,
       .acks = ack::kNxt,
       .when = OpenedActively,
       .answers = {answer::kMayAck},
       .enters = State::Established,
       .app = "established"},
      {.section = "§3.6.1 (MAY-2): greater than the last number of the old connection",
       .stages = in::kTimeWait,
       .events = ev::kSynAlone,
       .seqs = at::kAny & ~at::kLeft & ~at::kEdge,
       .when = OpenedPassively,
       .answers = {answer::kSynAck},
       .enters = State::SynReceived},

      {.section = "RFC 1337 §3; deviation: rfc1337", .stages = in::kTimeWait, .events = ev::kRst},
      {.section = "§3.10.7.4 first: a RST is dropped",
       .stages = kOtherStates,
       .events = ev::kRst,
       .seqs = at::kOutside},
      // In ESTABLISHED and the like, and after an active OPEN, an acknowledgement at the right edge is as good as
      // one inside: deviation right-edge. The records of SYN-RECEIVED and TIME-WAIT know no such thing.
      {.section = "§3.10.7.4 first",
       .stages = in::kTimeWait,
       .events = ev::kAckAlone,
       .seqs = at::kRightEdge,
       .answers = {answer::kAck}},
      {.section = "§3.10.7.4 first",
       .stages = in::kSynReceived,
       .events = ev::kAckAlone,
       .seqs = at::kRightEdge,
       .when = OpenedPassively,
       .answers = {answer::kAck}},
      {.section = "§3.10.7.4 first",
       .stages = kOtherStates,
       .events = ev::kAckAlone,
       .seqs = at::kOutside & ~at::kRightEdge,
       .answers = {answer::kAck}},
      {.section = "§3.10.7.4 first",
       .stages = kOtherStates,
       .events = ev::kAny & ~ev::kAckAlone,
       .seqs = at::kOutside,
       .answers = {answer::kAck}},
  };
  return paragraphs;
}

const std::vector<Paragraph>& second_to_fourth() {
  static const std::vector<Paragraph> paragraphs = {
      {.section = "§3.10.7.4 second, check 3; RFC 5961 §3.2",
       .stages = kOtherStates,
       .events = ev::kRst,
       .seqs = at::kBeyond,
       .answers = {answer::kAck}},
      {.section = "§3.10.7.4 second, SYN-RECEIVED (MUST-11)",
       .stages = in::kSynReceived,
       .events = ev::kRst,
       .when = OpenedPassively,
       .enters = State::Listen},
      {.section = "§3.10.7.4 second, SYN-RECEIVED (MUST-11)",
       .stages = in::kSynReceived,
       .events = ev::kRst,
       .when = OpenedActively,
       .enters = State::Closed,
       .app = "closed(refused)"},
      // The application has its data, and so is told.
      {.section = "§3.10.7.4 second, SYN-RECEIVED (MUST-11); RFC 7413 §4.2.2",
       .stages = in::kFastOpen,
       .events = ev::kRst,
       .enters = State::Closed,
       .app = "closed(reset)"},
      {.section = "§3.10.7.4 second, check 2 (MUST-12); RFC 5961 §3.2",
       .stages = in::kSynchronized & ~in::kTimeWait,
       .events = ev::kRst,
       .enters = State::Closed,
       .app = "closed(reset)"},

      {.section = "§3.10.7.4 fourth, SYN-RECEIVED (MUST-11)",
       .stages = in::kSynReceived,
       .events = ev::kSyn,
       .when = OpenedPassively,
       .enters = State::Listen},
      {.section = "§3.10.7.4 fourth; RFC 5961 §4.2; deviation: fast-open-syn",
       .stages = kOtherStates,
       .events = ev::kSyn,
       .answers = {answer::kAck}},
  };
  return paragraphs;
}

const std::vector<Paragraph>& fifth() {
  static const std::vector<Paragraph> paragraphs = {
      // What is known already of a segment lies outside the window, which is acknowledged (first).
      {.section = "§3.10.7.4 first and fifth: the ACK bit is off",
       .stages = kOtherStates,
       .events = ev::kNothing,
       .seqs = at::kOverlapping,
       .answers = {answer::kMayAck}},
      {.section = "§3.10.7.4 fifth: the ACK bit is off", .stages = kOtherStates, .events = ev::kNothing},
      {.section = "§3.10.7.4 fifth, SYN-RECEIVED; §3.5.2 group 2",
       .stages = in::kSynReceived | in::kFastOpen,
       .events = ev::kAck,
       .acks = ack::kNotOurSyn,
       .answers = {answer::kRstFromAck}},
      {.section = "§3.10.7.4 fifth, SYN-RECEIVED",
       .stages = in::kSynReceived,
       .events = ev::kAck,
       .then = Then::GoOn,
       .enters = State::Established,
       .app = "established"},
      {.section = "RFC 7413 §4.2.2: the handshake ends, of which the application is not told",
       .stages = in::kFastOpen,
       .events = ev::kAck,
       .then = Then::GoOn,
       .enters = State::Established},
      {.section = "RFC 5961 §5.2: deviation: time-wait-acks",
       .stages = in::kTimeWait,
       .events = ev::kAckAlone,
       .seqs = at::kEdge,
       .acks = ack::kTooOld,
       .answers = {answer::kMayAck}},
      {.section = "RFC 5961 §5.2: older than the largest window of the peer allows",
       .stages = in::kSynchronized,
       .events = ev::kAck,
       .acks = ack::kTooOld,
       .answers = {answer::kAck}},
      {.section = "§3.10.7.4 fifth: acknowledges something not yet sent; RFC 5961 §5.2; §3.5.2 group 3",
       .stages = in::kSynchronized,
       .events = ev::kAck,
       .acks = ack::kBeyond,
       .answers = {answer::kAck}},
      {.section = "§3.10.7.4 fifth, FIN-WAIT-1: our FIN is acknowledged",
       .stages = in::kFinWait1 | in::kFinWait1Deaf,
       .events = ev::kAck,
       .acks = ack::kNxt,
       .then = Then::GoOn,
       .enters = State::FinWait2},
      {.section = "§3.10.7.4 fifth, CLOSING: our FIN is acknowledged",
       .stages = in::kClosing,
       .events = ev::kAck,
       .acks = ack::kNxt,
       .then = Then::GoOn,
       .enters = State::TimeWait,
       .app = "closed(finished)"},
      {.section = "§3.10.7.4 fifth, LAST-ACK: our FIN is acknowledged",
       .stages = in::kLastAck,
       .events = ev::kAck,
       .acks = ack::kNxt,
       .enters = State::Closed,
       .app = "closed(finished)"},
      // "The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge it."
      {.section = "§3.10.7.4 fifth, TIME-WAIT",
       .stages = in::kTimeWait,
       .events = ev::kAny,
       .seqs = at::kAny & ~at::kEdge,
       .answers = {answer::kMayAck}},
  };
  return paragraphs;
}

const std::vector<Paragraph>& seventh() {
  static const std::vector<Paragraph> paragraphs = {
      // The application has closed and takes no more: the peer shall know that its text is lost.
      {.section = "§3.6.1 (MAY-1, SHLD-3)",
       .stages = in::kDeaf,
       .events = ev::kText,
       .answers = {answer::kRstAfterClose},
       .enters = State::Closed,
       .app = "closed(aborted)"},
      {.section = "§3.10.7.4 seventh (SHLD-31, MAY-13)",
       .stages = in::kTakesText,
       .events = ev::kText,
       .seqs = at::kBeyond,
       .answers = {answer::kAck}},
      {.section = "§3.10.7.4 seventh",
       .stages = in::kTakesText,
       .events = ev::kText,
       .seqs = at::kNext,
       .then = Then::GoOn,
       .answers = {answer::kAck},
       .app = "readable",
       .text = true},
      {.section = "§3.10.7.4 seventh: behind the peer's FIN there is no text",
       .stages = in::kPeerFinished,
       .events = ev::kText,
       .then = Then::GoOn,
       .answers = {answer::kMayAck}},
  };
  return paragraphs;
}

const std::vector<Paragraph>& eighth() {
  static const std::vector<Paragraph> paragraphs = {
      {.section = "§3.10.7.4 first (SHLD-31): held until what is missing has come",
       .stages = in::kTakesText | in::kDeaf,
       .events = ev::kFin,
       .seqs = at::kBeyond,
       .answers = {answer::kAck}},
      {.section = "§3.10.7.4 eighth, ESTABLISHED",
       .stages = in::kEstablished,
       .events = ev::kFin,
       .answers = {answer::kAck},
       .enters = State::CloseWait,
       .app = "peer_finished",
       .fin = true},
      {.section = "§3.10.7.4 eighth, FIN-WAIT-1",
       .stages = in::kFinWait1 | in::kFinWait1Deaf,
       .events = ev::kFin,
       .answers = {answer::kAck},
       .enters = State::Closing,
       .app = "peer_finished",
       .fin = true},
      {.section = "§3.10.7.4 eighth, FIN-WAIT-2",
       .stages = in::kFinWait2 | in::kFinWait2Deaf,
       .events = ev::kFin,
       .answers = {answer::kAck},
       .enters = State::TimeWait,
       .app = "peer_finished closed(finished)",
       .fin = true},
      {.section = "§3.10.7.4 eighth: a second FIN, which should not occur; remain in the state",
       .stages = in::kPeerFinished,
       .events = ev::kFin,
       .answers = {answer::kMayAck}},
  };
  return paragraphs;
}

bool applies(const Paragraph& paragraph, const Cell& cell, Stage stage) {
  const auto has = [](uint32_t mask, auto axis) { return (mask >> static_cast<unsigned>(axis) & 1U) != 0; };
  if (paragraph.when == OpenedPassively && cell.place.opening != Opening::Passive) return false;
  if (paragraph.when == OpenedActively && cell.place.opening != Opening::Active) return false;
  return has(paragraph.stages, stage) && has(paragraph.events, cell.event) && has(paragraph.seqs, cell.seq) &&
         has(paragraph.acks, cell.ack);
}

// Where a connection of this kind stands when it has entered `state`.
Stage stage_in(State state, Stage from) {
  switch (state) {
    case State::Closed:
      return Stage::Closed;
    case State::Listen:
      return Stage::Listen;
    case State::Established:
      return Stage::Established;
    case State::FinWait2:
      return from == Stage::FinWait1Deaf ? Stage::FinWait2Deaf : Stage::FinWait2;
    case State::CloseWait:
      return Stage::CloseWait;
    case State::Closing:
      return Stage::Closing;
    case State::TimeWait:
      return Stage::TimeWait;
    default:
      return Stage::SynReceived;
  }
}

// One acknowledgement says what several would, and one that is owed makes up for one that may be left out.
void add_answer(std::vector<Answer>& answers, const Answer& answer) {
  if (!answers.empty() && answers.back().flags == wire::kAck && answer.flags == wire::kAck)
    answers.back().may_be_left_out &= answer.may_be_left_out;
  else
    answers.push_back(answer);
}

void add_effect(const Paragraph& paragraph, const Cell& cell, Rule& rule, std::string& app) {
  for (const Answer& answer : paragraph.answers) add_answer(rule.answers, answer);
  if (paragraph.enters) rule.enters.push_back(*paragraph.enters);
  if (!paragraph.app.empty()) app += (app.empty() ? "" : " ") + std::string(paragraph.app);
  if (paragraph.text) rule.text.octets = kTextOctets - (cell.seq == SeqAt::Overlapping ? kKnownOctets : 0);
  rule.fin |= paragraph.fin;
}

}  // namespace

Owed owed_for(const Cell& cell) {
  Owed owed;
  Stage stage = cell.place.stage;
  for (const auto* part :
       {&closed_and_listen(), &syn_sent(), &first(), &second_to_fourth(), &fifth(), &seventh(), &eighth()})
    for (const Paragraph& paragraph : *part) {
      if (!applies(paragraph, cell, stage)) continue;
      owed.sections += (owed.sections.empty() ? "" : "; then ") + std::string(paragraph.section);
      add_effect(paragraph, cell, owed.rule, owed.app);
      if (paragraph.then == Then::Drop) return owed;
      if (paragraph.enters) stage = stage_in(*paragraph.enters, stage);
    }
  return owed;
}

}  // namespace millrace::conformance

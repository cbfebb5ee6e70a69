#include "verdict.h"

#include <ostream>

namespace millrace::conformance {

namespace {

using tcp::State;

struct Context {
  Variables v;
  PeerSegment cause;
  Seq rcv_new;
  Stage stage;
};

Seq cause_end(const PeerSegment& cause) {
  return cause.seq + cause.length + (cause.flags.syn() ? 1U : 0U) + (cause.flags.fin() ? 1U : 0U);
}

Seq plus(Seq seq, int32_t offset) { return seq + static_cast<uint32_t>(offset); }

Seq number(const Num& num, const Context& at) {
  switch (num.from) {
    case From::Zero:
      return plus(Seq(0), num.plus);
    case From::Iss:
      return plus(at.v.iss, num.plus);
    case From::Irs:
      return plus(at.v.irs, num.plus);
    case From::SndUna:
      return plus(at.v.snd_una, num.plus);
    case From::SndNxt:
      return plus(at.v.snd_nxt, num.plus);
    case From::RcvNxt:
      return plus(at.v.rcv_nxt, num.plus);
    case From::RcvEdge:
      return plus(at.v.rcv_edge(), num.plus);
    case From::RcvNew:
      return plus(at.rcv_new, num.plus);
    case From::SegSeq:
      return plus(at.cause.seq, num.plus);
    case From::SegAck:
      return plus(at.cause.ack, num.plus);
    case From::SegEnd:
      return plus(cause_end(at.cause), num.plus);
    case From::Natural:
      return at.stage == Stage::SynSent || at.stage == Stage::SynReceived ||
                     at.stage == Stage::SynReceivedFastOpen
                 ? at.v.snd_nxt
                 : at.v.snd_una;
    case From::Fresh:
    case From::Reset:
      break;
  }
  return Seq();
}

bool seq_fits(const Num& num, Seq seq, const Context& at) {
  // RFC 9293 §3.6.1: an ISN that re-opens TIME-WAIT lies beyond what the old connection used.
  if (num.from == From::Fresh) return at.stage != Stage::TimeWait || seq.after(at.v.snd_nxt);
  if (num.from == From::Reset) return seq == at.v.snd_nxt || seq == at.cause.ack;
  return seq == number(num, at);
}

bool fits(const Answer& answer, const Captured& seen, const Context& at) {
  const wire::Segment& segment = seen.segment;
  const int ignored = answer.length != 0 ? 0 : wire::Flags::kPsh;
  if ((segment.flags.bits() | ignored) != (answer.flags.bits() | ignored)) return false;
  if (segment.payload_length != answer.length) return false;
  if (!seq_fits(answer.seq, segment.seq, at)) return false;
  return !answer.flags.ack() || segment.ack == number(answer.ack, at);
}

std::string judge_answers(const Rule& rule, const std::vector<Captured>& seen, const Context& at) {
  size_t next = 0;
  for (const Answer& answer : rule.answers) {
    if (next < seen.size() && fits(answer, seen[next], at))
      ++next;
    else if (!answer.may_be_left_out)
      next = seen.size() + 1;  // one that is owed did not come
  }
  if (next == seen.size() || rule.loose) return "";
  std::string out = "answered:";
  if (seen.empty()) out += " nothing";
  for (const Captured& one : seen) out += "\n    " + describe(one.segment);
  out += "\n  owed:";
  if (rule.answers.empty()) out += " nothing";
  for (const Answer& answer : rule.answers) {
    wire::Segment segment;
    segment.flags = answer.flags;
    segment.seq = number(answer.seq, at);
    segment.ack = answer.flags.ack() ? number(answer.ack, at) : Seq();
    segment.payload_length = answer.length;
    out += "\n    " + describe(segment) + (answer.may_be_left_out ? " (may be left out)" : "");
    if (answer.seq.from == From::Fresh) out += " (any ISN that the rules allow as seq)";
    if (answer.seq.from == From::Reset) out += " (SND.NXT or SEG.ACK as seq)";
  }
  return out + "\n";
}

// An application that has closed need not hear that its peer has finished.
std::string events_told(std::string text, Stage stage) {
  if (stage != Stage::FinWait1Deaf && stage != Stage::FinWait2Deaf) return text;
  const std::string word = "peer_finished";
  const size_t at = text.find(word);
  if (at == std::string::npos) return text;
  text.erase(at, word.size());
  if (!text.empty() && text.front() == ' ') text.erase(0, 1);
  return text;
}

std::string judge_text(Walk& walk, Seq from, uint32_t octets) {
  bool same = walk.app.received.size() == octets;
  for (uint32_t i = 0; same && i < octets; ++i) same = walk.app.received[i] == Peer::octet_at(from + i);
  const size_t got = walk.app.received.size();
  walk.app.received.clear();
  if (same) return "";
  return "the application read " + std::to_string(got) + " octets, not the " + std::to_string(octets) +
         " that were new\n";
}

// Before our first state a path may name LISTEN or CLOSED: that is how the record became a TCB.
std::string judge_path(Walk& walk, Stage stage) {
  if (stage == Stage::TimeWait) return "";  // a record, with no path of its own
  std::vector<State> walked = walk.app.path();
  if (walked.empty()) return "";
  std::vector<State> due = walk.path;
  while (walked.size() > due.size() && (walked.front() == State::Closed || walked.front() == State::Listen))
    walked.erase(walked.begin());
  if (walked == due) return "";
  return "path: " + text_of(walked) + ", not " + text_of(due) + "\n";
}

}  // namespace

std::string family_suffix(Family family) { return family == Family::V4 ? "_v4" : "_v6"; }

std::string stage_text(Stage stage, Opening opening) {
  std::string out(name_of(stage));
  if (exists(stage, Opening::Passive) && exists(stage, Opening::Active))
    out += opening == Opening::Passive ? "_passive" : "_active";
  return out;
}

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.event << " in " << stage_text(c.stage, c.opening);
}

std::string text_of(const std::vector<State>& path) {
  std::string out;
  for (const State state : path) {
    if (!out.empty()) out += " > ";
    out += tcp::name_of(state);
  }
  return out;
}

PeerSegment resolve(const Stimulus& stimulus, const Variables& v, Stage stage) {
  const Context at{v, {}, v.rcv_nxt, stage};
  return {.flags = stimulus.flags,
          .seq = number(stimulus.seq, at),
          .ack = stimulus.flags.ack() ? number(stimulus.ack, at) : Seq(),
          .length = stimulus.length + (stimulus.fills_window ? v.rcv_wnd : 0),
          .urgent_pointer = stimulus.urgent,
          .options = {}};
}

std::string judge(Walk& walk, Stage stage, const Rule& rule, const PeerSegment& cause,
                  const std::vector<Captured>& seen) {
  const uint32_t octets = rule.text.octets + (rule.text.window ? walk.v.rcv_wnd : 0);
  const Context at{walk.v, cause, walk.v.rcv_nxt + octets + (rule.fin ? 1U : 0U), stage};
  std::string out = judge_answers(rule, seen, at);

  State due = rule.enters.empty() ? state_of(stage) : rule.enters.back();
  if (due == State::Closed && walk.opening == Opening::Passive) due = State::Listen;  // the listener is seen
  if (walk.peer.state() != due)
    out += "state: " + std::string(name_of(walk.peer.state())) + ", not " + std::string(name_of(due)) + "\n";
  walk.path.insert(walk.path.end(), rule.enters.begin(), rule.enters.end());
  out += judge_path(walk, stage);

  const std::string told = events_told(walk.app.take_events(), stage);
  const std::string owed = events_told(std::string(rule.app), stage);
  if (told != owed) out += "told: \"" + told + "\", not \"" + owed + "\"\n";
  out += judge_text(walk, walk.v.rcv_nxt, octets);

  walk.v.rcv_nxt = at.rcv_new;
  if (!seen.empty() && seen.back().segment.flags.syn()) {
    walk.v.iss = walk.v.snd_una = seen.back().segment.seq;
    walk.v.snd_nxt = walk.v.iss + 1;
    walk.v.irs = cause.seq;
    walk.v.rcv_nxt = cause.seq + 1;
  }
  if (stage == Stage::SynSent && due == State::Established) walk.v.rcv_nxt = cause.seq + 1;
  return out;
}

std::string probe(Walk& walk, State state) {
  PeerSegment ask = walk.next(wire::kAck);
  Answer owed = answer::kAck;
  State after = state;
  if (state == State::Closed || state == State::Listen) {
    owed = answer::kRstFromAck;
    if (walk.opening == Opening::Passive) after = State::Listen;
  } else if (state == State::SynSent) {
    ask.flags = wire::kSyn | wire::kAck;
    ask.seq = walk.v.irs;
    walk.v.rcv_nxt = walk.v.irs + 1;
    after = State::Established;
  } else {
    ask.seq = walk.v.rcv_nxt - 1;
  }
  walk.peer.send(ask);
  const Context at{walk.v, ask, walk.v.rcv_nxt, Stage::Established};
  const Rule rule{.events = {}, .answers = {owed}, .section = ""};
  std::string out = judge_answers(rule, walk.peer.take(), at);
  if (walk.peer.state() != after) out += "state: " + std::string(name_of(walk.peer.state())) + "\n";
  return out.empty() ? out : "asked afterwards, " + out;
}

std::string clean_up(Walk& walk) {
  walk.peer.shard().abort_all(walk.peer.now());
  walk.peer.run();
  walk.peer.advance(200s);
  walk.peer.take();
  const std::string held = walk.peer.leaks();
  return held.empty() ? held : "still held: " + held;
}

}  // namespace millrace::conformance

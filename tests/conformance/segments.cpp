// Every kind of arriving segment that the rules tell apart, by where it stands to the window and to what we
// have sent. Neighbour: rule.h.
#include <array>

#include "rule.h"

namespace millrace::conformance {

namespace {

using enum From;
using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;
using wire::kSyn;
using wire::kUrg;

constexpr auto kStimuli = std::to_array<Stimulus>({
    // ---- RST
    {"rst_exact", kRst, {RcvNxt}, {}},
    {"rst_in_window", kRst, {RcvNxt, 1}, {}},
    {"rst_at_window_end", kRst, {RcvEdge, -1}, {}},
    {"rst_at_right_edge", kRst, {RcvEdge}, {}},
    {"rst_beyond_window", kRst, {RcvEdge, 1}, {}},
    {"rst_before_window", kRst, {RcvNxt, -1}, {}},
    {"rst_ack_exact", kRst | kAck, {RcvNxt}, {SndNxt}},
    {"rst_ack_of_unsent", kRst | kAck, {RcvNxt}, {SndNxt, 1000}},
    {"rst_ack_before_window", kRst | kAck, {RcvNxt, -1}, {SndNxt}},
    {"rst_with_text", kRst | kAck, {RcvNxt}, {SndNxt}, 20},
    // ---- SYN
    {"syn_in_window", kSyn, {RcvNxt, 100}, {}},
    {"syn_beyond_window", kSyn, {RcvEdge, 1000}, {}},
    {"syn_again", kSyn, {Irs}, {}},
    {"syn_with_text", kSyn, {RcvNxt, 100}, {}, 20},
    {"syn_ack_good", kSyn | kAck, {RcvNxt}, {SndNxt}},
    {"syn_ack_again", kSyn | kAck, {Irs}, {Iss, 1}},
    {"syn_ack_of_nothing", kSyn | kAck, {RcvNxt}, {Iss}},
    {"syn_ack_of_unsent", kSyn | kAck, {RcvNxt}, {SndNxt, 1000}},
    // ---- flags that make no sense
    {"syn_fin", kSyn | kFin, {RcvNxt}, {}},
    {"syn_rst", kSyn | kRst, {RcvNxt}, {}},
    {"no_flags", wire::Flags(), {RcvNxt}, {}},
    // ---- ACK
    {"ack_good", kAck, {RcvNxt}, {SndNxt}},
    {"ack_of_nothing", kAck, {RcvNxt}, {SndUna}},
    {"ack_old", kAck, {RcvNxt}, {SndUna, -1}},
    {"ack_of_unsent", kAck, {RcvNxt}, {SndNxt, 1}},
    {"ack_before_window", kAck, {RcvNxt, -1}, {SndNxt}},
    {"ack_at_right_edge", kAck, {RcvEdge}, {SndUna}},
    {"ack_beyond_window", kAck, {RcvEdge, 1}, {SndNxt}},
    // ---- no ACK bit
    {"text_without_ack", kPsh, {RcvNxt}, {}, 100},
    {"fin_without_ack", kFin, {RcvNxt}, {}},
    // ---- text
    {"text_in_order", kAck | kPsh, {RcvNxt}, {Natural}, 100},
    {"text_in_order_acks_all", kAck | kPsh, {RcvNxt}, {SndNxt}, 100},
    {"text_in_order_acks_unsent", kAck | kPsh, {RcvNxt}, {SndNxt, 1}, 100},
    {"text_out_of_order", kAck | kPsh, {RcvNxt, 200}, {Natural}, 100},
    {"text_duplicate", kAck | kPsh, {RcvNxt, -50}, {Natural}, 50},
    {"text_overlapping", kAck | kPsh, {RcvNxt, -50}, {Natural}, 100},
    {"text_beyond_window", kAck | kPsh, {RcvEdge}, {Natural}, 100},
    {"text_past_window", kAck | kPsh, {RcvNxt}, {Natural}, 100, true},
    {"text_urgent", kAck | kUrg, {RcvNxt}, {Natural}, 100, false, 50},
    {"urgent_without_text", kAck | kUrg, {RcvNxt}, {Natural}, 0, false, 50},
    // ---- FIN
    {"fin", kFin | kAck, {RcvNxt}, {Natural}},
    {"fin_acks_all", kFin | kAck, {RcvNxt}, {SndNxt}},
    {"fin_acks_unsent", kFin | kAck, {RcvNxt}, {SndNxt, 1}},
    {"fin_out_of_order", kFin | kAck, {RcvNxt, 100}, {Natural}},
    {"fin_again", kFin | kAck, {RcvNxt, -1}, {Natural}},
    {"fin_beyond_window", kFin | kAck, {RcvEdge}, {Natural}},
    {"fin_with_text", kFin | kAck | kPsh, {RcvNxt}, {Natural}, 100},
    {"fin_past_window", kFin | kAck | kPsh, {RcvNxt}, {Natural}, 0, true},
});

}  // namespace

std::span<const Stimulus> stimuli() { return kStimuli; }

std::vector<const Rule*> rules_for(std::string_view event, Stage stage, Opening opening) {
  std::vector<const Rule*> out;
  const auto look = [&](std::span<const Rule> rules) {
    for (const Rule& rule : rules) {
      if ((rule.stages & stages(stage)) == 0) continue;
      if (rule.when == When::OpenedPassively && opening != Opening::Passive) continue;
      if (rule.when == When::OpenedActively && opening != Opening::Active) continue;
      for (const std::string_view name : rule.events)
        if (name == event) out.push_back(&rule);
    }
  };
  look(reset_rules());
  look(syn_rules());
  look(ack_rules());
  look(text_rules());
  look(fin_rules());
  look(call_rules());
  return out;
}

}  // namespace millrace::conformance

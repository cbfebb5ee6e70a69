#include "tcp/open/syn_queue.h"

#include <algorithm>

#include "tcp/open/negotiation.h"
#include "tcp/transfer/ecn.h"
#include "tcp/transfer/paws.h"

namespace millrace::tcp {

SynRecord::SynRecord(const flow::FlowKey& flow, const wire::Segment& syn, Seq our_isn, Mss announced,
                     uint16_t listener_index, const TcpParams& params)
    : key(flow),
      iss(our_isn),
      irs(syn.seq),
      ts_recent(syn.options.timestamps ? syn.options.timestamps->value : 0),
      peer_window(syn.window),
      peer_mss(syn.options.mss.value_or(Mss(0))),
      our_mss(announced),
      listener(listener_index),
      peer_scale(syn.options.window_scale ? syn.options.window_scale->shift() & 0xf : kNoScale),
      our_scale(static_cast<uint8_t>(scale_for(largest_receive_buffer(params)).shift() & 0xf)),
      timestamps(syn.options.timestamps.has_value()),
      sack_permitted(syn.options.sack_permitted),
      ecn(is_ecn_setup_syn(syn)),
      window_(static_cast<uint16_t>(std::min<Bytes>(params.receive_buffer, 0xffff))) {}

wire::TcpOptions SynRecord::offered() const {
  wire::TcpOptions options;
  if (peer_mss != Mss(0)) options.mss = peer_mss;
  if (timestamps) options.timestamps = wire::Timestamps{.value = ts_recent, .echo_reply = 0};
  if (scaled()) options.window_scale = WindowScale(peer_scale);
  options.sack_permitted = sack_permitted;
  return options;
}

wire::TcpOptions SynRecord::answered(const TcpParams& params) const {
  wire::TcpOptions options = answer(offered(), our_mss, 0, params);
  if (options.window_scale) options.window_scale = WindowScale(our_scale);
  return options;
}

SynAction on_segment(const SynRecord& record, const wire::Segment& segment, DropReason& reason) {
  const Seq rcv_nxt = record.irs + 1;
  reason = DropReason::TcpStateIgnores;
  if (segment.flags.syn() && !segment.flags.rst() && segment.seq == record.irs && !segment.flags.ack())
    return SynAction::Answer;
  reason = DropReason::TcpNotAcceptable;
  const Bytes window = record.window_offered();
  const uint32_t length = segment.length();
  const bool acceptable =
      segment.seq.within(rcv_nxt, window) || (length != 0 && (segment.end() - 1).within(rcv_nxt, window));
  if (!acceptable) return segment.flags.rst() ? SynAction::Drop : SynAction::Acknowledge;
  if (segment.flags.rst()) return segment.seq == rcv_nxt ? SynAction::Remove : SynAction::Acknowledge;
  if (segment.flags.syn()) return SynAction::Remove;  // RFC 9293 §3.10.7.4, fourth step: back to LISTEN
  if (!segment.flags.ack()) {
    reason = DropReason::TcpNoAck;
    return SynAction::Drop;
  }
  if (segment.ack != record.iss + 1) {
    reason = DropReason::TcpAckUnacceptable;
    return SynAction::Reset;
  }
  return SynAction::Promote;
}

void syn_ack(const SynRecord& record, const TcpParams& params, uint32_t ts_offset, Instant now,
             wire::Segment& out) {
  out.seq = record.iss;
  out.ack = record.irs + 1;
  out.flags = wire::kSyn | wire::kAck;
  if (record.ecn) out.flags = out.flags | wire::kEce;
  out.window = WireWindow(static_cast<uint16_t>(record.window_offered()));
  out.options = record.answered(params);
  if (out.options.timestamps)
    out.options.timestamps =
        wire::Timestamps{.value = timestamp_clock(now) + ts_offset, .echo_reply = record.ts_recent};
}

void acknowledge(const SynRecord& record, uint32_t ts_offset, Instant now, wire::Segment& out) {
  out.seq = record.iss + 1;
  out.ack = record.irs + 1;
  out.flags = wire::kAck;
  out.window = record.scaled() ? WindowScale(record.our_scale).wire(record.window_offered())
                               : WireWindow(static_cast<uint16_t>(record.window_offered()));
  if (record.timestamps)
    out.options.timestamps =
        wire::Timestamps{.value = timestamp_clock(now) + ts_offset, .echo_reply = record.ts_recent};
}

namespace {

template <size_t... Level, typename Links>
auto make_levels(std::index_sequence<Level...>, Links links) {
  return std::array<timer::DeadlineFifo<Links>, sizeof...(Level)>{
      (static_cast<void>(Level), timer::DeadlineFifo<Links>(links))...};
}

}  // namespace

Instant first_sent_at(const SynRecord& record, Micros rto_initial) {
  constexpr int kLast = SynQueue::kLevels - 1;
  const int doubled = std::min<int>(record.retries, kLast);
  const int waits = (1 << doubled) - 1 + (record.retries - doubled) * (1 << kLast);
  return record.sent_at - rto_initial * waits;
}

SynQueue::SynQueue(uint32_t bound)
    : records_(bound), levels_(make_levels(std::make_index_sequence<kLevels>{}, LinksOf{&records_})) {}

SynQueue::~SynQueue() {
  for (Fifo& level : levels_)
    while (!level.empty()) {
      const uint32_t index = level.front();
      level.remove(index);
      records_.destroy(index);
    }
}

void SynQueue::sent(uint32_t index, Instant now) {
  SynRecord& record = records_[index];
  Fifo& level = level_of(record);
  record.sent_at = now;
  record.challenged = 0;
  if (level.contains(index)) level.remove(index);
  level.push_back(index);
}

void SynQueue::destroy(uint32_t index) {
  Fifo& level = level_of(records_[index]);
  if (level.contains(index)) level.remove(index);
  records_.destroy(index);
}

Instant SynQueue::next_deadline(Micros rto_initial) const {
  Instant deadline = kNever;
  for (size_t level = 0; level < kLevels; ++level)
    if (!levels_[level].empty())
      deadline = std::min(deadline, records_[levels_[level].front()].sent_at + rto_initial * (1 << level));
  return deadline;
}

}  // namespace millrace::tcp

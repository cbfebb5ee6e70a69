// TIME-WAIT as a record of one line: enough to acknowledge a repeated FIN, to be quiet for 2 * MSL, and to
// tell a new connection from an old segment. Neighbours: shard/serve.cpp (records and their time),
// shard/open.cpp (an active open that takes a record's ports).
#pragma once

#include "flow/key.h"
#include "tcp/context.h"
#include "tcp/tcb.h"
#include "timer/deadline_fifo.h"
#include "wire/segment.h"

namespace millrace::tcp {

struct alignas(64) TimeWaitRecord {
  flow::FlowKey key;
  timer::FifoLinks links;
  Instant since{};  // 2 * MSL counts from here
  Seq snd_nxt;
  Seq rcv_nxt;
  uint32_t ts_recent = 0;
  uint32_t ts_offset = 0;
  uint32_t sent_at = 0;  // timestamp_clock of the last segment that we sent
  WireWindow window;
  bool timestamps = false;
  uint8_t answers = 0;  // acknowledgements sent since the wait began, the repeated FIN's not counted

  // No more than these: what a blind attacker sends is not answered for ever (RFC 5961 §7).
  static constexpr uint8_t kAnswers = 32;

  TimeWaitRecord(const Tcb& tcb, Instant now);
};
static_assert(sizeof(TimeWaitRecord) == 64);

enum class TimeWaitAction : uint8_t {
  Drop,
  Acknowledge,  // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
  Restart,      // the same, and 2 * MSL begins again
  Reopen,       // a new connection: forget the record and give the segment to the listener
  Remove,       // reset
};

// RFC 9293 §3.10.7.4 for TIME-WAIT, and §3.6.1 for a new SYN. `reason` says why, when the segment is dropped.
TimeWaitAction on_segment(const TimeWaitRecord& record, const wire::Segment& segment, const TcpParams& params,
                          DropReason& reason);

// The acknowledgement that the record sends.
void acknowledge(TimeWaitRecord& record, Instant now, wire::Segment& out);

// Whether an active open may take the record's ports: timestamps will tell the old connection's segments from
// the new one's, at either end. The new connection keeps record.ts_offset, so that its clock goes on.
bool may_reuse(const TimeWaitRecord& record, Instant now, const TcpParams& params);

// RFC 9293 §3.6.1: an initial sequence number larger than any that the old connection used: `generated` where
// it is, else one that lies a window of the peer's beyond.
Seq iss_beyond(const TimeWaitRecord& record, Seq generated);

// Whether a SYN-ACK whose numbers could not be chosen, as a SYN cookie's, may answer `syn` none the less: its
// sequence number lies beyond those of the old connection, or its timestamp is later and tells them apart.
bool lies_beyond(const TimeWaitRecord& record, const wire::Segment& syn, const wire::Segment& syn_ack);

}  // namespace millrace::tcp

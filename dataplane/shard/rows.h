// What a shard shows of itself: plain copies, made by the lcore, read by anybody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/seq.h"
#include "base/time.h"
#include "base/units.h"
#include "tcp/state.h"
#include "wire/segment.h"

namespace millrace::shard {

struct ConnectionRow {
  uint64_t id = 0;
  wire::FlowAddress flow;
  tcp::State state = tcp::State::Closed;
  std::string service;  // the listener's name; empty for active opens
  Micros age{};
  Bytes send_queue_bytes = 0;      // queued or unacknowledged
  Bytes receive_queue_bytes = 0;   // received and not consumed
  Bytes unacknowledged_bytes = 0;  // SND.NXT - SND.UNA
  Bytes cwnd_bytes = 0;
  Bytes ssthresh_bytes = 0;
  std::string_view congestion_control;  // empty where there is no TCB
  Bytes send_window_bytes = 0;
  Bytes receive_window_bytes = 0;
  uint16_t mss_bytes = 0;
  Micros srtt{};
  Micros rttvar{};
  Micros rto{};
  uint32_t retransmits = 0;  // segments sent again in this connection's life
  uint32_t backoff = 0;      // time-outs in a row
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  bool timestamps = false;
  bool fast_open = false;  // data of the SYN was taken (RFC 7413)
  bool sack = false;
  bool ecn = false;  // agreed on (RFC 3168); then:
  uint32_t ecn_ce_received = 0;
  uint32_t ecn_echoes_received = 0;
  uint32_t ecn_reductions = 0;
  uint8_t send_scale = 0;
  uint8_t receive_scale = 0;
};

// What a row leaves out, for those who look at one connection.
struct ConnectionDetail {
  ConnectionRow row;
  Seq iss, irs;
  Seq snd_una, snd_nxt, snd_end;
  Seq rcv_nxt, rcv_adv, last_ack_sent;
  uint32_t ts_recent = 0;
  Bytes largest_send_window = 0;
  Bytes send_buffer = 0, receive_buffer = 0;  // bounds
  uint16_t our_mss = 0, peer_mss = 0;         // as announced
  std::optional<Micros> timer_in;             // retransmission or persist timer
  Micros heard_ago{};                         // the last acceptable segment
  uint32_t retries = 0;                       // time-outs in a row without progress
  std::string_view fast_open;
  uint8_t received_dscp = 0;
  bool active_open = false;
  bool fin_queued = false;
  bool receive_closed = false;
  bool no_delay = false;
  bool corked = false;
};

struct ListenerRow {
  std::string name;
  Endpoint local;
  uint32_t half_open = 0;
  uint32_t backlog = 0;
  uint64_t accepted = 0;
  uint32_t open = 0;
  uint32_t connections = 0;  // bound of `open`; 0: none
  uint64_t syn_overflows = 0;
  uint64_t accept_overflows = 0;
  uint64_t cookies_sent = 0;
  uint64_t cookies_accepted = 0;
  uint64_t cookies_rejected = 0;
};

// One segment seen or sent.
struct TraceRow {
  Instant at{};
  bool sent = false;
  tcp::State before = tcp::State::Closed;  // our state when it came, or before it was sent
  tcp::State after = tcp::State::Closed;
  wire::Segment segment;  // payload is not kept
};

}  // namespace millrace::shard

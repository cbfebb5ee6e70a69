// TCP_INFO in Linux's layout. Neighbour: options.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/socket/socket.h"

namespace millrace::socket {

// struct tcp_info of Linux 6.9 and later, by its uapi header's order and widths. Older programs ask for fewer
// octets and get the front.
struct TcpInfo {
  uint8_t state = 0;
  uint8_t ca_state = 0;
  uint8_t retransmits = 0;
  uint8_t probes = 0;
  uint8_t backoff = 0;
  uint8_t options = 0;
  uint8_t wscale = 0;       // of the peer in the low four bits, ours in the high ones
  uint8_t app_limited = 0;  // bit 0; Fast Open's failure in bits 1 and 2
  uint32_t rto = 0;         // times in microseconds
  uint32_t ato = 0;
  uint32_t snd_mss = 0;
  uint32_t rcv_mss = 0;
  uint32_t unacked = 0;  // segments
  uint32_t sacked = 0;
  uint32_t lost = 0;
  uint32_t retrans = 0;
  uint32_t fackets = 0;
  uint32_t last_data_sent = 0;  // ages in milliseconds
  uint32_t last_ack_sent = 0;
  uint32_t last_data_recv = 0;
  uint32_t last_ack_recv = 0;
  uint32_t pmtu = 0;
  uint32_t rcv_ssthresh = 0;
  uint32_t rtt = 0;
  uint32_t rttvar = 0;
  uint32_t snd_ssthresh = 0;  // segments
  uint32_t snd_cwnd = 0;      // segments
  uint32_t advmss = 0;
  uint32_t reordering = 0;
  uint32_t rcv_rtt = 0;
  uint32_t rcv_space = 0;
  uint32_t total_retrans = 0;
  uint64_t pacing_rate = 0;
  uint64_t max_pacing_rate = 0;
  uint64_t bytes_acked = 0;
  uint64_t bytes_received = 0;
  uint32_t segs_out = 0;
  uint32_t segs_in = 0;
  uint32_t notsent_bytes = 0;
  uint32_t min_rtt = 0;
  uint32_t data_segs_in = 0;
  uint32_t data_segs_out = 0;
  uint64_t delivery_rate = 0;
  uint64_t busy_time = 0;
  uint64_t rwnd_limited = 0;
  uint64_t sndbuf_limited = 0;
  uint32_t delivered = 0;
  uint32_t delivered_ce = 0;
  uint64_t bytes_sent = 0;
  uint64_t bytes_retrans = 0;
  uint32_t dsack_dups = 0;
  uint32_t reord_seen = 0;
  uint32_t rcv_ooopack = 0;
  uint32_t snd_wnd = 0;
  uint32_t rcv_wnd = 0;
  uint32_t rehash = 0;
  uint16_t total_rto = 0;
  uint16_t total_rto_recoveries = 0;
  uint32_t total_rto_time = 0;
  uint8_t later[32] = {};  // fields of still newer kernels
};
static_assert(offsetof(TcpInfo, rto) == 8 && offsetof(TcpInfo, snd_cwnd) == 80);
static_assert(offsetof(TcpInfo, pacing_rate) == 104 && offsetof(TcpInfo, notsent_bytes) == 144);
static_assert(offsetof(TcpInfo, delivery_rate) == 160 && offsetof(TcpInfo, delivered) == 192);
static_assert(offsetof(TcpInfo, total_rto) == 240 && sizeof(TcpInfo) == 280);

TcpInfo tcp_info(const Socket& socket);
// Of a connection that is ending: what getsockopt() tells from then on.
TcpInfo last_tcp_info(const app::Connection& connection, Instant now);

}  // namespace millrace::socket

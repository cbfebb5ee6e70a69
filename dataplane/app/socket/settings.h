// The values behind the options of a socket; what nobody has set is as the shard has it. A listening socket's
// are inherited by what it accepts. Neighbours: options.cpp has the table that reads and writes them,
// socket.cpp puts them into force.
#pragma once

#include <cstdint>
#include <optional>

#include "base/params.h"
#include "base/time.h"

namespace millrace::socket {

struct Settings {
  // SOL_SOCKET
  bool reuse_address = false;
  bool reuse_port = false;  // reuse_port.h
  std::optional<bool> keep_alive;
  bool oob_inline = false;
  bool linger = false;
  int linger_seconds = 0;
  uint32_t send_buffer = 0;     // 0: the stack's default
  uint32_t receive_buffer = 0;  // likewise
  int receive_low_water = 1;
  Micros receive_timeout{0};  // 0: none
  Micros send_timeout{0};
  int priority = 0;  // PCP of a VLAN's tag (IEEE 802.1Q)
  std::optional<uint64_t> max_pacing_rate;  // octets a second

  // IPPROTO_TCP
  std::optional<bool> no_delay;
  bool cork = false;
  bool quick_ack = true;
  int max_segment = 0;  // TCP_MAXSEG; 0: by the MTU
  std::optional<int> keep_idle_seconds;
  std::optional<int> keep_interval_seconds;
  std::optional<int> keep_count;
  std::optional<int> syn_count;
  std::optional<int> linger2_seconds;  // below 0: FIN-WAIT-2 is not waited in
  int defer_accept_seconds = 0;
  int window_clamp = 0;
  uint32_t user_timeout_ms = 0;
  uint32_t not_sent_low_water = 0;              // 0: no limit
  std::optional<CongestionControl> congestion;  // nothing: as the stack has it
  int fast_open_queue = 0;
  bool fast_open_connect = false;
  bool inquire = false;  // TCP_INQ

  // IPPROTO_IP, IPPROTO_IPV6
  std::optional<int> tos;
  std::optional<int> ttl;
  std::optional<int> mtu_discover;  // nothing: IP_PMTUDISC_WANT
  bool receive_errors = false;
  bool free_bind = false;
  bool v6_only = false;
  std::optional<int> traffic_class;
  std::optional<int> hop_limit;
  std::optional<int> mtu_discover6;
  bool receive_errors6 = false;
};

}  // namespace millrace::socket

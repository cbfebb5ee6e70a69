// Plain parameters of a shard. config/ declares the keys that fill them, control/ does the filling; the
// dataplane reads them and never asks where they came from. Defaults here and in config/schema are held
// equal by a test.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/units.h"

namespace millrace {

// RFC 4987 §3.6. Auto: when the queue of half-open connections is full.
enum class SynCookies : uint8_t { Auto, Always, Never };
// What becomes of the ACK that would complete a connection for which the application has no room.
enum class AcceptOverflow : uint8_t { Drop, Reset };

// Congestion control: RFC 5681 with RFC 6582, RFC 9438 with RFC 9406, or draft-ietf-ccwg-bbr.
enum class CongestionControl : uint8_t { NewReno, Cubic, Bbr };

// RFC 3168. Passive: for peers that ask; On: connections that we open ask too.
enum class EcnMode : uint8_t { Off, Passive, On };

// When segments larger than what has got through so far are tried (RFC 4821).
enum class MtuProbing : uint8_t { Off, BlackHole, Always };

// What a connection makes of its path's MTU, beside what TcpParams say of probing.
enum class PathMtuDiscovery : uint8_t {
  On,        // DF is set; what ICMP says is believed (RFC 1191, 8201)
  Ignored,   // DF is set, and segments are as large as the port's MTU allows, whatever ICMP says
  Fragment,  // likewise without DF: over IPv4 routers may fragment, over IPv6 nobody does
};

// Read by tcp/ on every call: changes made between two bursts take effect at once.
struct TcpParams {
  Micros msl = 30s;                       // RFC 9293 §3.4.2 names 2 minutes; TIME-WAIT lasts twice this
  Micros rto_initial = 1s;                // RFC 6298 §2.1
  Micros rto_min = 200ms;                 // beyond SRTT; RFC 6298 §2.4 names 1 s; written deviation
  Micros rto_max = 60s;                   // RFC 6298 §2.5
  Micros delayed_ack = 40ms;              // RFC 9293 §3.8.6.3: below 500 ms
  uint32_t syn_retries = 7;               // SYN sent again: three minutes in all (RFC 9293 §3.8.3 MUST-23)
  uint32_t syn_ack_retries = 5;           // SYN-ACK likewise
  uint32_t data_retries = 15;             // data or FIN likewise: R2 of RFC 9293 §3.8.3
  Bytes receive_buffer = 256 * 1024;      // largest window offered at first
  Bytes receive_buffer_max = 6U << 20;    // and once the application takes so much a round trip
  Bytes send_buffer = 256 * 1024;         // octets that an application may have queued or unacknowledged
  Bytes send_buffer_max = 4U << 20;       // and while the congestion window is half as large
  Bytes send_low_water = 1;               // octets of room of which the application is told
  bool timestamps = true;                 // RFC 7323 §3
  bool window_scaling = true;             // RFC 7323 §2
  bool sack = true;                       // RFC 2018
  bool nagle = true;                      // RFC 9293 §3.7.4; a connection may switch it off
  bool push_bursts = false;               // PSH on the last segment of a burst that the windows end, too
  // Of connections from now on; one that is open keeps what it has (ConnectionParams changes that).
  CongestionControl congestion_control = CongestionControl::Cubic;
  EcnMode ecn = EcnMode::Passive;         // likewise of connections from now on
  bool pacing = false;                    // spread departures over the round trip; some algorithms always do
  uint32_t push_segments = 0;             // with it, PSH in the midst after so many segments; 0: not
  bool idle_restart = true;               // RFC 5681 §4.1: the congestion window is reduced after an idle time
  bool quick_ack = true;                  // acknowledge at once while a connection is young
  uint32_t initial_window_segments = 10;  // RFC 6928
  // The path's MTU (RFC 1191, 8201, 4821).
  MtuProbing mtu_probing = MtuProbing::BlackHole;
  Micros path_mtu_lifetime = 600s;        // RFC 1191 §6.3, RFC 8201 §4: then larger packets are tried again
  uint16_t mss_clamp = 0;                 // largest segment sent and announced; 0: what the MTU allows
  bool fast_open = true;                  // RFC 7413, where a listener or connect() asks for it
  uint32_t reassembly_segments = 256;     // small segments held out of order a connection, runs walked for one
  SynCookies syn_cookies = SynCookies::Auto;
  Micros syn_cookie_rotation = 60s;       // a cookie is good for one to two of these
  uint32_t fleet_cookie_checks = 10'000;  // a second: cookies that we did not issue, where keys are shared
  AcceptOverflow accept_overflow = AcceptOverflow::Drop;
  // Probes that a closed window answers before memory that is short is taken back (RFC 6429).
  uint32_t zero_window_probes = 6;
  // While memory is short a peer that would take longer than this for what is queued may lose its connection.
  Micros slow_peer_timeout = 120s;
  bool time_wait_reopen = true;          // a new SYN of the peer ends TIME-WAIT (RFC 6191, RFC 9293 MAY-2)
  bool time_wait_reuse = true;           // an active open may, where timestamps tell old from new
  Micros time_wait_reuse_after = 100ms;  // not before this: the peer's clock must have moved too
  bool time_wait_ignore_rst = true;      // RFC 1337 §3, F1; written deviation
  // What a connection may set otherwise (ConnectionParams).
  bool keepalive = false;                 // RFC 9293 §3.8.4 MUST-25: off unless asked for
  Micros keepalive_idle = 7200s;          // silence before the first probe (MUST-28: two hours or more)
  Micros keepalive_interval = 75s;        // between unanswered probes
  uint32_t keepalive_probes = 9;          // unanswered ones that end a connection (MUST-29: more than one)
  bool keepalive_octet = false;           // probes carry a garbage octet, for very old peers (MAY-6)
  Micros user_timeout = 0s;               // data unacknowledged for so long ends it; 0: R2 by count
  bool user_timeout_option = false;       // adopt what the peer's option says (RFC 5482)
  Micros user_timeout_option_min = 100s;  // L_LIMIT and U_LIMIT of RFC 5482 §3.1
  Micros user_timeout_option_max = 3600s;
  Micros fin_wait_2_timeout = 60s;  // after close(); 0: the peer's FIN is waited for without end
  uint32_t report_retries = 3;      // R1 of RFC 9293 §3.8.3: the application and IP are told; 0: never
  uint8_t dscp = 0;                 // Diffserv codepoint sent (MUST-48)
  uint8_t hop_limit = 64;           // TTL or hop limit sent (MUST-49)
  // Of the whole shard.
  uint32_t challenge_acks_per_second = 1000;  // RFC 5961 §7; the true bound is drawn anew each second
  uint32_t resets_per_second = 10'000;        // that answer no connection of ours; drawn likewise
};

// The window scale must be able to say the largest buffer of all (RFC 7323 §2.3).
inline Bytes largest_receive_buffer(const TcpParams& params) {
  return std::max(params.receive_buffer, params.receive_buffer_max);
}

// What one connection has otherwise than TcpParams; nothing: as TcpParams says, also when that changes.
struct ConnectionParams {
  std::optional<bool> keepalive;
  std::optional<bool> error_reports;  // Handler::on_error is called (RFC 9293 §3.9.1.8 SHLD-20); on
  std::optional<Micros> keepalive_idle;
  std::optional<Micros> keepalive_interval;
  std::optional<uint32_t> keepalive_probes;
  std::optional<Micros> user_timeout;
  std::optional<Micros> fin_wait_2_timeout;
  std::optional<Micros> linger;  // close() resets what is not acknowledged after this; 0: at once
  std::optional<uint64_t> max_pacing_rate;  // octets a second at which data leaves at most
  std::optional<uint32_t> syn_retries;
  std::optional<uint32_t> data_retries;  // R2 of RFC 9293 §3.8.3 (MUST-21)
  std::optional<uint32_t> send_low_water;  // octets of room of which the application is told
  std::optional<uint16_t> max_segment;   // largest segment sent and announced, options counted in
  std::optional<uint8_t> dscp;
  std::optional<uint8_t> hop_limit;
  std::optional<uint8_t> priority;  // PCP of the VLAN's tag (IEEE 802.1Q), where the port has one; 0
  std::optional<PathMtuDiscovery> path_mtu_discovery;  // counts for what happens from then on; On
  std::optional<CongestionControl> congestion_control;  // of a connection that is open, too
  std::optional<EcnMode> ecn;                           // what its SYN asks for, or is answered

  friend bool operator==(const ConnectionParams&, const ConnectionParams&) = default;
};

struct NeighborParams {
  uint32_t entries = 1024;        // bound of the table
  uint32_t queue_packets = 3;     // waiting for one resolution
  Micros reachable = 30s;         // RFC 4861 §10 REACHABLE_TIME
  Micros retransmit = 1s;         // RFC 4861 §10 RETRANS_TIMER
  Micros delay_first_probe = 5s;  // RFC 4861 §10 DELAY_FIRST_PROBE_TIME
  uint32_t probes = 3;            // RFC 4861 §10 MAX_UNICAST_SOLICIT
  Micros stale = 600s;            // an unused entry is forgotten after this
  // Probes for each of our addresses before it is used, `retransmit` apart; 0: none.
  uint32_t dup_addr_detect_transmits = 1;  // IPv6: RFC 4862 §5.1 DupAddrDetectTransmits
  uint32_t arp_probes = 1;                 // IPv4: RFC 5227 §1.1 PROBE_NUM names 3; written deviation
  bool multicast_reports = true;           // RFC 3810: groups are told to the link's routers and switches
  bool router_discovery = true;            // RFC 4861 §6.3: where no route is configured routers may say
};

struct IcmpParams {
  uint32_t errors_per_second = 100;  // RFC 4443 §2.4(f): errors sent are limited
  bool echo = true;                  // answer echo requests
};

struct Route {
  Prefix destination;
  IpAddress gateway;
};

struct InterfaceParams {
  MacAddress mac;
  uint16_t mtu = 1500;  // octets of an IP packet
  // Octets of the largest IP packet taken, where the link hands over several segments as one (LRO); smaller
  // than the MTU: the MTU.
  uint16_t largest_received = 0;
  std::vector<Prefix> addresses;
  std::vector<Route> routes;
};

// Bounds of a shard's tables: memory is taken from these numbers alone.
struct MemoryParams {
  uint32_t connections = 65536;  // TCBs
  uint32_t syn_records = 4096;   // half-open passive connections
  uint32_t time_wait_records = 65536;
  uint64_t buffer_bytes = 256ULL << 20;  // payload held in send and receive queues
  uint32_t held_packets = 4096;          // received packets held for applications; payload of more is copied
  uint32_t fast_open_cookies = 1024;     // servers whose Fast Open cookies a client remembers; 0: none
  uint32_t path_mtus = 1024;             // destinations whose path's MTU is remembered; 0: none
  uint32_t trace_segments = 4096;        // segments that the flight recorder remembers; 0: off
};

struct ListenerParams {
  Endpoint local;            // an unspecified address: every local address of that family (v4 0.0.0.0, v6 ::)
  uint32_t backlog = 1024;   // half-open connections of this listener
  uint32_t connections = 0;  // that it may have open; 0: as many as there is room for
  // Fast Open (RFC 7413): connections that SYNs with a cookie may have opened and whose handshakes have not
  // ended. 0: off. The application must bear to get the data of a SYN twice (§6.1).
  uint32_t fast_open_pending = 0;
  ConnectionParams connection = {};  // of what it accepts
};

struct ShardParams {
  TcpParams tcp;
  std::optional<Secrets> secrets;  // of cookies; nothing: the shard draws its own
  NeighborParams neighbor;
  IcmpParams icmp;
  InterfaceParams interface;
  MemoryParams memory;
};

}  // namespace millrace

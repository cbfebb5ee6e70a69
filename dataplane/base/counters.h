// Every counter, every drop reason and every histogram of a shard, declared once: metrics, `millracectl stats` and the
// reference read these lists. Neighbour: service_counters.h, what of it is counted by service.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/counter.h"
#include "base/histogram.h"
#include "base/service_counters.h"

namespace millrace {

// X(Name, "name", "sentence")
#define MILLRACE_DROP_REASONS(X)                                                                            \
  X(FrameTooShort, "frame_too_short", "The frame ends before its headers do.")                              \
  X(FrameTooLong, "frame_too_long",                                                                         \
    "The packet is larger than the port's MTU: segmentation offload is on at the peer.")                    \
  X(NotOurMac, "not_our_mac", "The frame's destination MAC address is neither ours nor a group's.")         \
  X(SourceMacInvalid, "source_mac_invalid", "The frame's source MAC address is a group's or zero.")         \
  X(UnknownEtherType, "unknown_ethertype", "The frame carries neither IPv4, IPv6 nor ARP.")                 \
  X(ArpMalformed, "arp_malformed", "The ARP packet breaks RFC 826.")                                        \
  X(ArpUnwanted, "arp_unwanted", "The ARP packet asks for or answers nothing of ours.")                     \
  X(Ip4HeaderMalformed, "ip4_header_malformed",                                                             \
    "The IPv4 header's version, length or total length is wrong.")                                          \
  X(Ip4ChecksumBad, "ip4_checksum_bad", "The IPv4 header checksum is wrong.")                               \
  X(Ip4SourceRouted, "ip4_source_routed", "The IPv4 header carries a source-route option.")                 \
  X(IpFragment, "ip_fragment", "The packet is a fragment: reassembly is left out on purpose.")              \
  X(IpSourceInvalid, "ip_source_invalid",                                                                   \
    "The source address is multicast, broadcast, loopback, unspecified or our own.")                        \
  X(IpNotOurs, "ip_not_ours", "The destination address is not ours.")                                       \
  X(IpMulticastTransport, "ip_multicast_transport", "TCP was sent to a multicast or broadcast address.")    \
  X(IpProtocolUnknown, "ip_protocol_unknown", "The packet carries neither TCP nor ICMP.")                   \
  X(Ip6HeaderMalformed, "ip6_header_malformed", "The IPv6 header's version or payload length is wrong.")    \
  X(Ip6ExtensionMalformed, "ip6_extension_malformed", "An IPv6 extension header is malformed or too many.") \
  X(Ip6ExtensionRejected, "ip6_extension_rejected",                                                         \
    "An IPv6 extension header or option demands what we do not do.")                                        \
  X(IcmpMalformed, "icmp_malformed", "The ICMP message is too short or wrong in form.")                     \
  X(IcmpChecksumBad, "icmp_checksum_bad", "The ICMP checksum is wrong.")                                    \
  X(IcmpUnwanted, "icmp_unwanted", "The ICMP message is of a type that we do not act on.")                  \
  X(IcmpQuoteForeign, "icmp_quote_foreign",                                                                 \
    "The ICMP error quotes no connection of ours, or a sequence number not in flight.")                     \
  X(NdMalformed, "nd_malformed",                                                                            \
    "The neighbour discovery message breaks RFC 4861 (hop limit, length, options).")                        \
  X(NdUnwanted, "nd_unwanted", "The neighbour discovery message asks for or answers nothing of ours.")      \
  X(NeighborTableFull, "neighbor_table_full", "The neighbour table has no room for another address.")       \
  X(NeighborQueueFull, "neighbor_queue_full", "Too many packets wait for that address to be resolved.")     \
  X(NeighborUnreachable, "neighbor_unreachable", "Address resolution failed.")                              \
  X(NoRoute, "no_route", "No route leads to the destination.")                                              \
  X(TcpHeaderMalformed, "tcp_header_malformed", "The TCP data offset or an option's length is wrong.")      \
  X(TcpChecksumBad, "tcp_checksum_bad",                                                                     \
    "The TCP checksum is wrong: damage, or checksum offload is on at the peer.")                            \
  X(TcpPortZero, "tcp_port_zero", "A TCP port is zero.")                                                    \
  X(TcpFlagsInvalid, "tcp_flags_invalid", "The TCP flags make no sense together (SYN with FIN or RST).")    \
  X(TcpNoConnection, "tcp_no_connection", "The segment belongs to no connection and no listener.")          \
  X(TcpNotAcceptable, "tcp_not_acceptable", "The segment lies outside the receive window.")                 \
  X(TcpPaws, "tcp_paws", "The timestamp is older than the last one seen (RFC 7323 PAWS).")                  \
  X(TcpAckUnacceptable, "tcp_ack_unacceptable", "The acknowledgement is for something never sent.")         \
  X(TcpNoAck, "tcp_no_ack", "The segment lacks the ACK bit where one is due.")                              \
  X(TcpAfterClose, "tcp_after_close", "Data came for a connection whose application has gone.")             \
  X(TcpStateIgnores, "tcp_state_ignores", "RFC 9293 lets the state ignore this segment.")                   \
  X(TcpReassemblyFull, "tcp_reassembly_full", "Too many out-of-order pieces are held already.")             \
  X(TcpBufferFull, "tcp_buffer_full", "No buffer memory is left for the payload.")                          \
  X(TcpSynQueueFull, "tcp_syn_queue_full", "The listener's queue of half-open connections is full.")        \
  X(TcpAcceptQueueFull, "tcp_accept_queue_full", "The listener's application takes no more connections.")   \
  X(TcpSynCookieLimit, "tcp_syn_cookie_limit",                                                              \
    "An ACK that may carry another node's SYN cookie was not looked at: too many came.")                    \
  X(TcpConnectionsFull, "tcp_connections_full", "The table of connections is full.")                        \
  X(PacketPoolEmpty, "packet_pool_empty", "No packet buffer is left to send with.")                         \
  X(TxQueueFull, "tx_queue_full", "The transmit queue is full.")                                            \
  X(HandoverFull, "handover_full", "The lcore that owns the flow has too many packets waiting.")

enum class DropReason : uint8_t {
#define MILLRACE_NAME(Name, name, sentence) Name,
  MILLRACE_DROP_REASONS(MILLRACE_NAME)
#undef MILLRACE_NAME
};

// X(name, "unit", "sentence"): monotonic counters.
#define MILLRACE_COUNTERS(X)                                                                                \
  X(rx_packets, "packets", "Frames received.")                                                              \
  X(rx_bytes, "bytes", "Octets of frames received.")                                                        \
  X(rx_full_bursts, "bursts", "Looks at the receive queue that brought as many frames as one takes: more were waiting.") \
  X(tx_packets, "packets", "Frames sent.")                                                                  \
  X(tx_bytes, "bytes", "Octets of frames sent.")                                                            \
  X(arp_requests_sent, "packets", "ARP requests sent, probes and announcements included.")                  \
  X(arp_replies_sent, "packets", "ARP replies sent.")                                                       \
  X(nd_solicits_sent, "packets", "Neighbour solicitations sent.")                                           \
  X(nd_adverts_sent, "packets", "Neighbour advertisements sent.")                                           \
  X(addresses_duplicate, "addresses", "Addresses of ours that another host had already: they are not used.")   \
  X(address_conflicts, "packets", "ARP and ND messages by which another host claims an address of ours.")   \
  X(mld_queries_received, "packets", "Multicast listener queries received.")                                \
  X(mld_reports_sent, "packets", "Multicast listener reports sent.")                                        \
  X(router_solicits_sent, "packets", "Router solicitations sent.")                                          \
  X(router_advertisements_received, "packets", "Router advertisements heeded.")                             \
  X(router_advertisements_limited, "events",                                                                \
    "Router advertisements, routers or prefixes beyond what is looked at or remembered.")                   \
  X(icmp_echo_replies_sent, "packets", "ICMP and ICMPv6 echo replies sent.")                                \
  X(icmp_errors_received, "packets", "ICMP errors that quote a connection of ours.")                        \
  X(icmp_soft_errors, "packets", "ICMP errors that say a destination is out of reach, noted by a connection.") \
  X(icmp_errors_sent, "packets", "ICMP errors sent.")                                                       \
  X(icmp_errors_limited, "packets", "ICMP errors not sent because of the rate limit.")                      \
  X(tcp_segments_received, "segments", "TCP segments received with a good checksum.")                       \
  X(tcp_segments_sent, "segments", "TCP segments sent, retransmissions included.")                          \
  X(tcp_bytes_received, "bytes", "Payload octets accepted in order.")                                       \
  X(tcp_bytes_sent, "bytes", "Payload octets sent for the first time.")                                     \
  X(tcp_fast_path_acks, "segments", "Pure acknowledgements taken by header prediction.")                    \
  X(tcp_fast_path_data, "segments", "In-order data segments taken by header prediction.")                   \
  X(tcp_active_opens, "connections", "Connections opened by us.")                                           \
  X(tcp_passive_opens, "connections", "SYNs answered by a SYN-ACK.")                                        \
  X(tcp_established, "connections", "Connections that reached ESTABLISHED.")                                \
  X(tcp_closed, "connections", "Connections ended, for whatever reason.")                                   \
  X(tcp_open_failures, "connections", "Opens that never reached ESTABLISHED.")                              \
  X(tcp_resets_received, "connections", "Connections reset by the peer.")                                   \
  X(tcp_resets_sent, "segments", "RST segments sent.")                                                      \
  X(tcp_resets_limited, "segments", "RSTs that belong to no connection, not sent because of the limit.")    \
  X(tcp_challenge_acks_sent, "segments",                                                                    \
    "Acknowledgements that ask whether a RST, a SYN or an impossible ACK is the peer's (RFC 5961).")        \
  X(tcp_challenge_acks_limited, "segments", "Such acknowledgements not sent because of a limit.")           \
  X(tcp_acks_limited, "segments",                                                                           \
    "Answers to empty segments outside the window not sent because of the connection's limit.")             \
  X(tcp_timeouts, "connections", "Connections given up after too many retransmissions.")                    \
  X(tcp_retransmitted_segments, "segments", "Segments sent again.")                                         \
  X(tcp_retransmitted_bytes, "bytes", "Payload octets sent again.")                                         \
  X(tcp_rto_fired, "events", "Retransmission time-outs.")                                                   \
  X(tcp_ecn_ce_received, "segments", "Segments of text received with CE (RFC 3168).")                       \
  X(tcp_ecn_echoes_received, "segments", "Acknowledgements received with ECE (RFC 3168).")                  \
  X(tcp_ecn_reductions, "events", "Reductions of a congestion window by ECE.")                              \
  X(tcp_fast_retransmits, "events", "Fast recoveries begun, by SACK or duplicate acknowledgements.")        \
  X(tcp_recovery_retransmits, "segments", "Segments sent again in fast recovery.")                          \
  X(tcp_timeout_retransmits, "segments", "Segments sent again after a time-out.")                           \
  X(tcp_tail_loss_probes_sent, "segments", "Tail loss probes sent (RFC 8985).")                             \
  X(tcp_tail_losses_repaired, "events", "Losses that a tail loss probe has repaired.")                      \
  X(tcp_reordering_timeouts, "events", "Losses found because a reordering window had passed (RFC 8985).")   \
  X(tcp_spurious_recoveries, "events", "Fast recoveries undone: nothing had been lost.")                    \
  X(tcp_spurious_timeouts, "events", "Time-outs undone: nothing had been lost (RFC 5682, RFC 4015).")       \
  X(tcp_dsacks_received, "segments", "Acknowledgements that report a duplicate (RFC 2883).")                \
  X(tcp_sack_blocks_ignored, "blocks", "SACK blocks that cannot be true, or for which there was no room.")  \
  X(tcp_sacks_reneged, "events", "Time-outs at which the peer had dropped what it had SACKed.")             \
  X(tcp_closed_windows_reset, "connections",                                                                \
    "Connections reset while payload memory was short because the peer kept its window closed.")            \
  X(tcp_slow_peers_reset, "connections",                                                                    \
    "Connections reset while payload memory was short because the peer hardly took what was queued for it.") \
  X(tcp_reassembly_dropped, "events",                                                                       \
    "Times that what a peer had sent out of order was dropped because payload memory was short.")           \
  X(tcp_window_probes_sent, "segments", "Zero-window probes sent.")                                         \
  X(tcp_keepalive_probes_sent, "segments", "Keep-alive probes sent.")                                       \
  X(tcp_keepalive_timeouts, "connections", "Connections ended because keep-alive probes went unanswered.")  \
  X(tcp_user_timeouts, "connections", "Connections ended by their user timeout.")                           \
  X(tcp_fin_wait_2_timeouts, "connections",                                                                 \
    "Connections ended in FIN-WAIT-2 because the peer did not finish in time.")                             \
  X(tcp_linger_timeouts, "connections", "Connections reset because close() did not get through in time.")   \
  X(tcp_duplicate_acks_received, "segments", "Duplicate acknowledgements received.")                        \
  X(tcp_out_of_order_segments, "segments", "Segments held until a gap before them closes.")                 \
  X(tcp_duplicate_bytes, "bytes", "Payload octets that had been received before.")                          \
  X(tcp_receive_buffers_grown, "events", "Times that a connection's receive buffer grew with its rate.")       \
  X(tcp_receive_buffers_refused, "events",                                                                  \
    "Times that it did not, because payload memory was half in use.")                                       \
  X(tcp_path_mtu_lowered, "events", "Times that an ICMP error lowered a connection's segment size.")        \
  X(tcp_path_mtu_held_back, "packets", "Such errors put off until there is evidence of loss (RFC 5927 §7).") \
  X(tcp_path_mtu_ignored, "packets", "Such errors that cannot be true, or that were disproved.")            \
  X(tcp_mtu_black_holes, "events", "Segments made smaller because large ones went unanswered (RFC 4821).")  \
  X(tcp_mtu_probes_sent, "segments", "Segments sent larger than any before, to try the path (RFC 4821).")   \
  X(tcp_mtu_probes_acked, "segments", "Of them, those that were acknowledged: segments have grown.")        \
  X(tcp_mtu_probes_lost, "segments", "Of them, those that were lost.")                                      \
  X(tcp_delayed_acks_sent, "segments", "Acknowledgements sent by the delayed-ACK timer.")                   \
  X(tcp_time_wait_entered, "connections", "Connections that entered TIME-WAIT.")                            \
  X(tcp_time_wait_recycled, "connections", "TIME-WAIT records ended early for lack of room.")               \
  X(tcp_time_wait_reopened, "connections", "TIME-WAIT records ended by a new SYN of the peer.")             \
  X(tcp_time_wait_reused, "connections", "TIME-WAIT records whose ports an active open took over.")         \
  X(tcp_ports_exhausted, "connections", "Active opens that found no free port in a bounded search.")        \
  X(tcp_syns_repeated_at_once, "segments",                                                                  \
    "SYNs sent again at once because the peer answered for an earlier connection.")                         \
  X(tcp_syn_queue_overflows, "segments", "SYNs that found the queue of half-open connections full.")        \
  X(tcp_syn_cookies_sent, "segments", "SYN-ACKs that carry a SYN cookie: no record is kept.")               \
  X(tcp_syn_cookies_accepted, "connections", "Connections made of an ACK that brought a SYN cookie back.")  \
  X(tcp_syn_cookies_rejected, "segments", "ACKs that might have brought a SYN cookie and did not.")         \
  X(tcp_accept_overflows, "segments", "SYNs and ACKs that found the application without room.")             \
  X(tcp_syn_acks_retransmitted, "segments", "SYN-ACKs sent again.")                                         \
  X(tcp_fast_open_cookies_granted, "segments", "Fast Open cookies granted in SYN-ACKs.")                    \
  X(tcp_fast_open_accepted, "connections", "Connections opened by a SYN with a valid Fast Open cookie.")    \
  X(tcp_fast_open_syn_data_accepted, "connections", "Of them, those whose SYN brought data.")               \
  X(tcp_fast_open_rejected, "segments", "SYNs with a Fast Open cookie that is not valid.")                  \
  X(tcp_fast_open_overflows, "segments",                                                                    \
    "SYNs with a Fast Open option treated as plain: too many connections of the kind were pending.")        \
  X(tcp_fast_open_cookies_requested, "segments", "SYNs sent that asked for a Fast Open cookie.")            \
  X(tcp_fast_open_cookies_received, "segments", "SYN-ACKs that brought a Fast Open cookie.")                \
  X(tcp_fast_open_cookies_sent, "segments", "SYNs sent with a Fast Open cookie.")                           \
  X(tcp_fast_open_syn_data_acknowledged, "connections", "Connections whose SYN's data the server took.")    \
  X(tcp_fast_open_fallbacks, "connections", "Connections whose SYN's data the server did not take.")        \
  X(tcp_fast_open_syns_lost, "connections",                                                                 \
    "Connections whose SYN with a Fast Open option went unanswered: it was sent again without.")            \
  X(tcp_illegal_transitions, "events", "State transitions refused: a defect of ours.")                      \
  X(peer_checksum_unfinished, "packets",                                                                    \
    "Frames whose TCP checksum is only the pseudo-header's: the peer's offload is on.")                     \
  X(steering_handed_over, "packets", "Packets handed over to the lcore that owns the flow.")                \
  X(steering_predicted, "packets", "First packets of a queue that came where the RSS hash predicts.")       \
  X(steering_unpredicted, "packets", "First packets of a queue that RSS was predicted to bring elsewhere.") \
  X(loop_iterations, "iterations", "Iterations of the lcore's loop.")                                       \
  X(loop_busy_iterations, "iterations", "Iterations that had something to do.")

// X(name, "unit", "sentence"): values that rise and fall.
#define MILLRACE_GAUGES(X)                                                 \
  X(addresses_tentative, "addresses", "Addresses of ours that the link is being asked for: not in use yet.") \
  X(connections, "connections", "TCBs in use, in any state.")              \
  X(established_connections, "connections", "Connections in ESTABLISHED.") \
  X(syn_records, "connections", "Half-open passive connections.")          \
  X(time_wait_records, "connections", "Connections in TIME-WAIT.")         \
  X(buffer_bytes, "bytes", "Payload memory in use by send and receive queues.")

// X(name, "unit", "sentence"): how values are spread.
#define MILLRACE_HISTOGRAMS(X)                                                                              \
  X(tcp_rtt, "us", "Round-trip times measured, of segments that were sent once (RFC 6298).")                \
  X(tcp_handshake_time, "us",                                                                               \
    "From our SYN or SYN-ACK to the end of the handshake, time-outs included; left out are simultaneous "   \
    "opens and connections made of a SYN cookie, of whose SYN-ACK nothing was kept.")                       \
  X(rx_burst, "packets", "Frames that a look at the receive queue has brought; none is not counted.")       \
  X(loop_time, "us",                                                                                        \
    "Lengths of the iterations that had something to do; their sum is the time in which the loop was busy.")

#define MILLRACE_COUNT(Name, name, sentence) +1
inline constexpr size_t kDropReasons = 0 MILLRACE_DROP_REASONS(MILLRACE_COUNT);
#undef MILLRACE_COUNT

struct alignas(64) Counters {
#define MILLRACE_MEMBER(name, unit, sentence) Counter name;
  MILLRACE_COUNTERS(MILLRACE_MEMBER)
  MILLRACE_GAUGES(MILLRACE_MEMBER)
#undef MILLRACE_MEMBER
  std::array<Counter, kDropReasons> drops;
#define MILLRACE_MEMBER(name, unit, sentence) Histogram name;
  MILLRACE_HISTOGRAMS(MILLRACE_MEMBER)
#undef MILLRACE_MEMBER
  ServiceTable services;

  void drop(DropReason reason) { drops[static_cast<size_t>(reason)].add(); }
  uint64_t dropped(DropReason reason) const { return drops[static_cast<size_t>(reason)].value(); }
};

struct CounterInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view help;
  Counter Counters::*member;
  bool gauge;
};

struct DropInfo {
  DropReason reason;
  std::string_view name;
  std::string_view help;
};

struct HistogramInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view help;
  Histogram Counters::*member;
};

inline constexpr auto kCounterInfos = std::to_array<CounterInfo>({
#define MILLRACE_INFO(name, unit, sentence) {#name, unit, sentence, &Counters::name, false},
    MILLRACE_COUNTERS(MILLRACE_INFO)
#undef MILLRACE_INFO
#define MILLRACE_INFO(name, unit, sentence) {#name, unit, sentence, &Counters::name, true},
        MILLRACE_GAUGES(MILLRACE_INFO)
#undef MILLRACE_INFO
});

inline constexpr auto kDropInfos = std::to_array<DropInfo>({
#define MILLRACE_INFO(Name, name, sentence) {DropReason::Name, name, sentence},
    MILLRACE_DROP_REASONS(MILLRACE_INFO)
#undef MILLRACE_INFO
});

inline constexpr auto kHistogramInfos = std::to_array<HistogramInfo>({
#define MILLRACE_INFO(name, unit, sentence) {#name, unit, sentence, &Counters::name},
    MILLRACE_HISTOGRAMS(MILLRACE_INFO)
#undef MILLRACE_INFO
});

constexpr std::string_view name_of(DropReason reason) { return kDropInfos[static_cast<size_t>(reason)].name; }

}  // namespace millrace

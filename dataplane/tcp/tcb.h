// The transmission control block (RFC 9293 §3.3.1). TcbHot is all that the fast paths touch; TcbCold the
// rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/seq.h"
#include "base/time.h"
#include "base/units.h"
#include "cc/controller.h"
#include "flow/key.h"
#include "recovery/rack.h"
#include "recovery/rtt.h"
#include "tcp/close/challenge.h"
#include "tcp/memory.h"
#include "tcp/settings.h"
#include "tcp/soft_error.h"
#include "tcp/state.h"
#include "tcp/transfer/ecn_state.h"
#include "tcp/transfer/reassembly.h"
#include "tcp/transfer/receive_queue.h"
#include "tcp/transfer/send_queue.h"
#include "timer/wheel.h"

namespace millrace::tcp {

struct Flight;
struct Pacing;

// What the application is to be told; app/ delivers it.
struct Event {
  static constexpr uint8_t kEstablished = 0x01, kReadable = 0x02, kSendSpace = 0x04, kPeerFinished = 0x08,
                           kClosed = 0x10, kSoftError = 0x20, kUrgent = 0x40;
};

// Why the core let go of a connection.
enum class End : uint8_t {
  None,
  Finished,
  Reset,
  Refused,
  TimedOut,
  Unreachable,
  Aborted,
  NoMemory,
  AddressInUse,
  Internal
};

struct TcbFlags {
  bool timestamps : 1 = false;      // negotiated (RFC 7323 §3.2)
  bool active_open : 1 = false;     // SYN-RECEIVED came from SYN-SENT
  bool syn_due : 1 = false;         // SYN or SYN-ACK is to be sent
  bool fin_queued : 1 = false;      // CLOSE or shutdown: FIN follows the last octet queued
  bool no_delay : 1 = false;        // Nagle off
  bool ack_now : 1 = false;         // an acknowledgement is due at once
  bool ack_delayed : 1 = false;     // an acknowledgement is due by the delayed-ACK deadline
  bool timing : 1 = false;          // the SYN is being timed for RTT
  bool receive_closed : 1 = false;  // the application has closed: arriving data resets (RFC 1122 §4.2.2.13)
  bool probe_due : 1 = false;       // the persist timer went off
  bool reset_due : 1 = false;       // ABORT: RST is to be sent
  bool syn_acked : 1 = false;       // our SYN has been acknowledged
  bool unpredictable : 1 = false;   // holes, loss or a closed reader: header prediction does not apply
  bool retransmit_forced : 1 = false;  // one retransmission leaves whatever the congestion window says
  bool sack : 1 = false;               // negotiated (RFC 2018 §2)
  bool paced : 1 = false;              // departures are spread (transfer/pacing.h)
};

// What Fast Open has to do with a connection (RFC 7413; open/fast_open.h).
struct FastOpenState {
  bool wanted : 1 = false;        // client: connect() has allowed it
  bool cookie_asked : 1 = false;  // client: our first SYN asked for a cookie
  bool cookie_sent : 1 = false;   // client: our first SYN carried one
  bool data_in_syn : 1 = false;   // client: and data
  bool syn_again : 1 = false;     // SYN or SYN-ACK went again, with neither data nor option
  bool data_taken : 1 = false;    // data of the SYN was acknowledged, by us or by the server
  bool early : 1 = false;         // server: opened before the handshake has ended
  bool pending : 1 = false;       // server: counted in the listener's FastOpenPending
  bool granted : 1 = false;       // server: the SYN-ACK carries a cookie
  bool experimental : 1 = false;  // server: in the experimental form
  bool used() const { return wanted || early; }
};
static_assert(sizeof(FastOpenState) == 2);

struct alignas(64) TcbHot {
  flow::FlowKey key;  // key.state is the connection's state: enter() writes it
  // ---- first line: the receiver and the window
  Seq snd_una;
  Seq snd_nxt;  // also after retransmissions: one past the highest octet sent
  Bytes snd_wnd = 0;
  Seq snd_wl1;
  Seq snd_wl2;
  Seq rcv_nxt;
  Seq rcv_adv;  // right edge of the window offered; it never moves left (RFC 9293 §3.8.6)
  Seq last_ack_sent;
  uint32_t ts_recent = 0;
  uint32_t ts_offset = 0;  // our TSval = milliseconds + this
  // ---- second line: the sender
  Seq snd_end;                    // one past the last octet queued; FIN not counted
  Bytes cwnd = 0;                 // copied from cold.cc whenever that changes
  Instant rtx_deadline = kNever;  // retransmission or persist timer
  Flight* flight = nullptr;       // while data is in flight (transfer/flight.h)
  uint32_t rto_us = 0;            // of the present backoff
  uint16_t mss = 536;             // payload octets of a full segment, options deducted (RFC 6691)
  uint8_t events = 0;             // Event bits
  uint8_t segments_unacked = 0;   // full segments received since the last acknowledgement sent
  TcbFlags flags;
  WindowScale snd_scale;
  WindowScale rcv_scale;
  uint8_t duplicate_acks_due = 0;  // one a segment that came out of order (RFC 5681 §4.2)
  uint8_t quick_acks = 0;          // segments still acknowledged at once
  Ecn ecn;
  timer::Node timer;

  State state() const { return static_cast<State>(key.state); }
  Bytes rcv_wnd() const { return rcv_adv - rcv_nxt; }
  bool has_flight() const { return snd_una != snd_nxt; }
  // The FIN has its sequence number behind the last octet queued.
  bool fin_sent() const { return flags.fin_queued && snd_nxt == snd_end + 1; }
  bool has_unsent() const { return snd_nxt.before(snd_end) || (flags.fin_queued && !fin_sent()); }
};
static_assert(sizeof(TcbHot) == 128, "the fast paths touch two lines");
static_assert(offsetof(TcbHot, snd_end) == 64);

struct TcbCold {
  explicit TcbCold(Memory& shard) : memory(&shard), send(shard), receive(shard), reassembly(shard) {}
  ~TcbCold() { settings.give_back(*memory); }

  Memory* memory;
  SendQueue send;
  ReceiveQueue receive;
  Reassembly reassembly;
  cc::Controller cc;
  recovery::RttEstimator rtt;
  recovery::Reordering reordering;
  Settings settings;
  Pacing* pacing = nullptr;  // of connections that are or were paced (transfer/pacing.h)
  Path path;
  Seq iss;
  Seq irs;
  Seq rcv_up;                // urgent pointer received (RFC 9293 §3.8.5)
  Bytes max_snd_wnd = 0;     // largest window the peer ever offered: sender's SWS avoidance
  Bytes receive_buffer = 0;  // largest window we offer
  Bytes send_buffer = 0;
  Mss peer_mss;            // SendMSS of RFC 9293 §3.7.1
  Mss our_mss;             // announced by us
  AnswerLimit answers;     // to what a blind attacker may send
  Instant heard_at{};      // the last acceptable segment: idle since then (RFC 7323 §5.5, RFC 9293 §3.8.4)
  Instant last_sent_at{};  // restart after idle (RFC 5681 §4.1); of the SYN, as long as that is timed
  uint16_t retries = 0;    // time-outs in a row without progress
  End end = End::None;
  uint8_t received_dscp = 0;  // of the last acceptable segment (RFC 9293 §3.9.2 MAY-9)
  FastOpenState fast_open;
  bool scaling : 1 = false;                // windows are scaled (RFC 7323 §2.2)
  bool corked : 1 = false;                 // the application is not through with a write
  bool small_in_flight : 1 = false;        // a segment of less than the MSS has left since all was acknowledged
  bool syn_repeated : 1 = false;           // at once, because the peer answered for an earlier connection
  bool receive_buffer_set : 1 = false;     // by the application: it does not grow by itself
  bool send_buffer_set : 1 = false;        // likewise
  bool full_acked : 1 = false;             // as much as a full segment has been acknowledged at once
  bool probing_mtu : 1 = false;            // a larger segment is in flight, or one may be tried (path_mtu.h)
  SoftError soft_error = SoftError::None;  // since the last progress (RFC 1122 §4.2.3.9)
  uint32_t retransmits = 0;
  uint32_t stalled_at_ms = 0;  // the last progress, where a timer has gone off since (user_timeout.h); else 0
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
};
static_assert(sizeof(TcbCold) <= 256, "a connection has 512 octets in all");

struct Tcb {
  explicit Tcb(Memory& memory) : cold(memory) {}
  ~Tcb();
  Tcb(const Tcb&) = delete;
  Tcb& operator=(const Tcb&) = delete;
  TcbHot hot;
  TcbCold cold;
};
static_assert(std::is_standard_layout_v<TcbHot>);
static_assert(sizeof(TcbCold) <= 256);

inline TcbHot& hot_of(timer::Node& node) {
  return *reinterpret_cast<TcbHot*>(reinterpret_cast<unsigned char*>(&node) - offsetof(TcbHot, timer));
}

// The one function that changes a state. An illegal transition aborts where MILLRACE_CHECKS is on; else the
// connection is ended with End::Internal and false is returned.
bool enter(Tcb& tcb, State next);

// What the connection has set, else what TcpParams says.
template <typename T>
T setting(const Tcb& tcb, std::optional<T> ConnectionParams::*field, T otherwise) {
  const std::optional<T>& set = tcb.cold.settings.operator->()->*field;
  return set ? *set : otherwise;
}

// Ends the connection: CLOSED, for this reason; the application is told.
void end(Tcb& tcb, End reason);

// Trouble that ends nothing (RFC 9293 §3.9.2.2): remembered until there is progress, for whoever asks and for
// the reason of the end; the application is told as often as its limit allows.
[[gnu::cold]] void note_soft_error(Tcb& tcb, SoftError error, Instant now);

}  // namespace millrace::tcp

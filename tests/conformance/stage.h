// Walks a connection to every state of RFC 9293 §3.3.2 by real segments and user calls, and knows the
// sequence variables on arrival the way the peer does: from what it sent and saw. Neighbours: peer.h, rule.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peer.h"
#include "recorder.h"

namespace millrace::conformance {

// A state, or a state with something in it that the rules ask about.
enum class Stage : uint8_t {
  Closed,
  Listen,
  SynSent,
  SynReceived,
  Established,
  EstablishedSending,  // 100 octets of ours in flight
  FinWait1,
  FinWait2,
  FinWait1Deaf,  // reached by close(): the application takes no more data
  FinWait2Deaf,
  CloseWait,
  CloseWaitSending,
  Closing,
  LastAck,
  TimeWait,
  SynReceivedFastOpen,  // by a SYN whose data the application has (RFC 7413 §4.2.2)
};
inline constexpr unsigned kStages = 16;

// How the connection was opened. SYN-RECEIVED after an active OPEN is a simultaneous open.
enum class Opening : uint8_t { Passive, Active };

// "fin_wait_1", as it stands in a test's name.
std::string_view name_of(Stage stage);
tcp::State state_of(Stage stage);
bool exists(Stage stage, Opening opening);
// Whether octets of ours can be in flight there, beside a FIN.
bool can_be_sending(Stage stage);

struct Variables {
  Seq iss;
  Seq irs;
  Seq snd_una;           // what the peer has acknowledged
  Seq snd_nxt;           // one past what it has seen
  Seq rcv_nxt;           // what it sends next
  uint32_t rcv_wnd = 0;  // and how much of that it may send
  Seq rcv_edge() const { return rcv_nxt + rcv_wnd; }
};

inline constexpr uint32_t kExchanged = 100;  // octets that went each way before, so that there is an "old"
inline constexpr Micros kRoundTrip = 10ms;

// What the peer's SYN carries where a test wants nothing else.
wire::TcpOptions mss_option(uint16_t octets = kPeerMss);

class Walk {
 public:
  Walk(Family family, Opening how) : Walk(family, how, default_params(family)) {}
  Walk(Family family, Opening how, const ShardParams& params);

  // From nothing to `stage`, with kExchanged octets of ours in flight if `sending`. Throws std::runtime_error
  // where the shard does not take the path.
  void to(Stage stage, bool sending = false);

  // ---- steps, for tests that go their own way -----------------------------------------------------------
  void listen();
  void connect();                                                  // our SYN has been seen
  void open(const wire::TcpOptions& peer_options = mss_option());  // to ESTABLISHED, nothing exchanged
  void exchange();                                                 // kExchanged octets each way
  void half_open();                                                // to SYN-RECEIVED
  void half_open_fast();                                           // the same with data in the SYN
  // Sends `octets` of the application's and sees them leave in one segment.
  void send_text(uint32_t octets);
  void shutdown_and_see_fin();
  void close_and_see_fin();
  // The peer's pure acknowledgement of everything.
  void acknowledge();
  // The peer's FIN, acknowledging up to `ack`; its acknowledgement is taken.
  void finish(Seq ack);
  void require(tcp::State state);
  // A segment of the peer at the left edge, acknowledging all it has seen.
  PeerSegment next(wire::Flags flags, uint32_t length = 0) const;
  uint32_t app_send(uint32_t octets);
  // The time-out that the round trips so far give at least (RFC 6298 §2.3, deviation rto-min).
  Micros least_rto(const TcpParams& params) const;
  // Tells the right edge of the window from an acknowledgement of ours.
  void see_window(const wire::Segment& segment);

  Recorder app;  // outlives the shard
  Peer peer;
  Variables v;
  Opening opening;
  std::vector<tcp::State> path;  // what the connection should have walked so far
  uint8_t our_scale = 0;         // of the windows in our segments (RFC 7323 §2)

 private:
  void see_syn(const wire::Segment& segment);
  void see_fin();
  void reach(tcp::State state);
  void close_first(Stage stage, bool sending);
  void close_second(Stage stage, bool sending);
};

}  // namespace millrace::conformance

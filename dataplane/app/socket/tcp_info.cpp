#include "app/socket/tcp_info.h"

#include <algorithm>

#include "tcp/transfer/ecn.h"
#include "tcp/transfer/flight.h"
#include "tcp/transfer/pacing.h"
#include "tcp/transfer/path_mtu.h"

namespace millrace::socket {

namespace {

// Linux's numbers of RFC 9293's states.
uint8_t linux_state(tcp::State state) {
  using enum tcp::State;
  switch (state) {
    case Established:
      return 1;
    case SynSent:
      return 2;
    case SynReceived:
      return 3;
    case FinWait1:
      return 4;
    case FinWait2:
      return 5;
    case TimeWait:
      return 6;
    case Closed:
      return 7;
    case CloseWait:
      return 8;
    case LastAck:
      return 9;
    case Listen:
      return 10;
    case Closing:
      return 11;
  }
  return 7;
}

constexpr uint8_t kOptionTimestamps = 1, kOptionSack = 2, kOptionWindowScale = 4, kOptionEcn = 8,
                  kOptionEcnSeen = 16, kOptionSynData = 32;

uint32_t in_segments(uint64_t octets, uint32_t mss) {
  return static_cast<uint32_t>((octets + mss - 1) / std::max(1U, mss));
}

uint32_t micros(Micros time) {
  return static_cast<uint32_t>(std::clamp<int64_t>(time.count(), 0, 0xffff'ffff));
}

// Linux's TCP_CA_Open, Disorder, CWR, Recovery and Loss.
uint8_t linux_recovery(const tcp::Flight& flight) {
  switch (flight.phase) {
    case tcp::Phase::Recovery:
      return 3;
    case tcp::Phase::Loss:
      return 4;
    case tcp::Phase::Open:
      break;
  }
  if (flight.window_reduced) return 2;
  return flight.duplicate_acks != 0 || flight.board.sacked() != 0 ? 1 : 0;
}

// Linux goes on counting as lost what it has sent again, until that arrives.
void describe_flight(const tcp::Flight& flight, uint32_t mss, TcpInfo& info) {
  info.ca_state = linux_recovery(flight);
  info.sacked = in_segments(flight.board.sacked(), mss);
  uint64_t again = 0;
  for (uint16_t i = 0; i < flight.board.size(); ++i) {
    const recovery::Run& run = flight.board.run(i);
    if (run.retransmitted && run.fate == recovery::Fate::InFlight)
      again += flight.board.run_end(i) - run.begin;
  }
  info.retrans = in_segments(again, mss);
  info.lost = in_segments(flight.board.lost() + (flight.phase == tcp::Phase::Open ? 0 : again), mss);
}

void describe(const tcp::Tcb& tcb, Instant now, TcpInfo& info) {
  if (tcb.hot.flight != nullptr) describe_flight(*tcb.hot.flight, tcb.hot.mss, info);
  const tcp::TcbHot& hot = tcb.hot;
  const tcp::TcbCold& cold = tcb.cold;
  const uint32_t mss = hot.mss;
  info.retransmits = static_cast<uint8_t>(std::min<uint32_t>(cold.retries, 255));
  info.backoff = static_cast<uint8_t>(std::min<uint32_t>(cold.rtt.backoff(), 255));
  if (hot.snd_wnd == 0 && hot.has_unsent()) info.probes = info.retransmits;
  if (hot.flags.timestamps) info.options |= kOptionTimestamps;
  if (hot.flags.sack) info.options |= kOptionSack;
  if (hot.ecn.sends_ect()) info.options |= kOptionEcn;
  if (hot.ecn.ect_seen()) info.options |= kOptionEcnSeen;
  if (cold.fast_open.data_taken) info.options |= kOptionSynData;
  if (hot.rcv_scale.shift() != 0 || hot.snd_scale.shift() != 0) info.options |= kOptionWindowScale;
  info.wscale = static_cast<uint8_t>(hot.snd_scale.shift() | (hot.rcv_scale.shift() << 4));
  info.rto = hot.rto_us;
  info.ato = 40'000;
  info.snd_mss = mss;
  info.rcv_mss = mss;
  info.advmss = cold.our_mss.octets();
  info.pmtu = tcp::path_mtu(tcb);
  info.unacked = in_segments(hot.snd_nxt - hot.snd_una, mss);
  info.last_data_sent = micros(now - cold.last_sent_at) / 1000;
  info.last_data_recv = info.last_ack_recv = micros(now - cold.heard_at) / 1000;
  info.rtt = micros(cold.rtt.srtt());
  info.rttvar = micros(cold.rtt.rttvar());
  const uint32_t ssthresh = cold.cc.ssthresh();
  info.snd_ssthresh = ssthresh >= 0x7fff'ffff ? 0x7fff'ffff : ssthresh / mss;
  info.snd_cwnd = hot.cwnd / mss;
  info.reordering = cold.reordering.degree;
  info.pacing_rate = hot.flags.paced ? tcp::pacing_rate(tcb) : ~uint64_t{0};
  info.max_pacing_rate = tcp::setting<uint64_t>(tcb, &ConnectionParams::max_pacing_rate, ~uint64_t{0});
  info.rcv_space = cold.receive_buffer;
  info.rcv_ssthresh = hot.rcv_wnd();
  info.total_retrans = cold.retransmits;
  info.bytes_received = cold.bytes_received;
  info.bytes_sent = cold.bytes_sent;
  const uint32_t text_in_flight =
      hot.snd_nxt - hot.snd_una - (hot.fin_sent() ? 1 : 0) - (hot.flags.syn_acked ? 0 : 1);
  info.bytes_acked = cold.bytes_sent - std::min<uint64_t>(cold.bytes_sent, text_in_flight);
  // The SYN counts, with what it carried; of the rest the octets are known, not how they were cut.
  const bool with_syn = cold.fast_open.data_taken && hot.flags.active_open;
  const uint64_t behind_syn =
      info.bytes_acked - (with_syn ? std::min<uint64_t>(info.bytes_acked, cold.our_mss.octets()) : 0);
  info.delivered = (hot.flags.syn_acked ? 1 : 0) + in_segments(behind_syn, mss) + info.sacked;
  info.delivered_ce = tcp::ecn_counts(tcb).delivered_ce;
  info.notsent_bytes = hot.snd_nxt.before(hot.snd_end) ? hot.snd_end - hot.snd_nxt : 0;
  info.snd_wnd = hot.snd_wnd;
  info.rcv_wnd = hot.rcv_wnd();
}

}  // namespace

TcpInfo tcp_info(const Socket& socket) {
  if (socket.last_info() != nullptr) return *socket.last_info();
  TcpInfo info;
  info.state = linux_state(socket.state());
  if (socket.listening()) {  // as Linux: what waits for accept(), and how much may
    info.unacked = static_cast<uint32_t>(socket.accept_queue());
    info.sacked = static_cast<uint32_t>(socket.backlog());
  }
  if (socket.connection() != nullptr) describe(socket.connection()->tcb(), socket.shared().stack.now(), info);
  return info;
}

TcpInfo last_tcp_info(const app::Connection& connection, Instant now) {
  TcpInfo info;
  info.state = linux_state(tcp::State::Closed);
  describe(connection.tcb(), now, info);
  info.unacked = info.sacked = info.lost = info.retrans = info.ca_state = 0;  // given up
  return info;
}

}  // namespace millrace::socket

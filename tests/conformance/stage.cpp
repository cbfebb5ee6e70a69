#include "stage.h"

#include <array>
#include <stdexcept>

namespace millrace::conformance {

namespace {

using tcp::State;

struct StageInfo {
  std::string_view name;
  State state;
  bool passive;
  bool active;
};

constexpr std::array<StageInfo, kStages> kInfos = {{
    {"closed", State::Closed, false, true},
    {"listen", State::Listen, true, false},
    {"syn_sent", State::SynSent, false, true},
    {"syn_received", State::SynReceived, true, true},
    {"established", State::Established, true, true},
    {"established_sending", State::Established, true, true},
    {"fin_wait_1", State::FinWait1, true, true},
    {"fin_wait_2", State::FinWait2, true, true},
    {"fin_wait_1_deaf", State::FinWait1, true, true},
    {"fin_wait_2_deaf", State::FinWait2, true, true},
    {"close_wait", State::CloseWait, true, true},
    {"close_wait_sending", State::CloseWait, true, true},
    {"closing", State::Closing, true, true},
    {"last_ack", State::LastAck, true, true},
    {"time_wait", State::TimeWait, true, true},
    {"syn_received_fast_open", State::SynReceived, true, false},
}};

constexpr Seq kPeerIss{0xffff'ff80};  // the peer's numbers wrap while the tests run

const StageInfo& info(Stage stage) { return kInfos[static_cast<size_t>(stage)]; }

void must(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

}  // namespace

std::string_view name_of(Stage stage) { return info(stage).name; }
State state_of(Stage stage) { return info(stage).state; }
bool exists(Stage stage, Opening opening) {
  return opening == Opening::Passive ? info(stage).passive : info(stage).active;
}

bool can_be_sending(Stage stage) {
  switch (stage) {
    case Stage::Established:
    case Stage::FinWait1:
    case Stage::FinWait1Deaf:
    case Stage::CloseWait:
    case Stage::Closing:
    case Stage::LastAck:
      return true;
    default:
      return false;
  }
}

wire::TcpOptions mss_option(uint16_t octets) {
  wire::TcpOptions options;
  options.mss = Mss(octets);
  return options;
}

Walk::Walk(Family family, Opening how, const ShardParams& params) : peer(family, params), opening(how) {
  // In CLOSED and LISTEN there are no variables: any numbers will do for what the peer sends.
  v = {.iss = Seq(5000),
       .irs = kPeerIss,
       .snd_una = Seq(5100),
       .snd_nxt = Seq(5100),
       .rcv_nxt = kPeerIss + 1,
       .rcv_wnd = params.tcp.receive_buffer};
}

void Walk::require(State state) {
  must(peer.state() == state,
       "on the way: " + std::string(name_of(peer.state())) + " instead of " + std::string(name_of(state)));
}

void Walk::listen() {
  ListenerParams params;
  params.local = peer.ours();
  must(peer.shard().listen(params, app, "test") == app::OpenError::None, "listen() failed");
  require(State::Listen);
}

void Walk::see_syn(const wire::Segment& segment) {
  must(segment.flags.syn(), "a SYN was due, not " + describe(segment));
  v.iss = v.snd_una = segment.seq;
  v.snd_nxt = segment.seq + 1;
}

void Walk::see_window(const wire::Segment& segment) {
  const uint8_t shift = segment.flags.syn() ? uint8_t{0} : our_scale;
  v.rcv_wnd = uint32_t{segment.window.field()} << shift;
}

void Walk::connect() {
  app::ConnectOptions options;
  options.remote = peer.theirs();
  options.local_port = kOurPort;
  const app::OpenResult result = peer.shard().connect(options, app);
  must(result.connection != nullptr, "connect() failed");
  app.connection = result.connection;
  peer.run();
  see_syn(peer.take_one().segment);
  require(State::SynSent);
  path = {State::SynSent};
}

PeerSegment Walk::next(wire::Flags flags, uint32_t length) const {
  return {.flags = flags, .seq = v.rcv_nxt, .ack = v.snd_nxt, .length = length, .options = {}};
}

void Walk::half_open() {
  if (opening == Opening::Passive) {
    listen();
  } else {
    connect();
    peer.advance(kRoundTrip);
  }
  peer.send(
      {.flags = wire::kSyn, .seq = v.irs, .ack = Seq(), .window = kPeerWindow, .options = mss_option()});
  const wire::Segment answer = peer.take_one().segment;
  see_syn(answer);
  must(answer.flags.ack() && answer.ack == v.irs + 1, "a SYN-ACK was due, not " + describe(answer));
  see_window(answer);
  v.rcv_nxt = v.irs + 1;
  require(State::SynReceived);
  path.push_back(State::SynReceived);
  peer.advance(kRoundTrip);
}

void Walk::half_open_fast() {
  ListenerParams params{.local = peer.ours(), .fast_open_pending = 4};
  must(peer.shard().listen(params, app, "test") == app::OpenError::None, "listen() failed");
  PeerSegment syn{.flags = wire::kSyn, .seq = v.irs - 1000, .options = mss_option()};
  syn.options.fast_open = wire::FastOpenCookie();
  peer.send(syn);
  const wire::TcpOptions granted = peer.take_one().segment.options;
  must(granted.fast_open.has_value(), "no cookie was granted");
  peer.send({.flags = wire::kRst, .seq = v.irs - 999});
  require(State::Listen);
  syn.seq = v.irs;
  syn.length = kExchanged;
  syn.options.fast_open = granted.fast_open;
  peer.send(syn);
  const wire::Segment answer = peer.take_one().segment;
  see_syn(answer);
  see_window(answer);
  v.rcv_nxt = v.irs + 1 + kExchanged;
  must(answer.ack == v.rcv_nxt, "the data was to be acknowledged, not " + describe(answer));
  reach(State::SynReceived);
  must(app.take_events() == "established readable" && app.received.size() == kExchanged,
       "the application did not get the data");
  app.received.clear();
  peer.advance(kRoundTrip);
}

void Walk::open(const wire::TcpOptions& peer_options) {
  if (opening == Opening::Active) {
    connect();
    peer.advance(kRoundTrip);
    peer.send({.flags = wire::kSyn | wire::kAck,
               .seq = v.irs,
               .ack = v.snd_nxt,
               .window = kPeerWindow,
               .options = peer_options});
    const wire::Segment answer = peer.take_one().segment;
    must(answer.flags == wire::kAck, "an ACK was due, not " + describe(answer));
    v.rcv_nxt = v.irs + 1;
    see_window(answer);
  } else {
    listen();
    peer.send(
        {.flags = wire::kSyn, .seq = v.irs, .ack = Seq(), .window = kPeerWindow, .options = peer_options});
    const wire::Segment answer = peer.take_one().segment;
    see_syn(answer);
    see_window(answer);
    require(State::SynReceived);
    path.push_back(State::SynReceived);
    v.rcv_nxt = v.irs + 1;
    peer.advance(kRoundTrip);
    peer.send(next(wire::kAck));
    must(peer.take().empty(), "no answer was due to the ACK of our SYN");
  }
  v.snd_una = v.snd_nxt;
  require(State::Established);
  path.push_back(State::Established);
  must(app.take_events() == "established" && app.connection != nullptr, "the application was not told");
}

void Walk::exchange() {
  peer.send(next(wire::kAck | wire::kPsh, kExchanged));
  v.rcv_nxt += kExchanged;
  const wire::Segment answer = peer.take_one().segment;
  must(answer.flags == wire::kAck && answer.ack == v.rcv_nxt, "an ACK was due, not " + describe(answer));
  see_window(answer);
  must(app.received.size() == kExchanged, "the application did not get the data");
  app.received.clear();
  send_text(kExchanged);
  peer.advance(kRoundTrip);
  acknowledge();
  app.take_events();
}

uint32_t Walk::app_send(uint32_t octets) {
  std::vector<uint8_t> text(octets);
  for (uint32_t i = 0; i < octets; ++i) text[i] = static_cast<uint8_t>(i);
  return app.connection->send(text);
}

void Walk::send_text(uint32_t octets) {
  must(app_send(octets) == octets, "send() did not take the data");
  peer.run();
  const wire::Segment seen = peer.take_one().segment;
  must(seen.payload_length == octets && seen.seq == v.snd_nxt, "data was due, not " + describe(seen));
  v.snd_nxt += octets;
}

Micros Walk::least_rto(const TcpParams& params) const {
  return app.connection->tcb().cold.rtt.srtt() + params.rto_min;
}

void Walk::acknowledge() {
  peer.send(next(wire::kAck));
  must(peer.take().empty(), "no answer was due to an ACK");
  v.snd_una = v.snd_nxt;
}

void Walk::see_fin() {
  peer.run();
  const wire::Segment seen = peer.take_one().segment;
  must(seen.flags.fin() && seen.seq == v.snd_nxt, "a FIN was due, not " + describe(seen));
  v.snd_nxt += 1;
}

void Walk::shutdown_and_see_fin() {
  app.connection->shutdown();
  see_fin();
}

void Walk::close_and_see_fin() {
  app.connection->close();
  see_fin();
}

void Walk::finish(Seq ack) {
  PeerSegment fin = next(wire::kFin | wire::kAck);
  fin.ack = ack;
  peer.send(fin);
  v.rcv_nxt += 1;
  const wire::Segment answer = peer.take_one().segment;
  must(answer.flags == wire::kAck && answer.ack == v.rcv_nxt, "an ACK was due, not " + describe(answer));
  see_window(answer);
}

void Walk::reach(State state) {
  require(state);
  path.push_back(state);
}

// FIN-WAIT-1 and what follows it.
void Walk::close_first(Stage stage, bool sending) {
  if (sending) send_text(kExchanged);
  if (stage == Stage::FinWait1Deaf || stage == Stage::FinWait2Deaf)
    close_and_see_fin();
  else
    shutdown_and_see_fin();
  reach(State::FinWait1);
  if (stage == Stage::FinWait2 || stage == Stage::FinWait2Deaf || stage == Stage::TimeWait) {
    acknowledge();
    reach(State::FinWait2);
  }
  if (stage == Stage::Closing) {
    finish(v.snd_una);
    reach(State::Closing);
  }
  if (stage == Stage::TimeWait) {
    finish(v.snd_nxt);
    reach(State::TimeWait);
  }
}

// CLOSE-WAIT and what follows it.
void Walk::close_second(Stage stage, bool sending) {
  finish(v.snd_nxt);
  reach(State::CloseWait);
  if (sending) send_text(kExchanged);
  if (stage != Stage::LastAck) return;
  close_and_see_fin();
  reach(State::LastAck);
}

void Walk::to(Stage stage, bool sending) {
  switch (stage) {
    case Stage::Closed:
      return require(State::Closed);
    case Stage::Listen:
      return listen();
    case Stage::SynSent:
      connect();
      return peer.advance(kRoundTrip);
    case Stage::SynReceived:
      return half_open();
    case Stage::SynReceivedFastOpen:
      return half_open_fast();
    default:
      break;
  }
  open();
  exchange();
  switch (stage) {
    case Stage::Established:
    case Stage::EstablishedSending:
      if (sending || stage == Stage::EstablishedSending) send_text(kExchanged);
      break;
    case Stage::CloseWait:
    case Stage::CloseWaitSending:
    case Stage::LastAck:
      close_second(stage, sending || stage == Stage::CloseWaitSending);
      break;
    default:
      close_first(stage, sending);
      break;
  }
  app.take_events();
}

}  // namespace millrace::conformance

#include "control/demo/scenarios.h"

#include <algorithm>
#include <limits>
#include <string>

#include "control/demo/stage.h"

namespace millrace::control {

namespace {

using sim::Side;
using tcp::State;
using enum tcp::State;

void send(app::Connection& connection, std::string_view text) {
  connection.send({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

std::string letters(size_t count) {
  std::string out(count, ' ');
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<char>('a' + i % 26);
  return out;
}

void close(app::Connection& connection) { connection.close(); }

// The server answers the client's FIN with its own a moment later, so that ACK and FIN are two segments.
void server_closes_after_client(Stage& stage) {
  stage.server().when_peer_finished = [&stage](app::Connection&) {
    stage.later(Side::Right, 100ms, "close()", close);
  };
}

bool crossed(const sim::LadderRow& a, const sim::LadderRow& b) {
  return a.arrived_at && b.arrived_at && a.at < *b.arrived_at && b.at < *a.arrived_at;
}

bool any_retransmission(const Stage& stage) {
  const auto& rows = stage.ladder().rows;
  return std::any_of(rows.begin(), rows.end(),
                     [](const sim::LadderRow& row) { return row.segment.retransmission; });
}

void claim_both_finished(Stage& stage) {
  stage.claim("both applications are told that the connection finished",
              stage.client().end() == app::CloseReason::Finished &&
                  stage.server().end() == app::CloseReason::Finished);
}

void play_handshake(Stage& stage) {
  stage.establish();
  stage.run_until([&] { return stage.client().established() && stage.server().established(); });
  stage.world().run_for(100ms);
  stage.claim("it takes three segments: SYN, SYN with ACK, ACK",
              stage.segments(Side::Left, wire::kSyn).size() == 1 &&
                  stage.segments(Side::Right, wire::kSyn | wire::kAck).size() == 1 &&
                  stage.segments(Side::Left, wire::kAck).size() == 1);
  stage.claim_path(Side::Left, {Closed, SynSent, Established});
  stage.claim_path(Side::Right, {Listen, SynReceived, Established});
}

void play_transfer(Stage& stage) {
  stage.establish();
  const std::string request = letters(4000);
  const std::string answer = letters(2500);
  stage.later(Side::Left, 50ms, "send() 4000 octets", [&](app::Connection& at) { send(at, request); });
  stage.run_until([&] { return stage.server().received().size() == request.size(); });
  stage.later(Side::Right, 50ms, "send() 2500 octets", [&](app::Connection& at) { send(at, answer); });
  const auto acknowledged = [&] {
    app::Connection* server = stage.server().connection();
    return stage.client().received().size() == answer.size() && server != nullptr &&
           server->unacknowledged_bytes() == 0;
  };
  stage.claim("everything is acknowledged", stage.run_until(acknowledged));
  stage.claim("both receive octet for octet what was sent",
              stage.server().received() == request && stage.client().received() == answer);
  stage.claim("nothing is sent twice", !any_retransmission(stage));
}

void play_close(Stage& stage) {
  server_closes_after_client(stage);
  stage.establish();
  stage.later(Side::Left, 50ms, "close()", close);
  stage.run_to_the_end();
  stage.claim("each side sends one FIN", stage.segments(Side::Left, wire::kFin).size() == 1 &&
                                             stage.segments(Side::Right, wire::kFin).size() == 1);
  stage.claim_path(Side::Left, {Closed, SynSent, Established, FinWait1, FinWait2, TimeWait, Closed});
  stage.claim_path(Side::Right, {Listen, SynReceived, Established, CloseWait, LastAck, Closed});
  claim_both_finished(stage);
}

void play_simultaneous_close(Stage& stage) {
  stage.establish();
  stage.later(Side::Left, 50ms, "close()", close);
  stage.later(Side::Right, 50ms, "close()", close);
  stage.run_to_the_end();
  const auto left = stage.segments(Side::Left, wire::kFin);
  const auto right = stage.segments(Side::Right, wire::kFin);
  stage.claim("the two FINs cross on the way",
              left.size() == 1 && right.size() == 1 && crossed(left.front(), right.front()));
  stage.claim_path(Side::Left, {Closed, SynSent, Established, FinWait1, Closing, TimeWait, Closed});
  stage.claim_path(Side::Right, {Listen, SynReceived, Established, FinWait1, Closing, TimeWait, Closed});
}

void play_simultaneous_open(Stage& stage) {
  stage.both_connect();
  stage.run_until([&] { return stage.client().established() && stage.server().established(); });
  stage.world().run_for(100ms);
  const auto left = stage.segments(Side::Left, wire::kSyn);
  const auto right = stage.segments(Side::Right, wire::kSyn);
  stage.claim("the two SYNs cross on the way",
              !left.empty() && !right.empty() && crossed(left.front(), right.front()));
  stage.claim_path(Side::Left, {Closed, SynSent, SynReceived, Established});
  stage.claim_path(Side::Right, {Closed, SynSent, SynReceived, Established});
}

// One connection for the cookie, and one that uses it.
void play_fast_open(Stage& stage) {
  const std::string request = letters(400);
  const std::string answer = letters(800);
  stage.server().when_readable = [&](app::Connection& at) { send(at, answer); };
  stage.server_listens();
  stage.client_connects_fast("");
  stage.run_until([&] { return stage.client().established() && stage.server().established(); });
  stage.later(Side::Left, 20ms, "abort(): the cookie is all it was for",
              [](app::Connection& at) { at.abort(); });
  stage.run_until([&] { return stage.client().end() && stage.server().end(); });
  const Instant start = stage.world().now();
  stage.client_connects_fast(request);
  const bool early = stage.run_until([&] { return !stage.server().received().empty(); }) &&
                     stage.in_state(Side::Right, SynReceived);
  stage.run_until([&] { return stage.client().received() == answer; });
  const Micros took = stage.world().now() - start;
  stage.world().run_for(100ms);

  const auto asked = stage.segments(Side::Left, wire::kSyn);
  const auto given = stage.segments(Side::Right, wire::kSyn | wire::kAck);
  const bool both = asked.size() == 2 && given.size() == 2;
  stage.claim("the first SYN asks for a cookie, and the SYN-ACK brings it",
              both && asked[0].segment.options.fast_open && asked[0].segment.options.fast_open->is_request() &&
                  given[0].segment.options.fast_open && !given[0].segment.options.fast_open->is_request());
  stage.claim("the second SYN carries the cookie and the whole request",
              both && asked[1].segment.options.fast_open == given[0].segment.options.fast_open &&
                  asked[1].segment.payload_bytes == request.size());
  stage.claim("the server's application has the request in SYN-RECEIVED, before the handshake has ended",
              early && stage.server().received() == request);
  stage.claim("the answer is there one round trip after connect(), not two", took >= 20ms && took < 30ms);
  stage.claim_path(Side::Left, {Closed, SynSent, Established, Closed, SynSent, Established});
  stage.claim_path(Side::Right, {Listen, SynReceived, Established, Closed, SynReceived, Established});
}

void play_half_close(Stage& stage) {
  const std::string answer = letters(3000);
  stage.server().when_peer_finished = [&](app::Connection&) {
    stage.later(Side::Right, 50ms, "send() 3000 octets: this half is still open",
                [&](app::Connection& at) { send(at, answer); });
    stage.later(Side::Right, 200ms, "close()", close);
  };
  stage.establish();
  stage.later(Side::Left, 50ms, "send() 100 octets, shutdown()", [](app::Connection& at) {
    send(at, letters(100));
    at.shutdown();
  });
  stage.run_to_the_end();
  stage.claim("the server gets all before the client's FIN", stage.server().received() == letters(100));
  stage.claim("the client gets 3000 octets after its own FIN", stage.client().received() == answer);
  stage.claim_path(Side::Left, {Closed, SynSent, Established, FinWait1, FinWait2, TimeWait, Closed});
  stage.claim_path(Side::Right, {Listen, SynReceived, Established, CloseWait, LastAck, Closed});
  claim_both_finished(stage);
}

void play_reset(Stage& stage) {
  stage.establish();
  stage.later(Side::Left, 50ms, "send() 2000 octets", [](app::Connection& at) { send(at, letters(2000)); });
  stage.later(Side::Right, 65ms, "abort()", [](app::Connection& at) { at.abort(); });
  stage.run_to_the_end();
  stage.claim("the server sends RST", !stage.segments(Side::Right, wire::kRst).empty());
  stage.claim(
      "the client's application is told of a reset, the server's of its own abort",
      stage.client().end() == app::CloseReason::Reset && stage.server().end() == app::CloseReason::Aborted);
  stage.claim_path(Side::Left, {Closed, SynSent, Established, Closed});
  stage.claim_path(Side::Right, {Listen, SynReceived, Established, Closed});
}

void play_refused(Stage& stage) {
  stage.client_connects();
  stage.run_until([&] { return stage.client().end().has_value(); });
  stage.world().run_for(100ms);
  stage.claim("the SYN is answered by RST with ACK",
              stage.segments(Side::Right, wire::kRst | wire::kAck).size() == 1);
  stage.claim("the client's application is told that it was refused",
              stage.client().end() == app::CloseReason::Refused);
  stage.claim_path(Side::Left, {Closed, SynSent, Closed});
  stage.claim_path(Side::Right, {Closed});
}

void play_syn_flood(Stage& stage) {
  constexpr uint32_t kBacklog = 16;
  constexpr uint32_t kFlood = 2000;
  stage.server_listens(kBacklog);
  stage.flood_server(kFlood);
  const Counters& counters = stage.server_shard().counters();
  stage.claim("2000 SYNs from made-up sources fill the queue of 16 and leave nothing else behind",
              stage.server_shard().usage().syn_records == kBacklog &&
                  counters.tcp_syn_cookies_sent.value() == kFlood - kBacklog);
  stage.client_connects();
  stage.claim("both sides reach ESTABLISHED", stage.run_until([&] { return stage.both_in(Established); }));
  const std::string request = letters(4000);
  stage.later(Side::Left, 50ms, "send() 4000 octets", [&](app::Connection& at) { send(at, request); });
  stage.run_until([&] { return stage.server().received().size() == request.size(); });
  stage.world().run_for(100ms);
  stage.claim("the server receives octet for octet what was sent", stage.server().received() == request);
  const auto acks = stage.segments(Side::Left, wire::kAck);
  const auto syn_acks = stage.segments(Side::Right, wire::kSyn | wire::kAck);
  const app::Connection* server = stage.server().connection();
  stage.claim("the window scale that the client's SYN offered came back with its ACK",
              syn_acks.size() == 1 && !acks.empty() && server != nullptr &&
                  server->tcb().hot.snd_scale == scale_for(largest_receive_buffer(TcpParams{})));
  stage.claim_path(Side::Left, {Closed, SynSent, Established});
  stage.claim_path(Side::Right, {Listen, Established});
}

void play_lost_syn(Stage& stage) {
  stage.link_from(Side::Left).faults().add({.match = sim::is_syn});
  stage.establish();
  const auto syns = stage.segments(Side::Left, wire::kSyn);
  stage.claim("the first SYN is lost and the second one arrives",
              syns.size() == 2 && syns[0].fate == sim::Fate::Lost && syns[1].arrived_at.has_value());
  stage.claim("the second SYN leaves after the initial retransmission time-out of 1 s",
              syns.size() == 2 && syns[1].at - syns[0].at >= 1s && syns[1].at - syns[0].at < 1200ms);
  stage.claim_path(Side::Left, {Closed, SynSent, Established});
}

void play_lost_fin(Stage& stage) {
  server_closes_after_client(stage);
  stage.link_from(Side::Left).faults().add({.match = sim::is_fin});
  stage.establish();
  stage.later(Side::Left, 50ms, "close()", close);
  stage.run_to_the_end();
  const auto fins = stage.segments(Side::Left, wire::kFin);
  stage.claim("the client's FIN is lost and sent again",
              fins.size() == 2 && fins[0].fate == sim::Fate::Lost && fins[1].segment.retransmission);
  stage.claim_path(Side::Left, {Closed, SynSent, Established, FinWait1, FinWait2, TimeWait, Closed});
  stage.claim_path(Side::Right, {Listen, SynReceived, Established, CloseWait, LastAck, Closed});
  claim_both_finished(stage);
}

void play_lost_segment(Stage& stage) {
  const std::string text = letters(12'000);
  stage.link_from(Side::Left).faults().add({.match = sim::has_payload, .nth = 3});
  stage.establish();
  stage.later(Side::Left, 50ms, "send() 12000 octets", [&](app::Connection& at) { send(at, text); });
  stage.run_until([&] { return stage.server().received() == text; });
  int again = 0, blocks = 0;
  for (const auto& row : stage.segments(Side::Left, wire::kAck)) again += row.segment.retransmission ? 1 : 0;
  for (const auto& row : stage.segments(Side::Right, wire::kAck)) blocks += row.segment.options.sack_count;
  stage.claim("the server's acknowledgements tell what lies behind the gap", blocks > 0);
  stage.claim("the client sends the one segment that is missing again, and no other", again == 1);
  stage.claim("without a time-out", stage.world().shard(0).counters().tcp_rto_fired.value() == 0);
  stage.claim_path(Side::Left, {Closed, SynSent, Established});
}

void play_time_wait(Stage& stage) {
  server_closes_after_client(stage);
  stage.link_from(Side::Left).faults().add({.match = [&](const wire::Frame& frame) {
    return sim::is_bare_ack(frame) && stage.in_state(Side::Left, TimeWait);
  }});
  stage.establish();
  stage.later(Side::Left, 50ms, "close()", close);
  stage.run_to_the_end();
  const Micros two_msl = 2 * TcpParams{}.msl;
  const auto fins = stage.segments(Side::Right, wire::kFin);
  const bool twice = fins.size() == 2 && fins[0].arrived_at && fins[1].arrived_at;
  stage.claim("the last ACK is lost, so the server sends its FIN again",
              twice && fins[1].segment.retransmission);
  const Instant over = stage.ladder().rows.back().at;
  stage.claim("the wait of 2 * MSL = 60 s begins anew with the second FIN",
              twice && over >= *fins[1].arrived_at + two_msl && over < *fins[1].arrived_at + two_msl + 1s);
  stage.claim_path(Side::Left, {Closed, SynSent, Established, FinWait1, FinWait2, TimeWait, Closed});
  stage.claim_path(Side::Right, {Listen, SynReceived, Established, CloseWait, LastAck, Closed});
}

// From now on nothing reaches `side`: the other one has gone.
void silence(Stage& stage, Side side) {
  stage.link_from(side == Side::Left ? Side::Right : Side::Left)
      .faults()
      .add({.match = sim::is_tcp, .count = std::numeric_limits<uint32_t>::max()});
}

// Bare acknowledgements of the client one octet before its next: its keep-alive probes.
std::vector<sim::LadderRow> probes_of(const Stage& stage, const app::Connection& connection) {
  std::vector<sim::LadderRow> out;
  const Seq expected = connection.tcb().hot.snd_nxt - 1;
  for (const sim::LadderRow& row : stage.segments(Side::Left, wire::kAck))
    if (row.segment.seq == expected && row.segment.payload_bytes == 0 && !row.segment.flags.syn())
      out.push_back(row);
  return out;
}

void play_keep_alive(Stage& stage) {
  stage.establish();
  stage.later(Side::Left, 50ms, "set() keep-alive: 10 s idle, 5 s apart, 3 probes", [](app::Connection& at) {
    ConnectionParams settings = at.settings();
    settings.keepalive = true;
    settings.keepalive_idle = 10s;
    settings.keepalive_interval = 5s;
    settings.keepalive_probes = 3;
    at.set(settings);
  });
  stage.world().run_for(15s);
  std::vector<sim::LadderRow> probes;
  const auto look = [&] {
    if (stage.client().connection() != nullptr) probes = probes_of(stage, *stage.client().connection());
    return stage.client().end().has_value();
  };
  look();
  stage.claim("after 10 s of silence the client asks, with the octet before its next one, and is answered",
              probes.size() == 1 && probes.front().arrived_at.has_value());
  silence(stage, Side::Left);
  stage.recorder().say(Side::Right, "unplugged");
  const Instant heard = stage.world().now();
  stage.run_until(look);
  stage.claim(
      "the server gone, three more probes stay unanswered, 5 s apart",
      probes.size() == 4 && probes[2].at - probes[1].at >= 5s && probes[3].at - probes[2].at < 5100ms);
  stage.claim("5 s after the last one the client's application is told that the connection timed out",
              stage.client().end() == app::CloseReason::TimedOut && stage.world().now() - heard < 30s);
  stage.claim_path(Side::Left, {Closed, SynSent, Established, Closed});
}

void play_user_timeout(Stage& stage) {
  stage.establish();
  stage.later(Side::Left, 50ms, "set() a user timeout of 8 s", [](app::Connection& at) {
    ConnectionParams settings = at.settings();
    settings.user_timeout = 8s;
    at.set(settings);
  });
  stage.world().run_for(100ms);
  silence(stage, Side::Left);
  stage.recorder().say(Side::Right, "unplugged");
  stage.later(Side::Left, 100ms, "send() 100 octets", [](app::Connection& at) { send(at, letters(100)); });
  stage.world().run_for(100ms);
  const Instant sent = stage.world().now();
  stage.run_until([&] { return stage.client().end().has_value(); });
  const Micros took = stage.world().now() - sent;
  stage.claim("the data is sent again and again, at doubled intervals", any_retransmission(stage));
  stage.claim("8 s after it was sent the connection is given up, however many retransmissions that were",
              stage.client().end() == app::CloseReason::TimedOut && took >= 7900ms && took < 8100ms);
  stage.claim_path(Side::Left, {Closed, SynSent, Established, Closed});
}

void play_reset_attack(Stage& stage) {
  server_closes_after_client(stage);
  stage.establish();
  stage.world().run_for(100ms);
  const tcp::TcbHot& server = stage.server().connection()->tcb().hot;
  const auto challenges = [&stage] { return stage.segments(Side::Right, wire::kAck).size() - 1; };  // SYN-ACK
  wire::Segment forged;
  forged.flags = wire::kRst;
  forged.seq = server.rcv_nxt + 1000;
  stage.forge(Side::Right, "forged: RST inside the window", forged);
  stage.world().run_for(100ms);
  stage.claim("a RST inside the window is answered by a challenge ACK, and resets nothing",
              challenges() == 1 && stage.both_in(Established));
  forged.flags = wire::kSyn;
  stage.forge(Side::Right, "forged: SYN inside the window", forged);
  stage.world().run_for(100ms);
  stage.claim("so is a SYN", challenges() == 2 && stage.both_in(Established));
  forged.flags = wire::kAck | wire::kFin;
  forged.seq = server.rcv_nxt;
  forged.ack = server.snd_una - 0x4000'0000U;
  stage.forge(Side::Right, "forged: FIN at the right place with an impossible ACK", forged);
  stage.world().run_for(100ms);
  stage.claim("so is the right sequence number with an acknowledgement that the client cannot have sent",
              challenges() == 3 && stage.both_in(Established));
  forged.flags = wire::kRst;
  forged.seq = server.rcv_nxt + 0x1000'0000U;
  stage.forge(Side::Right, "forged: RST outside the window", forged);
  stage.world().run_for(100ms);
  stage.claim("a RST outside the window is dropped in silence",
              challenges() == 3 && stage.both_in(Established));
  stage.later(Side::Left, 50ms, "send() 1000 octets, close()", [](app::Connection& at) {
    send(at, letters(1000));
    at.close();
  });
  stage.run_to_the_end();
  stage.claim("the server gets what the client sent, and nothing else",
              stage.server().received() == letters(1000));
  claim_both_finished(stage);
}

void play_time_wait_reuse(Stage& stage) {
  server_closes_after_client(stage);
  stage.establish();
  stage.later(Side::Left, 50ms, "close()", close);
  stage.run_until([&] { return stage.in_state(Side::Left, TimeWait); });
  stage.world().run_for(500ms);
  const Seq used = stage.segments(Side::Left, wire::kAck).back().segment.seq;
  const uint32_t stamped = stage.segments(Side::Left, wire::kAck).back().segment.options.timestamps->value;
  stage.client_connects_again();
  stage.claim("both sides are ESTABLISHED again, from the same port, long before 2 * MSL are over",
              stage.run_until([&] { return stage.both_in(Established); }));
  const auto syns = stage.segments(Side::Left, wire::kSyn);
  const bool twice = syns.size() == 2 && syns[1].segment.options.timestamps;
  stage.claim("the new SYN's sequence number lies beyond all that the old connection used",
              twice && syns[1].segment.seq.after(used + 0xffff));
  stage.claim("and its timestamp is later, so that old segments are known by theirs",
              twice && static_cast<int32_t>(syns[1].segment.options.timestamps->value - stamped) > 0);
  const auto& walked = stage.recorder().path(Side::Left);
  const std::vector<State> reused = {TimeWait, SynSent, Established};
  stage.claim("the client goes from TIME-WAIT to SYN-SENT, without CLOSED between them",
              walked.size() > 3 && std::equal(reused.begin(), reused.end(), walked.end() - 3));
}

constexpr Scenario kScenarios[] = {
    {"handshake", "A connection is opened: SYN, SYN with ACK, ACK.",
     "each side's initial sequence number goes out with its SYN and comes back acknowledged, one higher.",
     play_handshake},
    {"transfer", "Data in both directions, with its acknowledgements.",
     "seq of a segment plus its len is the ack that it asks for; lines with dots are segments that cross.",
     play_transfer},
    {"close", "Four segments close a connection, one half after the other.",
     "the side that closes first ends in TIME-WAIT and stays there for 2 * MSL; the other one is done at "
     "once.",
     play_close},
    {"simultaneous-close", "Both sides close at the same instant.",
     "the FINs cross, both sides pass through CLOSING, and both have to wait in TIME-WAIT.",
     play_simultaneous_close},
    {"simultaneous-open", "Both sides connect to each other at the same instant, and nobody listens.",
     "the SYNs cross, both sides go from SYN-SENT to SYN-RECEIVED, and there is one connection, not two.",
     play_simultaneous_open},
    {"fast-open", "A request goes with the SYN: TCP Fast Open, with the cookie of an earlier connection.",
     "the second SYN has a len, the SYN-ACK acknowledges it, and the answer follows before the client's ACK.",
     play_fast_open},
    {"half-close", "One side says that it has nothing more to send, and goes on receiving.",
     "the client has sent FIN and waits in FIN-WAIT-2 while the server, in CLOSE-WAIT, sends its answer.",
     play_half_close},
    {"reset", "One side aborts while data is on its way.",
     "RST ends both sides at once: no FIN, no acknowledgement, no TIME-WAIT.", play_reset},
    {"refused", "Nobody listens on the port.",
     "RST answers the SYN and acknowledges it, which proves to the client that its own SYN is meant.",
     play_refused},
    {"syn-flood", "A client connects while a flood of SYNs fills the server's queue.",
     "the server stays in LISTEN until the ACK: its SYN-ACK holds a cookie, and the ACK brings that back.",
     play_syn_flood},
    {"lost-syn", "The first SYN is lost.",
     "nothing tells the client of the loss but time: after 1 s it sends the same SYN again.", play_lost_syn},
    {"lost-fin", "The first FIN is lost.",
     "a FIN occupies a sequence number, so it is retransmitted just as data is.", play_lost_fin},
    {"lost-segment", "One segment of many is lost.",
     "the same ack comes again and again, its SACK block growing: three segments in it are proof of the "
     "loss.",
     play_lost_segment},
    {"time-wait", "The last acknowledgement is lost: what TIME-WAIT is there for.",
     "only a side in TIME-WAIT can acknowledge the FIN that comes again; doing so starts its 60 s anew.",
     play_time_wait},
    {"keep-alive", "The peer of an idle connection vanishes.",
     "probes carry nothing, at the sequence number before the next: a peer that is there has to answer.",
     play_keep_alive},
    {"user-timeout", "The peer vanishes while data is on its way.",
     "the time that the application has set ends the connection, not a number of retransmissions.",
     play_user_timeout},
    {"reset-attack", "Somebody who sees nothing of a connection tries to end it.",
     "what does not fit exactly is answered by an acknowledgement to the real peer, who knows better.",
     play_reset_attack},
    {"time-wait-reuse", "A connection between two ends of which one is still in TIME-WAIT.",
     "the second SYN is later than anything before it, in its number and in its timestamp (ts).",
     play_time_wait_reuse},
};

}  // namespace

std::span<const Scenario> scenarios() { return kScenarios; }

}  // namespace millrace::control

#include "control/demo/stage.h"

#include <algorithm>
#include <utility>

#include "wire/build.h"

namespace millrace::control {

namespace {

using sim::Side;

// One frame an iteration: then the recorder can tell the effect of each.
const sim::HostOptions kHostOptions = {.transmit_packets = 512, .receive_packets = 512, .receive_burst = 1};

constexpr uint8_t kClientNumber = 1;
constexpr uint8_t kServerNumber = 2;

}  // namespace

void Actor::on_established(app::Connection& connection) {
  connection_ = &connection;
  established_ = true;
}

void Actor::on_readable(app::Connection& connection) {
  while (!connection.readable().empty()) {
    const auto run = connection.readable();
    received_.append(run.begin(), run.end());
    connection.consume(static_cast<uint32_t>(run.size()));
  }
  if (when_readable) when_readable(connection);
}

void Actor::on_peer_finished(app::Connection& connection) {
  if (when_peer_finished) when_peer_finished(connection);
}

void Actor::on_closed(app::Connection&, app::CloseReason reason) {
  connection_ = nullptr;
  end_ = reason;
}

Stage::Stage(const StageOptions& options)
    : options_(options),
      world_(options.seed),
      client_host_(world_.add_host("client", sim::host_params(kClientNumber), kHostOptions)),
      server_host_(world_.add_host("server", sim::host_params(kServerNumber), kHostOptions)),
      recorder_(world_, client_host_, server_host_) {
  world_.set_links({.delay = 10ms});
  world_.run_for(1s);
  if (!options.neighbors) resolve_neighbors();
}

// An attempt that nobody answers but with RST leaves both sides knowing each other's MAC address.
void Stage::resolve_neighbors() {
  Actor scout;
  constexpr uint16_t kDiscard = 9;
  const app::ConnectOptions options{
      .remote = endpoint(Side::Right, kDiscard), .local_address = {}, .local_port = {}};
  world_.in(client_host_, 0us, [&] { world_.shard(client_host_).connect(options, scout); });
  run_until([&] { return scout.end().has_value(); });
  world_.run_for(1s);
}

Endpoint Stage::endpoint(Side side, uint16_t port) const {
  return {sim::host_address(side == Side::Left ? kClientNumber : kServerNumber, options_.family), port};
}

sim::Link& Stage::link_from(Side side) {
  return side == Side::Left ? world_.link(client_host_, server_host_)
                            : world_.link(server_host_, client_host_);
}

void Stage::server_listens(uint32_t backlog) {
  world_.in(server_host_, 0us, [this, backlog] {
    const ListenerParams params{
        .local = endpoint(Side::Right, kServerPort), .backlog = backlog, .fast_open_pending = 16};
    world_.shard(server_host_).listen(params, server_, "demo");
  });
  world_.run_for(1ms);
}

void Stage::flood_server(uint32_t syns) {
  HeapPool pool(1, 256);
  SeededEntropy entropy(options_.seed);
  for (uint32_t i = 0; i < syns; ++i) {
    const uint64_t bits = entropy.next();
    const auto octet = [bits](int at) { return static_cast<uint8_t>(bits >> (8 * at)); };
    wire::Segment syn;
    syn.flow.local = {options_.family == Family::V4 ? IpAddress::v4(198, 18, octet(0), octet(1))
                                                    : IpAddress::v6({0x20, 0x01, 0, 2, 0, 0, 0, 0, octet(0),
                                                                     octet(1), octet(2), octet(3)}),
                      static_cast<uint16_t>(1024 + i)};
    syn.flow.remote = endpoint(Side::Right, kServerPort);
    syn.seq = Seq(static_cast<uint32_t>(bits >> 32));
    syn.flags = wire::kSyn;
    syn.options.mss = Mss(1460);
    Packet packet = pool.allocate();
    wire::build_segment(packet,
                        {.destination = sim::host_params(kServerNumber).interface.mac,
                         .source = sim::host_params(kClientNumber).interface.mac},
                        syn, wire::Checksum::Software);
    link_from(Side::Left).send(packet.bytes(), world_.now());
  }
  world_.run_for(100ms);
}

void Stage::connect(Side side, app::ConnectOptions options) {
  const sim::HostId host = side == Side::Left ? client_host_ : server_host_;
  world_.in(host, 0us, [this, side, host, options] {
    const std::string with =
        options.data.empty() ? "" : " with " + std::to_string(options.data.size()) + " octets";
    recorder_.say(side, "connect() to " + options.remote.text() + with);
    actor(side).opened(world_.shard(host).connect(options, actor(side)).connection);
  });
}

void Stage::client_connects() {
  const Endpoint from = client_end();
  const Endpoint to = endpoint(Side::Right, kServerPort);
  recorder_.watch(from, to);
  connect(Side::Left, {.remote = to, .local_address = from.address, .local_port = from.port});
}

void Stage::client_connects_fast(std::string_view request) {
  const Endpoint from = client_end();
  const Endpoint to = endpoint(Side::Right, kServerPort);
  if (ladder().rows.empty()) recorder_.watch(from, to);
  connect(Side::Left, {.remote = to,
                       .local_address = from.address,
                       .local_port = from.port,
                       .data = {reinterpret_cast<const uint8_t*>(request.data()), request.size()},
                       .fast_open = true});
}

void Stage::client_connects_again() {
  const Endpoint& from = ladder().left;
  connect(Side::Left,
          {.remote = ladder().right, .local_address = from.address, .local_port = from.port});
}

void Stage::both_connect() {
  constexpr uint16_t kPort = 7000;
  const Endpoint left = endpoint(Side::Left, kPort);
  const Endpoint right = endpoint(Side::Right, kPort);
  recorder_.watch(left, right);
  connect(Side::Left, {.remote = right, .local_address = left.address, .local_port = left.port});
  connect(Side::Right, {.remote = left, .local_address = right.address, .local_port = right.port});
}

void Stage::establish() {
  server_listens();
  client_connects();
  claim("both sides reach ESTABLISHED", run_until([this] { return both_in(tcp::State::Established); }));
}

void Stage::later(Side side, Micros delay, std::string words, Deed deed) {
  const sim::HostId host = side == Side::Left ? client_host_ : server_host_;
  world_.in(host, delay, [this, side, words = std::move(words), deed = std::move(deed)] {
    app::Connection* connection = actor(side).connection();
    if (connection == nullptr) return;
    recorder_.say(side, words);
    deed(*connection);
  });
}

void Stage::forge(Side side, std::string words, wire::Segment segment) {
  HeapPool pool(1, 256);
  Packet packet = pool.allocate();
  const app::Connection& victim = *actor(side).connection();
  segment.flow = {.local = victim.remote(), .remote = victim.local()};
  const bool to_client = side == Side::Left;
  wire::build_segment(
      packet,
      {.destination = sim::host_params(to_client ? kClientNumber : kServerNumber).interface.mac,
       .source = sim::host_params(to_client ? kServerNumber : kClientNumber).interface.mac},
      segment, wire::Checksum::Software);
  recorder_.say(to_client ? Side::Right : Side::Left, std::move(words));
  const sim::HostId from = to_client ? server_host_ : client_host_;
  world_.forge(from, to_client ? client_host_ : server_host_, packet.bytes());
}

void Stage::run_to_the_end() {
  run_until([this] { return both_in(tcp::State::Closed) && client_.end() && server_.end(); });
  world_.run_for(100ms);  // what is still on its way
}

void Stage::claim_path(Side side, std::initializer_list<tcp::State> path) {
  const std::vector<tcp::State>& walked = recorder_.path(side);
  claim("the " + world_.name(side == Side::Left ? client_host_ : server_host_) + " walks " +
            sim::path_text({path.begin(), path.size()}),
        std::equal(walked.begin(), walked.end(), path.begin(), path.end()));
}

std::vector<sim::LadderRow> Stage::segments(Side side, wire::Flags flags) const {
  std::vector<sim::LadderRow> out;
  for (const sim::LadderRow& row : ladder().rows)
    if (row.kind == sim::LadderRow::Kind::Segment && row.from == side && row.fate != sim::Fate::Duplicate &&
        (row.segment.flags | flags) == row.segment.flags)
      out.push_back(row);
  return out;
}

}  // namespace millrace::control

// Fast Open between two stacks over a link that loses, duplicates and reorders whatever it likes, SYNs and
// SYN-ACKs included: requests and answers arrive octet for octet, by Fast Open or without, and nothing is
// left.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/world.h"

namespace millrace::sim::test {
namespace {

constexpr uint16_t kServerPort = 80;
constexpr uint16_t kFirstPort = 40'000;
constexpr int kConnections = 12;  // of a run, one after the other

std::string octets(uint64_t seed, size_t count) {
  SeededEntropy entropy(seed);
  std::string out(count, ' ');
  for (char& one : out) one = static_cast<char>(entropy.next());
  return out;
}

std::span<const uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct Talk {
  std::string request;
  std::string answer;
  bool client_finishes_first = false;
};

// What both kinds of application do: write a text to its end, take what comes.
struct Speaker {
  void write(app::Connection& to) {
    written += to.send(bytes(text).subspan(written));
    if (written == text.size() && finishes) to.shutdown();
  }
  void read(app::Connection& from) {
    while (!from.readable().empty()) {
      const auto run = from.readable();
      received.append(run.begin(), run.end());
      from.consume(static_cast<uint32_t>(run.size()));
    }
  }
  std::string text;
  size_t written = 0;
  bool finishes = false;
  std::string received;
};

class Client final : public app::Handler {
 public:
  void open(shard::Shard& shard, const Endpoint& from, const Endpoint& to, const Talk& talk) {
    speaker.text = talk.request;
    finishes_first = talk.client_finishes_first;
    app::ConnectOptions options;
    options.remote = to;
    options.local_address = from.address;
    options.local_port = from.port;
    options.data = bytes(talk.request);
    options.fast_open = true;
    const app::OpenResult result = shard.connect(options, *this);
    ASSERT_NE(result.connection, nullptr);
    speaker.written = result.taken;
  }
  void on_established(app::Connection& at) override {
    speaker.finishes = finishes_first;
    speaker.write(at);
  }
  void on_writable(app::Connection& at) override { speaker.write(at); }
  void on_readable(app::Connection& at) override { speaker.read(at); }
  void on_peer_finished(app::Connection& at) override {
    peer_finished = true;
    at.close();
  }
  void on_closed(app::Connection& at, app::CloseReason reason) override {
    // Our last FIN may find the server's TIME-WAIT over, when enough of them were lost.
    end = reason == app::CloseReason::Reset && peer_finished ? app::CloseReason::Finished : reason;
    by_fast_open = at.fast_open() == app::FastOpenResult::DataAcknowledged;
  }

  Speaker speaker;
  bool finishes_first = false;
  bool peer_finished = false;
  bool by_fast_open = false;
  std::optional<app::CloseReason> end;
};

class Server final : public app::Handler {
 public:
  explicit Server(const std::vector<Talk>& talks) : talks_(talks) {}
  void on_established(app::Connection& at) override {
    Speaker& speaker = speakers_[&at];
    speaker = {};
    speaker.finishes = true;
    speaker.text = talk(at).answer;
    ++accepted;
    early += at.state() == tcp::State::SynReceived ? 1 : 0;
  }
  void on_readable(app::Connection& at) override {
    Speaker& speaker = speakers_[&at];
    speaker.read(at);
    const std::string& request = talk(at).request;
    // Also what a duplicated SYN brings once more (RFC 7413 §6.1) is the beginning of a request.
    EXPECT_EQ(speaker.received, request.substr(0, speaker.received.size()));
    if (speaker.received.size() == request.size()) speaker.write(at);
  }
  void on_writable(app::Connection& at) override {
    if (speakers_[&at].received.size() == talk(at).request.size()) speakers_[&at].write(at);
  }
  void on_closed(app::Connection& at, app::CloseReason) override { speakers_.erase(&at); }

  int accepted = 0;
  int early = 0;

 private:
  const Talk& talk(const app::Connection& at) const { return talks_[at.remote().port - kFirstPort]; }

  const std::vector<Talk>& talks_;
  std::map<app::Connection*, Speaker> speakers_;
};

struct Total {
  int by_fast_open = 0;
  int early = 0;
  int repeated = 0;
  uint64_t fallbacks = 0;
  uint64_t syns_lost = 0;
};

class FastOpenRun {
 public:
  FastOpenRun(uint64_t seed, Family family, const LinkParams& weather)
      : seed_(seed), family_(family), world_(seed), server_(talks_) {
    SeededEntropy dice(~seed);
    for (int i = 0; i < kConnections; ++i)
      talks_.push_back({.request = octets(dice.next(), 1 + dice.next() % (i % 3 == 0 ? 6000 : 400)),
                        .answer = octets(dice.next(), 1 + dice.next() % (i % 4 == 0 ? 30'000 : 900)),
                        .client_finishes_first = dice.next() % 2 == 0});
    ShardParams params = host_params(1);
    params.tcp.syn_retries = params.tcp.syn_ack_retries = 12;
    params.tcp.timestamps = seed % 3 != 0;
    params.tcp.window_scaling = seed % 4 != 0;
    left_ = world_.add_host("client", params);
    ShardParams other = host_params(2);
    other.tcp.syn_retries = other.tcp.syn_ack_retries = 12;
    other.tcp.timestamps = seed % 5 != 0;
    right_ = world_.add_host("server", other);
    world_.set_links(weather);
    world_.shard(right_).listen({.local = {host_address(2, family), kServerPort}, .fast_open_pending = 8},
                                server_, "server");
  }

  void go(Total& total) {
    for (int i = 0; i < kConnections; ++i) one(i);
    for (const HostId host : {left_, right_})
      world_.in(host, 0us, [this, host] { world_.shard(host).abort_all(world_.now()); });
    world_.run_for(2000s);
    for (const HostId host : {left_, right_}) {
      const shard::Shard::Usage usage = world_.shard(host).usage();
      EXPECT_EQ(usage.connections + usage.syn_records + usage.time_wait_records + usage.timers, 0U);
      EXPECT_EQ(usage.buffer_bytes + usage.held_packets, 0U);
      EXPECT_EQ(world_.outstanding_packets(host), 0U);
      EXPECT_EQ(world_.shard(host).counters().tcp_illegal_transitions.value(), 0U);
    }
    EXPECT_GE(server_.accepted, kConnections);
    total.by_fast_open += by_fast_open_;
    total.early += server_.early;
    total.repeated += server_.accepted - kConnections;
    total.fallbacks += world_.shard(left_).counters().tcp_fast_open_fallbacks.value();
    total.syns_lost += world_.shard(left_).counters().tcp_fast_open_syns_lost.value();
  }

 private:
  void one(int i) {
    auto client = std::make_unique<Client>();
    world_.in(left_, 0us, [&] {
      client->open(world_.shard(left_),
                   {host_address(1, family_), static_cast<uint16_t>(kFirstPort + i)},
                   {host_address(2, family_), kServerPort}, talks_[static_cast<size_t>(i)]);
    });
    const bool ended = world_.run_until([&] { return client->end.has_value(); }, 3600s);
    if (!ended || client->end != app::CloseReason::Finished ||
        client->speaker.received != talks_[static_cast<size_t>(i)].answer)
      ADD_FAILURE() << "seed " << seed_ << ", connection " << i << ": "
                    << (ended ? app::name_of(*client->end) : "no end") << ", " << client->speaker.received.size()
                    << " octets of " << talks_[static_cast<size_t>(i)].answer.size();
    by_fast_open_ += client->by_fast_open ? 1 : 0;
    world_.run_for(61s);  // a refusal of the first kind lasts no longer
    clients_.push_back(std::move(client));
  }

  uint64_t seed_;
  Family family_;
  std::vector<Talk> talks_;
  World world_;
  Server server_;
  HostId left_ = 0;
  HostId right_ = 0;
  int by_fast_open_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
};

class FastOpenSim : public testing::TestWithParam<Family> {};

TEST_P(FastOpenSim, FineWeather_EveryConnectionButTheFirstSendsInItsSyn) {
  Total total;
  FastOpenRun(1, GetParam(), {.delay = 5ms}).go(total);
  EXPECT_EQ(total.by_fast_open, kConnections - 1);
  EXPECT_EQ(total.early, kConnections - 1);
  EXPECT_EQ(total.repeated, 0);
}

TEST_P(FastOpenSim, LossDuplicationAndReordering_StreamsAreEqual) {
  Total total;
  constexpr int kSeeds = 60;
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SeededEntropy dice(seed);
    LinkParams weather{.delay = Micros(static_cast<int64_t>(100 + dice.next() % 20'000))};
    weather.faults = {.loss_ppm = static_cast<uint32_t>(dice.next() % 200'000),
                      .duplication_ppm = static_cast<uint32_t>(dice.next() % 300'000),
                      .corruption_ppm = static_cast<uint32_t>(dice.next() % 30'000),
                      .reordering_ppm = static_cast<uint32_t>(dice.next() % 300'000),
                      .jitter = 3 * weather.delay + 1ms};
    FastOpenRun(seed, GetParam(), weather).go(total);
  }
  // It did take place, and what can go wrong with it did.
  EXPECT_GT(total.by_fast_open, kSeeds * kConnections / 5);
  EXPECT_GT(total.early, kSeeds);
  EXPECT_GT(total.syns_lost, 0U);
  EXPECT_GT(total.fallbacks, 0U);
  RecordProperty("by_fast_open", total.by_fast_open);
  RecordProperty("repeated", total.repeated);
}

// The network keeps a copy of a SYN with data until the connection has ended at the server: the application
// sees the request again (RFC 7413 §2.1), and the client is not disturbed.
TEST_P(FastOpenSim, OldSynAfterTheEnd_IsARequestSeenTwice) {
  Total total;
  LinkParams weather{.delay = 5ms};
  weather.faults = {.duplication_ppm = 1'000'000, .reordering_ppm = 500'000, .jitter = 40s};
  for (uint64_t seed = 1; seed <= 8; ++seed) FastOpenRun(seed, GetParam(), weather).go(total);
  EXPECT_GT(total.by_fast_open, 0);
}

INSTANTIATE_TEST_SUITE_P(Families, FastOpenSim, testing::Values(Family::V4, Family::V6),
                         [](const auto& test) { return test.param == Family::V4 ? "v4" : "v6"; });

}  // namespace
}  // namespace millrace::sim::test

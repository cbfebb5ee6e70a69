// A sender by BBR and a bottleneck with a queue, segment by segment in virtual time: no sequence numbers, no
// retransmissions, what is lost is replaced. For tests of the model and its states.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "cc/bbr.h"
#include "cc/pacer.h"

namespace millrace::cc {

class BbrPath {
 public:
  static constexpr Bytes kSmss = 1000;

  // `rate` octets a second, `round` there and back, room for `queue` octets.
  BbrPath(uint64_t octets_a_second, Micros there_and_back, Bytes room = 1U << 30)
      : rate(octets_a_second), round(there_and_back), queue(room) {
    window.cwnd = 10 * kSmss;
    window.smss = kSmss;
    window.algorithm = {};
    bbr.emplace(window.cwnd, 7);
    srtt = there_and_back;
  }

  // Until `done`, or for `limit`. True: done.
  bool run_until(const std::function<bool()>& done, Micros limit) {
    const Instant end = now + limit;
    while (!done()) {
      const Instant send = next_send();
      const Instant ack = next_ack();
      const Instant next = std::min(send, ack);
      if (next > end) {
        now = end;
        return done();
      }
      now = std::max(now, next);
      if (ack <= send)
        take_ack();
      else
        send_one();
    }
    return true;
  }
  void run_for(Micros time) {
    run_until([] { return false; }, time);
  }
  bool reach(Bbr::State state, Micros limit = 20s) {
    return run_until([&] { return bbr->state() == state; }, limit);
  }
  void stop() {
    budget = 0;
    bbr->on_out_of_data(in_flight);
  }
  double bdp() const { return static_cast<double>(rate) * std::chrono::duration<double>(round).count(); }

  Window window;
  std::optional<Bbr> bbr;
  uint64_t rate;
  Micros round;
  Bytes queue;
  std::function<bool()> loses = [] { return false; };  // beside what the queue drops
  std::function<bool(Bytes)> marks = [](Bytes) { return false; };  // CE, with that much in the queue
  uint64_t budget = ~uint64_t{0};                        // octets that the application still has
  bool sack = true;
  Bytes in_flight = 0;
  Bytes most_in_flight = 0;
  uint64_t delivered = 0;
  uint64_t lost = 0;
  uint32_t echoes = 0;
  Instant now{1s};
  Micros srtt;

 private:
  struct Sent {
    Instant at;
    Instant acked_at;
    Seq begin;
    bool dropped;
    bool marked;
  };

  bool may_send() const { return in_flight + kSmss <= window.cwnd && budget >= kSmss; }
  Instant next_send() {
    if (!may_send()) return kNever;
    return pacer_.may_leave(now) ? now : pacer_.next_at();
  }
  Instant next_ack() const {
    for (const Sent& sent : sent_)
      if (!sent.dropped) return sent.acked_at;
    return sent_.empty() ? kNever : sent_.back().at + 2 * round + 200ms;  // a time-out
  }
  void send_one() {
    budget -= kSmss;
    in_flight += kSmss;
    most_in_flight = std::max(most_in_flight, in_flight);
    bbr->on_sent(window, now, kSmss, in_flight, srtt);
    pacer_.sent(kSmss, now, bbr->pacing_rate(), kSmss);
    const Micros backlog = std::max(0us, free_at_ - now);
    const bool dropped = loses() || static_cast<uint64_t>(backlog.count()) * rate / 1'000'000 > queue;
    if (!dropped) free_at_ = std::max(now, free_at_) + Micros(static_cast<int64_t>(kSmss * uint64_t{1'000'000} / rate));
    const bool marked = marks(static_cast<Bytes>(static_cast<uint64_t>(backlog.count()) * rate / 1'000'000));
    sent_.push_back({now, free_at_ + round, next_, dropped, marked});
    next_ += kSmss;
    if (budget < kSmss && in_flight + kSmss <= window.cwnd) bbr->on_out_of_data(in_flight);
  }
  void lose(const Sent& sent) {
    bbr->on_lost(window, now, sent.at, sent.begin, sent.begin + kSmss, sack);
    in_flight -= kSmss;
    lost += kSmss;
    if (recover_) return;
    bbr->on_enter_recovery(window);
    recover_ = next_;
  }
  void take_ack() {
    Ack ack{.now = now, .in_flight = in_flight, .srtt = srtt, .sack = sack};
    while (!sent_.empty() && sent_.front().dropped) lose(sent_.front()), sent_.pop_front();
    if (!sent_.empty()) {
      const Sent sent = sent_.front();
      sent_.pop_front();
      in_flight -= kSmss;
      delivered += kSmss;
      bbr->on_arrival(sent.at, kSmss, now);
      ack.acked = ack.delivered = kSmss;
      ack.rtt = now - sent.at;
      ack.ecn_echo = sent.marked;
      if (sent.marked && (!reduced_ || sent.begin.after_or_at(*reduced_))) {  // once a window of data
        bbr->on_ecn();
        reduced_ = next_;
        ++echoes;
      }
      if (recover_ && sent.begin.after_or_at(*recover_)) bbr->on_exit_recovery(window), recover_.reset();
    }
    ack.left = in_flight;
    bbr->on_ack(window, ack);
  }

  Pacer pacer_;
  std::deque<Sent> sent_;
  Instant free_at_{};
  Seq next_{0xffff'0000};
  std::optional<Seq> recover_;
  std::optional<Seq> reduced_;
};

}  // namespace millrace::cc

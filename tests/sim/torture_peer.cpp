#include "torture_peer.h"

#include <algorithm>
#include <cstring>

namespace millrace::sim::torture {

Peer::Peer(World& world, HostId host, const Behaviour& behaviour, uint64_t stream_seed)
    : world_(world), host_(host), behaviour_(behaviour), stream_(behaviour.octets), dice_(~stream_seed) {
  SeededEntropy octets(stream_seed);
  for (size_t at = 0; at < stream_.size(); at += 8) {
    const uint64_t word = octets.next();
    std::memcpy(stream_.data() + at, &word, std::min<size_t>(8, stream_.size() - at));
  }
}

void Peer::fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
}

void Peer::later(Micros delay, void (Peer::*what)()) {
  world_.in(host_, delay, [this, what] {
    if (connection_ != nullptr) (this->*what)();
  });
}

void Peer::on_established(app::Connection& connection) {
  if (established_) fail("told twice of the establishment");
  connection_ = &connection;
  established_ = true;
  connection.set_no_delay(behaviour_.no_delay);
  if (behaviour_.end == Behaviour::End::Abort) later(behaviour_.abort_after, &Peer::abort_now);
  if (behaviour_.choose_every != 0us) later(behaviour_.choose_every, &Peer::choose_next);
  write();
}

void Peer::choose_next() {
  ConnectionParams settings = connection_->settings();
  settings.congestion_control = static_cast<CongestionControl>(dice_.next() % 3);
  connection_->set(settings);  // without memory for it all stays as it is
  later(behaviour_.choose_every, &Peer::choose_next);
}

void Peer::abort_now() { connection_->abort(); }

void Peer::give_up() {
  if (connection_ != nullptr) connection_->abort();
}

// ---- writing

void Peer::on_writable(app::Connection&) {
  if (!write_pending_) write();
}

void Peer::write() {
  write_pending_ = false;
  while (sent_ < stream_.size()) {
    const uint32_t want = std::min(behaviour_.write_chunk, behaviour_.octets - sent_);
    const uint32_t took = write_once(want);
    if (took > want) return fail("the stack took more octets than it was offered");
    sent_ += took;
    if (took == 0) return;  // on_writable comes
    if (behaviour_.write_gap == 0us) continue;
    write_pending_ = true;
    return later(behaviour_.write_gap, &Peer::write);
  }
  written();
}

uint32_t Peer::write_once(uint32_t count) {
  if (!behaviour_.reserve) return connection_->send({stream_.data() + sent_, count});
  const std::span<uint8_t> room = connection_->reserve(count);
  const auto fits = static_cast<uint32_t>(std::min<size_t>(room.size(), count));
  std::copy_n(stream_.begin() + sent_, fits, room.begin());
  if (fits != 0) connection_->commit(fits);
  return fits;
}

void Peer::written() {
  if (finished_) return;
  if (behaviour_.end == Behaviour::End::CloseEarly) {
    finished_ = true;
    connection_->close();
    return;
  }
  if (behaviour_.end == Behaviour::End::Shutdown || peer_finished_) finish();
}

// FIN, in the two ways that mean the same once nothing more will come.
void Peer::finish() {
  finished_ = true;
  if (peer_finished_ && behaviour_.close_at_end)
    connection_->close();
  else
    connection_->shutdown();
}

// ---- reading

void Peer::on_readable(app::Connection& connection) {
  switch (behaviour_.read) {
    case Behaviour::Read::Eager:
      return take(UINT32_MAX);
    case Behaviour::Read::Partial:
      take(static_cast<uint32_t>(dice_.next() % (connection.readable_bytes() + 1)));
      if (!read_pending_) later(behaviour_.read_gap, &Peer::read_rest);
      read_pending_ = true;
      return;
    case Behaviour::Read::Slow:
      if (!read_pending_) later(behaviour_.read_gap, &Peer::read_slowly);
      read_pending_ = true;
      return;
  }
}

void Peer::read_rest() {
  read_pending_ = false;
  take(UINT32_MAX);
}

void Peer::read_slowly() {
  take(behaviour_.read_chunk);
  read_pending_ = connection_ != nullptr && connection_->readable_bytes() != 0;
  if (read_pending_) later(behaviour_.read_gap, &Peer::read_slowly);
}

void Peer::take(uint32_t most) {
  while (most > 0 && connection_ != nullptr) {
    const std::span<const uint8_t> run = connection_->readable();
    if (run.empty()) return;
    const auto count = static_cast<uint32_t>(std::min<size_t>(most, run.size()));
    if (received_ + count > other_->sent_)
      return fail("octets came that the other end never wrote: " + std::to_string(received_ + count));
    if (std::memcmp(run.data(), other_->stream_.data() + received_, count) != 0)
      return fail("the streams differ after octet " + std::to_string(received_));
    connection_->consume(count);
    received_ += count;
    most -= count;
  }
}

// ---- the end

void Peer::on_peer_finished(app::Connection&) {
  if (peer_finished_) fail("told twice that the peer finished");
  peer_finished_ = true;
  if (!other_->finished_) fail("a FIN came that the other end never asked for");
  if (received_ != other_->sent_) fail("the FIN came after octet " + std::to_string(received_));
  if (behaviour_.end == Behaviour::End::AfterPeer && sent_ == stream_.size() && !finished_) finish();
}

void Peer::on_closed(app::Connection&, app::CloseReason reason) {
  if (end_) fail("told twice of the end");
  end_ = reason;
  connection_ = nullptr;
}

std::string Peer::status() const {
  return (established_ ? "established, " : "never established, ") + std::string("sent ") +
         std::to_string(sent_) + " of " + std::to_string(stream_.size()) + ", received " +
         std::to_string(received_) + (finished_ ? ", finished" : "") +
         (peer_finished_ ? ", peer finished" : "") + ", " +
         (end_      ? std::string(app::name_of(*end_))
          : alive() ? std::string(tcp::name_of(connection_->state()))
                    : "not there");
}

}  // namespace millrace::sim::torture

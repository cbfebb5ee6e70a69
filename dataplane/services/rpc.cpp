#include "services/rpc.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

#include "app/connection.h"

namespace millrace::services {

namespace {

// The context word is the session's index and one, so that none is null.
void* word_of(uint32_t index) { return reinterpret_cast<void*>(uintptr_t{index} + 1); }
uint32_t index_of(const app::Connection& connection) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(connection.context()) - 1);
}

}  // namespace

Rpc::Rpc() : sessions_(std::numeric_limits<uint32_t>::max()) {
  for (uint32_t i = 0; i < kPieceBytes; ++i) piece_[i] = static_cast<uint8_t>('a' + i % 26);
}

// Connections that the shard took with it had no on_closed.
Rpc::~Rpc() {
  for (uint32_t i = 0; i < sessions_.extent(); ++i)
    if (sessions_.contains(i)) sessions_.destroy(i);
}

Rpc::Session& Rpc::session_of(const app::Connection& connection) { return sessions_[index_of(connection)]; }

void Rpc::on_established(app::Connection& connection) {
  connection.set_no_delay(true);  // a response is written whole
  connection.set_context(word_of(sessions_.create()));
}

void Rpc::on_readable(app::Connection& connection) { advance(connection); }
void Rpc::on_writable(app::Connection& connection) { advance(connection); }

void Rpc::on_peer_finished(app::Connection& connection) {
  session_of(connection).peer_finished = true;
  advance(connection);
}

void Rpc::on_closed(app::Connection& connection, app::CloseReason) {
  if (session_of(connection).waiting) std::erase(waiting_, &connection);
  sessions_.destroy(index_of(connection));
}

void Rpc::run(app::Stack&, Instant now) {
  now_ = now;
  rounds_left_ = kRoundsAnIteration;
  const size_t count = waiting_.size();
  for (size_t i = 0; i < count && rounds_left_ != 0; ++i) {
    app::Connection& connection = *waiting_.front();
    waiting_.pop_front();
    session_of(connection).waiting = false;
    advance(connection);
  }
}

void Rpc::advance(app::Connection& connection) {
  Session& session = session_of(connection);
  if (session.waiting) return;
  while (session.answering ? answer(connection, session) : read_request(connection, session)) {
  }
  if (session.peer_finished && !session.answering && !session.waiting) connection.close();
}

bool Rpc::read_request(app::Connection& connection, Session& session) {
  if (session.head_bytes < kRpcHeaderBytes) {
    const std::span<const uint8_t> run = connection.readable();
    if (run.empty()) return false;
    const auto count =
        static_cast<uint32_t>(std::min<size_t>(run.size(), kRpcHeaderBytes - session.head_bytes));
    std::memcpy(session.head.data() + session.head_bytes, run.data(), count);
    session.head_bytes += count;
    connection.consume(count);
    if (session.head_bytes < kRpcHeaderBytes) return true;
    const RpcHeader request = read_rpc_header(session.head.data());
    if (!request.is_request_in_bounds()) {
      connection.abort();
      return false;
    }
    session.request_left = request.length - kRpcHeaderBytes;
    return true;
  }
  const uint32_t count = std::min(connection.readable_bytes(), session.request_left);
  session.request_left -= count;
  connection.consume(count);
  return session.request_left == 0 && accept(connection, session);
}

// The request is whole: its work is done, or waits for another iteration.
bool Rpc::accept(app::Connection& connection, Session& session) {
  const RpcHeader request = read_rpc_header(session.head.data());
  if (request.work > rounds_left_) {
    session.waiting = true;
    waiting_.push_back(&connection);
    rounds_left_ = 0;  // whoever comes later waits behind this one
    return false;
  }
  rounds_left_ -= request.work;
  write_rpc_header(session.head.data(), {.length = request.other_length,
                                         .other_length = request.length,
                                         .work = rpc_work(request.id, request.work),
                                         .id = request.id});
  session.response_bytes = session.response_left = request.other_length;
  session.head_bytes = 0;
  session.answering = true;
  return true;
}

bool Rpc::answer(app::Connection& connection, Session& session) {
  while (session.response_left != 0) {
    const uint32_t sent = session.response_bytes - session.response_left;
    const uint32_t skipped = std::min(sent, kRpcHeaderBytes);
    std::memcpy(piece_.data(), session.head.data(), kRpcHeaderBytes);
    const uint32_t count = std::min(session.response_left, kPieceBytes - skipped);
    const uint32_t taken = connection.send(std::span(piece_).subspan(skipped, count));
    session.response_left -= taken;
    if (taken < count) return false;  // on_writable goes on
  }
  session.answering = false;
  note_requests(1);
  return true;
}

}  // namespace millrace::services

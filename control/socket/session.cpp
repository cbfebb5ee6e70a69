#include "control/socket/session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace millrace::control {

namespace {

using namespace std::chrono_literals;

constexpr int kRequestsPerStep = 16;  // then the other clients have their turn
// An lcore answers within a few bursts; it sends no wake-up, since that would cost it a system call.
constexpr auto kJobPoll = 200us;

}  // namespace

Session::Session(int fd, const Peer& peer, const Limits& limits, const Log& log, Moment now)
    : fd_(fd),
      peer_(peer),
      limits_(limits),
      log_(log),
      output_(hello_line(getpid())),
      tokens_(limits.requests_per_second),
      refilled_(now),
      line_begun_(now),
      written_(now),
      last_request_(now) {}

Session::~Session() {
  if (fd_ >= 0) close(fd_);
}

bool Session::wants_input() const { return !peer_done_ && !closing_ && input_.size() <= kMaxRequestBytes; }

void Session::step(EndpointView& view, Moment now, bool hung_up) {
  if (wants_input()) receive(now);
  serve(view, now);
  if (fd_ < 0) return;
  flush(now);
  enforce(now);
  const bool nothing_left = output_.empty() && (closing_ || (peer_done_ && !job_ && input_.empty()));
  if (nothing_left || hung_up) finished_ = true;
}

void Session::receive(Moment now) {
  std::array<char, 16 * 1024> chunk;
  while (input_.size() <= kMaxRequestBytes) {
    const ssize_t count = recv(fd_, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (count > 0) {
      if (input_.empty()) line_begun_ = now;
      input_.append(chunk.data(), static_cast<size_t>(count));
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    peer_done_ = true;
    // A last request may lack its newline: `printf '{"method":"stats"}' | nc -NU ...`.
    if (!input_.empty() && input_.back() != '\n') input_ += '\n';
    return;
  }
}

void Session::serve(EndpointView& view, Moment now) {
  refill(now);
  for (int i = 0; i < kRequestsPerStep; ++i)
    if (!serve_one(view, now)) return;
}

bool Session::serve_one(EndpointView& view, Moment now) {
  if (job_) {
    poll_job(view, now);
    return !job_;
  }
  if (!may_begin() || finished_ || tokens_ < 1) return false;
  const auto line = next_line();
  if (!line) return false;
  line_begun_ = now;
  if (line->size() > kMaxRequestBytes) {
    end_with({ErrorCode::TooLarge, "A request has at most " + std::to_string(kMaxRequestBytes) +
                                       " octets; the connection is closed."});
    return false;
  }
  if (line->find_first_not_of(" \t\r") == std::string::npos) return true;
  tokens_ -= 1;
  last_request_ = now;
  begin(*line, view, now);
  return true;
}

// The next whole line; or, when no line can become whole any more, what there is of it.
std::optional<std::string> Session::next_line() {
  const size_t end = input_.find('\n');
  if (end == std::string::npos && input_.size() <= kMaxRequestBytes) return std::nullopt;
  std::string line = input_.substr(0, end);
  input_.erase(0, end == std::string::npos ? end : end + 1);
  return line;
}

void Session::begin(const std::string& line, EndpointView& view, Moment now) {
  auto parsed = parse_request(line);
  if (const auto* bad = std::get_if<BadRequest>(&parsed)) {
    output_ += error_line(bad->id, bad->error);
    return;
  }
  auto& request = std::get<Request>(parsed);
  job_id_ = std::move(request.id);
  Answer given = answer(request, view);
  if (auto* job = std::get_if<std::unique_ptr<Job>>(&given)) {
    job_ = std::move(*job);
    job_time_ = job_->patience().value_or(limits_.request_time);
    job_deadline_ = now + job_time_;
    note_change(request.method);
    return;
  }
  if (const auto* to = std::get_if<HandOver>(&given)) {
    note_change(request.method);
    hand_over(*to);
    return;
  }
  const auto& outcome = std::get<Outcome>(given);
  if (std::holds_alternative<Result>(outcome)) note_change(request.method);
  reply(outcome);
}

void Session::note_change(const std::string& name) const {
  const MethodInfo* method = find_method(name);
  if (!log_ || method == nullptr || !method->changes) return;
  log_("control socket: '" + name + "' asked for by process " + std::to_string(peer_.pid) + " of user " +
       std::to_string(peer_.uid));
}

void Session::poll_job(EndpointView& view, Moment now) {
  if (const auto outcome = job_->poll(view)) {
    job_.reset();
    reply(*outcome);
  } else if (now >= job_deadline_) {
    job_.reset();
    reply(Error{ErrorCode::TimedOut, "An lcore did not answer within " + std::to_string(job_time_.count()) +
                                         " ms: it has stopped or is overloaded ('stats' needs no lcore)."});
  }
}

void Session::hand_over(const HandOver& to) {
  reply(to.result);
  finished_ = true;
  to.take(std::exchange(fd_, -1), std::move(output_));
}

void Session::reply(const Outcome& outcome) {
  if (const auto* error = std::get_if<Error>(&outcome)) {
    output_ += error_line(job_id_, *error);
  } else {
    output_ += result_line(job_id_, std::get<Result>(outcome).value);
  }
}

void Session::flush(Moment now) {
  size_t sent = 0;
  while (sent < output_.size()) {
    const ssize_t count =
        send(fd_, output_.data() + sent, output_.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (count < 0) {
      finished_ = true;
      return;
    }
    sent += static_cast<size_t>(count);
  }
  if (sent > 0 || output_.empty()) written_ = now;
  output_.erase(0, sent);
}

// Half a request, or a reply that nobody reads, holds memory: both have a time.
void Session::enforce(Moment now) {
  if (!output_.empty() && now - written_ >= limits_.stall_time) finished_ = true;
  const bool half_a_request = !input_.empty() && !job_ && !has_line();
  if (half_a_request && !closing_ && now - line_begun_ >= limits_.stall_time) {
    end_with({ErrorCode::TimedOut, "A request was begun and not ended with a newline within " +
                                       std::to_string(limits_.stall_time.count()) + " ms."});
    flush(now);
  }
}

void Session::end_with(Error error) {
  output_ += error_line(nullptr, error);
  closing_ = true;
  input_.clear();
}

void Session::refill(Moment now) {
  const double rate = limits_.requests_per_second;
  tokens_ = std::min(rate, tokens_ + rate * std::chrono::duration<double>(now - refilled_).count());
  refilled_ = now;
}

std::optional<Moment> Session::wake_at(Moment now) const {
  if (job_) return std::min(now + kJobPoll, job_deadline_);
  if (may_begin() && (has_line() || input_.size() > kMaxRequestBytes)) {
    if (tokens_ >= 1) return now;
    const std::chrono::duration<double> refill((1 - tokens_) / limits_.requests_per_second);
    return refilled_ + std::chrono::duration_cast<SteadyClock::duration>(refill) + 1us;
  }
  std::optional<Moment> stalled;
  if (!output_.empty()) stalled = written_ + limits_.stall_time;
  if (!input_.empty() && !has_line()) {
    const Moment half = line_begun_ + limits_.stall_time;
    stalled = std::min(stalled.value_or(half), half);
  }
  return stalled;
}

void Session::say(int fd, const std::string& line) {
  static_cast<void>(send(fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace millrace::control

#include "control/cli/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "config/text.h"
#include "control/socket/address.h"

namespace millrace::control::cli {

namespace {

constexpr size_t kMaxReplyBytes = 64 << 20;

using Clock = std::chrono::steady_clock;

std::string cannot_connect(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "No endpoint is reachable: there is no socket " + path +
             ". Is `millrace serve` running? --socket or MILLRACE_SOCKET names another socket.";
    case ECONNREFUSED:
      return "No endpoint answers on " + path +
             ": the one that made the socket has ended. Is `millrace serve` running?";
    case EACCES:
    case EPERM:
      return "You may not open " + path + ": ask as root, or as a member of the socket's group.";
    case EAGAIN:
      return "The endpoint on " + path + " does not take connections fast enough: try again.";
    default:
      return "No endpoint is reachable on " + path + ": " + std::strerror(error) + ".";
  }
}

}  // namespace

Client::Client(const std::string& path, std::chrono::milliseconds time_limit)
    : path_(path), time_limit_(time_limit) {
  try {
    open();
    check_hello(read_line());
  } catch (...) {
    if (fd_ >= 0) close(fd_);
    throw;
  }
}

Client::~Client() { close(fd_); }

void Client::open() {
  const auto address = unix_address(path_);
  if (!address) {
    throw Failure(kUsage, "The socket's path " + config::quoted(path_) + " is empty or longer than " +
                              std::to_string(kMaxSocketPath) + " octets.");
  }
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0 || connect(fd_, address->get(), address->size()) != 0)
    throw Failure(kUnreachable, cannot_connect(path_, errno));
}

void Client::check_hello(const json& hello) const {
  if (hello.contains("error")) {
    const json message = hello["error"].value("message", json());
    throw Failure(kEndpointError, message.is_string() ? config::escaped(message.get<std::string>())
                                                      : "The endpoint refused the connection.");
  }
  if (!hello.contains("millrace") || !hello.contains("protocol"))
    throw Failure(kUnreachable, "What answers on " + path_ + " is no Millrace endpoint.");
  if (hello["protocol"] != kProtocol) {
    throw Failure(kUnreachable, "The endpoint (version " + config::escaped(dump(hello["millrace"])) +
                                    ") speaks another version of the control protocol: use the millracectl "
                                    "that came with it.");
  }
}

json Client::call(std::string_view method, json params) {
  const int64_t id = next_id_++;
  json request{{"id", id}, {"method", method}};
  if (!params.empty()) request["params"] = std::move(params);
  send_all(dump(request) + "\n");
  json reply = read_line();
  // An error without an id is about the connection.
  if (reply.contains("error")) {
    const json& error = reply["error"];
    const std::string message = error.is_object() ? error.value("message", std::string()) : std::string();
    throw Failure(kEndpointError,
                  message.empty() ? "The endpoint answered with an error." : config::escaped(message));
  }
  if (reply.value("id", json()) != id || !reply.contains("result"))
    lost("answered something else than was asked");
  return std::move(reply["result"]);
}

Client::Stream Client::receive(std::vector<uint8_t>& out, std::chrono::milliseconds wait) {
  if (!input_.empty()) {  // came with the reply
    out.insert(out.end(), input_.begin(), input_.end());
    input_.clear();
    return Stream::Octets;
  }
  pollfd ready{fd_, POLLIN, 0};
  if (poll(&ready, 1, static_cast<int>(wait.count())) <= 0) return Stream::Nothing;
  std::array<uint8_t, 64 * 1024> chunk;
  const ssize_t count = recv(fd_, chunk.data(), chunk.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return Stream::Nothing;
  if (count <= 0) return Stream::End;
  out.insert(out.end(), chunk.data(), chunk.data() + count);
  return Stream::Octets;
}

void Client::end_sending() { shutdown(fd_, SHUT_WR); }

void Client::send_all(std::string_view bytes) {
  const auto deadline = Clock::now() + time_limit_;
  while (!bytes.empty()) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_for(POLLOUT, deadline);
    } else if (errno != EINTR) {
      return;  // what the endpoint said before it closed is still to be read
    }
  }
}

json Client::read_line() {
  const auto deadline = Clock::now() + time_limit_;
  size_t searched = 0;
  for (;;) {
    const size_t end = input_.find('\n', searched);
    if (end != std::string::npos) {
      json line = json::parse(input_.substr(0, end), nullptr, false);
      input_.erase(0, end + 1);
      if (!line.is_object()) lost("sent something that is no reply");
      return line;
    }
    searched = input_.size();
    if (searched > kMaxReplyBytes) lost("sent a reply without an end");
    std::array<char, 64 * 1024> chunk;
    const ssize_t count = recv(fd_, chunk.data(), chunk.size(), 0);
    if (count > 0) {
      input_.append(chunk.data(), static_cast<size_t>(count));
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      wait_for(POLLIN, deadline);
    } else if (count == 0 || errno != EINTR) {
      lost("closed the connection; it may be stopping");
    }
  }
}

void Client::wait_for(short events, Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd ready{fd_, events, 0};
  if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) == 0)
    lost("did not answer within " + std::to_string(time_limit_.count()) + " ms");
}

void Client::lost(const std::string& how) const {
  throw Failure(kUnreachable, "The endpoint on " + path_ + " " + how + ".");
}

}  // namespace millrace::control::cli

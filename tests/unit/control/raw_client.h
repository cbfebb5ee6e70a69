// A client of the control socket that does what it likes; and a place for sockets that is gone afterwards.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "control/socket/address.h"
#include "control/socket/protocol.h"

namespace millrace::control::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = ::testing::TempDir() + "/mrctlXXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = unix_address(path);
    connected_ = ::connect(fd_, address->get(), address->size()) == 0;
  }
  ~RawClient() { leave(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void leave() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  void finish_sending() { shutdown(fd_, SHUT_WR); }

  // Octets taken by the socket before it was full or broken.
  size_t send(std::string_view bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      pollfd ready{fd_, POLLOUT, 0};
      if (poll(&ready, 1, 300) <= 0) break;
      const ssize_t count =
          ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count <= 0) break;
      sent += static_cast<size_t>(count);
    }
    return sent;
  }

  // Nothing: none came within the time, or the endpoint closed (at_end()).
  std::optional<std::string> line(std::chrono::milliseconds time = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    for (;;) {
      if (const size_t end = input_.find('\n'); end != std::string::npos) {
        std::string out = input_.substr(0, end);
        input_.erase(0, end + 1);
        return out;
      }
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd ready{fd_, POLLIN, 0};
      if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0) return std::nullopt;
      std::array<char, 65536> chunk;
      const ssize_t count = recv(fd_, chunk.data(), chunk.size(), 0);
      if (count <= 0) {
        at_end_ = true;
        return std::nullopt;
      }
      input_.append(chunk.data(), static_cast<size_t>(count));
    }
  }
  // The next line as JSON; null when there is none.
  json next(std::chrono::milliseconds time = std::chrono::seconds(10)) {
    const auto text = line(time);
    greeted_ = true;
    return text ? json::parse(*text, nullptr, false) : json();
  }
  // The reply to one request, the hello read and dropped.
  json ask(const std::string& request) {
    if (!greeted_) next();
    send(request + "\n");
    return next();
  }
  bool closed_by_endpoint() {
    while (line()) {
    }
    return at_end_;
  }

 private:
  int fd_;
  bool connected_ = false;
  bool greeted_ = false;
  bool at_end_ = false;
  std::string input_;
};

}  // namespace millrace::control::test

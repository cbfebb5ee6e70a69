// millracectl's end of the control socket: one connection, one request at a time, each with a time limit.
// Neighbours: control/socket/protocol.h (the language).
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "control/socket/protocol.h"

namespace millrace::control::cli {

// What ends a command: the sentence goes to standard error, the code to the shell.
inline constexpr int kOk = 0;
inline constexpr int kEndpointError = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnreachable = 3;

class Failure : public std::runtime_error {
 public:
  Failure(int exit_code, const std::string& sentence) : std::runtime_error(sentence), code_(exit_code) {}
  int exit_code() const { return code_; }

 private:
  int code_;
};

class Client {
 public:
  // Connects and reads the hello. Throws Failure.
  explicit Client(const std::string& path, std::chrono::milliseconds time_limit = std::chrono::seconds(15));
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The result. Throws Failure: the endpoint answered with an error, or went away.
  json call(std::string_view method, json params = json::object());

  // ---- after a method that makes the connection a stream
  enum class Stream { Octets, Nothing, End };
  // Appends what has come, after waiting for at most so long.
  Stream receive(std::vector<uint8_t>& out, std::chrono::milliseconds wait);
  // The endpoint hears that we have enough, and sends the rest.
  void end_sending();

 private:
  void open();
  void check_hello(const json& hello) const;
  void send_all(std::string_view bytes);
  json read_line();
  void wait_for(short events, std::chrono::steady_clock::time_point deadline);
  [[noreturn]] void lost(const std::string& how) const;

  const std::string path_;
  const std::chrono::milliseconds time_limit_;
  int fd_ = -1;
  int64_t next_id_ = 1;
  std::string input_;
};

}  // namespace millrace::control::cli

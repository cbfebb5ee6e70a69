#include "dpdk/eal_log.h"

#include <rte_log.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <deque>
#include <mutex>

namespace millrace::dpdk {

namespace {

struct Line {
  uint64_t number;
  DpdkLevel level;
  std::string text;
};

constexpr size_t kLinesKept = 256;

// DPDK's log is the process's, and so is this.
struct Log {
  std::mutex mutex;
  uint64_t next = 0;
  std::deque<Line> lines;
  DpdkSink sink;
};

Log& log() {
  static Log* const instance = new Log;  // EAL's threads may speak until the process ends
  return *instance;
}

DpdkLevel level_of(int level) {
  if (level <= static_cast<int>(RTE_LOG_ERR)) return DpdkLevel::Error;
  if (level <= static_cast<int>(RTE_LOG_WARNING)) return DpdkLevel::Warning;
  return level <= static_cast<int>(RTE_LOG_INFO) ? DpdkLevel::Info : DpdkLevel::Debug;
}

// One call a message, its level beside it.
ssize_t write_line(void*, const char* text, size_t size) {
  std::string_view line(text, size);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  if (line.empty()) return static_cast<ssize_t>(size);
  const DpdkLevel level = level_of(rte_log_cur_msg_loglevel());
  Log& all = log();
  const std::lock_guard lock(all.mutex);
  all.lines.push_back({all.next++, level, std::string(line)});
  if (all.lines.size() > kLinesKept) all.lines.pop_front();
  if (all.sink) all.sink(level, line);
  return static_cast<ssize_t>(size);
}

// `EAL: tun_alloc(): Unable to create TAP interface` without the names in front: they mean nothing to a user.
std::string plain(std::string_view text) {
  for (size_t colon = text.find(": "); colon != std::string_view::npos; colon = text.find(": ")) {
    const std::string_view front = text.substr(0, colon);
    if (front.find(' ') != std::string_view::npos) break;
    text.remove_prefix(colon + 2);
  }
  return std::string(text);
}

}  // namespace

void capture_dpdk_log() {
  static const bool once = [] {
    FILE* stream =
        fopencookie(nullptr, "w", {.read = nullptr, .write = write_line, .seek = nullptr, .close = nullptr});
    if (stream == nullptr) return false;
    setvbuf(stream, nullptr, _IOLBF, 4096);
    return rte_openlog_stream(stream) == 0;
  }();
  static_cast<void>(once);
}

void set_dpdk_sink(DpdkSink sink) {
  const std::lock_guard lock(log().mutex);
  log().sink = std::move(sink);
}

uint64_t dpdk_log_mark() {
  const std::lock_guard lock(log().mutex);
  return log().next;
}

std::string dpdk_error_since(uint64_t mark) {
  const std::lock_guard lock(log().mutex);
  for (const Line& line : log().lines)
    if (line.number >= mark && line.level == DpdkLevel::Error) return plain(line.text);
  return {};
}

StandardStreamCapture::StandardStreamCapture()
    : file_(memfd_create("streams", MFD_CLOEXEC)),
      saved_out_(dup(STDOUT_FILENO)),
      saved_error_(dup(STDERR_FILENO)) {
  std::fflush(nullptr);
  dup2(file_, STDOUT_FILENO);
  dup2(file_, STDERR_FILENO);
}

StandardStreamCapture::~StandardStreamCapture() {
  std::fflush(nullptr);
  dup2(saved_out_, STDOUT_FILENO);
  dup2(saved_error_, STDERR_FILENO);
  for (const int file : {file_, saved_out_, saved_error_}) close(file);
}

std::string StandardStreamCapture::first_line() {
  std::fflush(nullptr);
  std::array<char, 256> text{};
  const ssize_t size = pread(file_, text.data(), text.size(), 0);
  const std::string_view all(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
  return std::string(all.substr(0, all.find('\n')));
}

}  // namespace millrace::dpdk

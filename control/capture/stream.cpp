#include "control/capture/stream.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "control/socket/protocol.h"

namespace millrace::control {

namespace {

using namespace std::chrono_literals;

constexpr size_t kBufferBytes = 256 << 10;
constexpr auto kLook = 1ms;     // at lanes that were empty
constexpr auto kSettle = 2ms;   // frames of two lcores are put in order that long after the later one
constexpr auto kTell = 1000ms;  // between two statistics

// steady_clock is CLOCK_MONOTONIC, as the lanes read it.
int64_t monotonic() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

StreamParams with_epoch(StreamParams params) {
  const std::chrono::nanoseconds today = std::chrono::system_clock::now().time_since_epoch();
  params.lane.epoch = today.count() - monotonic();
  return params;
}

}  // namespace

CaptureStream::CaptureStream(StreamParams params, std::vector<dpdk::CapturePoint*> points,
                             CaptureLanes::Post post)
    : params_(with_epoch(std::move(params))),
      lanes_(std::make_unique<CaptureLanes>(params_.lane, std::move(points), std::move(post))) {}

CaptureStream::~CaptureStream() {
  request_stop("the endpoint stops");
  if (thread_.joinable()) thread_.join();
}

void CaptureStream::start(int fd, std::string_view first) {
  fd_ = fd;
  ended_.store(false, std::memory_order_relaxed);
  buffer_.assign(first.begin(), first.end());
  pcapng::begin_section(buffer_, "Millrace " + std::string(version()), params_.interface);
  try {
    // It takes no signals: it inherits the control thread's mask.
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), "mr-capture");
  } catch (const std::system_error&) {  // too many threads: the client sees the connection end
    close(std::exchange(fd_, -1));
    ended_.store(true, std::memory_order_release);
  }
}

void CaptureStream::request_stop(const char* why) {
  const char* none = nullptr;
  stop_.compare_exchange_strong(none, why);
}

int64_t CaptureStream::now() const { return params_.lane.epoch + monotonic(); }

void CaptureStream::run() {
  begun_ = now();
  told_ = progress_ = SteadyClock::now();
  if (!lanes_->begin()) request_stop("an lcore has stopped or is overloaded");
  stream();
  lanes_->end();
  part();
  close(std::exchange(fd_, -1));
  lanes_.reset();
  ended_.store(true, std::memory_order_release);
}

void CaptureStream::stream() {
  while (stop_.load(std::memory_order_acquire) == nullptr && !broken_) {
    const bool more = fill(now() - std::chrono::nanoseconds(kSettle).count());
    const SteadyClock::time_point instant = SteadyClock::now();
    if (instant - told_ >= kTell) {
      tell("");
      told_ = instant;
    }
    flush(instant);
    listen();
    if (enough()) request_stop(pcapng::kCountReached);
    if (!more || !buffer_.empty()) wait(kLook);
  }
}

// What was captured before the end, and the statistics that end the section.
void CaptureStream::part() {
  const SteadyClock::time_point deadline = SteadyClock::now() + params_.parting;
  bool told = false;
  while (!broken_ && SteadyClock::now() < deadline) {
    const bool more = fill(INT64_MAX);
    if (!more && !told) tell(stop_.load(std::memory_order_acquire));
    told |= !more;
    flush(SteadyClock::now());
    if (!more && buffer_.empty()) return;
    if (!buffer_.empty()) wait(kLook);
  }
}

bool CaptureStream::fill(int64_t time) {
  dpdk::CaptureLane::Frame frame;
  while (buffer_.size() < kBufferBytes) {
    if (enough() || !lanes_->front(time, frame)) return false;
    pcapng::append_frame(buffer_, {frame.time, frame.length, static_cast<pcapng::Direction>(frame.direction),
                                   static_cast<uint32_t>(lanes_->at()), frame.octets});
    lanes_->pop();
    ++frames_;
  }
  return true;
}

void CaptureStream::tell(const char* end) {
  const uint64_t dropped = lanes_->dropped();
  pcapng::append_statistics(buffer_, {begun_, now(), frames_ + dropped, dropped, end});
}

void CaptureStream::flush(SteadyClock::time_point instant) {
  while (sent_ < buffer_.size()) {
    const ssize_t count =
        send(fd_, buffer_.data() + sent_, buffer_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      broken_ = (errno != EAGAIN && errno != EWOULDBLOCK) || instant - progress_ >= params_.stall;
      return;
    }
    sent_ += static_cast<size_t>(count);
    progress_ = instant;
  }
  progress_ = instant;
  buffer_.clear();
  sent_ = 0;
}

void CaptureStream::listen() {
  std::array<char, 4096> nothing;  // that a client may have to say
  const ssize_t count = recv(fd_, nothing.data(), nothing.size(), MSG_DONTWAIT);
  if (count == 0) request_stop(pcapng::kClientDone);
  if (count < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) broken_ = true;
}

void CaptureStream::wait(std::chrono::milliseconds limit) const {
  pollfd ready{fd_, static_cast<short>(buffer_.empty() ? 0 : POLLOUT), 0};
  poll(&ready, 1, static_cast<int>(limit.count()));
}

}  // namespace millrace::control

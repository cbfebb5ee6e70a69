// One capture under way: a thread that is no lcore empties the lanes into the connection of whoever asked.
// The endpoint opens no file: it may be root, and the client is not. Neighbours: captures.h (owns it),
// lanes.h (where frames come from), socket/pcapng.h (what they are sent as).
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "control/capture/lanes.h"
#include "control/socket/pcapng.h"

namespace millrace::control {

struct StreamParams {
  dpdk::CaptureParams lane;
  uint64_t frames = 0;  // 0: no limit
  pcapng::Interface interface;
  std::chrono::milliseconds stall{60'000};   // a client that reads nothing for so long has gone
  std::chrono::milliseconds parting{5'000};  // that the rest may take once the capture has ended
};

class CaptureStream {
 public:
  CaptureStream(StreamParams params, std::vector<dpdk::CapturePoint*> points, CaptureLanes::Post post);
  // Ends the capture and waits for that.
  ~CaptureStream();
  CaptureStream(const CaptureStream&) = delete;
  CaptureStream& operator=(const CaptureStream&) = delete;

  // Once. Owns `fd`, a connected socket; sends `first`, then the section. The capture ends when the client
  // ends its side or has gone, too.
  void start(int fd, std::string_view first);
  void request_stop(const char* why);
  bool ended() const { return ended_.load(std::memory_order_acquire); }

 private:
  using SteadyClock = std::chrono::steady_clock;

  // Nanoseconds since 1970, as the lanes have them.
  int64_t now() const;
  void run();
  // Until somebody wants the end.
  void stream();
  void part();
  // Takes what there is up to `time`, as much as the buffer should hold. True: there was more.
  bool fill(int64_t time);
  bool enough() const { return params_.frames != 0 && frames_ >= params_.frames; }
  void tell(const char* end);
  // Sends what goes without waiting.
  void flush(SteadyClock::time_point instant);
  // Whether the client has ended its side.
  void listen();
  void wait(std::chrono::milliseconds limit) const;

  const StreamParams params_;
  std::unique_ptr<CaptureLanes> lanes_;  // until the capture has ended
  pcapng::Buffer buffer_;
  size_t sent_ = 0;  // of the buffer
  int fd_ = -1;
  bool broken_ = false;  // nobody reads any more
  uint64_t frames_ = 0;
  int64_t begun_ = 0;                       // nanoseconds since 1970
  SteadyClock::time_point told_{};          // the last statistics
  SteadyClock::time_point progress_{};      // the client's last
  std::atomic<const char*> stop_{nullptr};  // why; written by whoever asks first
  std::atomic<bool> ended_{true};           // false from start(), true from the thread's end
  std::thread thread_;
};

}  // namespace millrace::control

// One capture under way: gives every lcore a lane, writes what comes out of them, and takes the lanes back when it
// has enough. Neighbours: captures.h (owns it).
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/capture/capture_files.h"
#include "control/capture/pcapng.h"
#include "control/socket/view.h"
#include "dpdk/capture.h"

namespace millrace::control {

class CaptureWriter {
 public:
  // As EndpointView::post.
  using Post = std::function<bool(unsigned shard, Question question)>;

  struct Params {
    uint64_t id = 0;
    CaptureRequest request;
    dpdk::CaptureFilter filter;
    pcapng::Interface interface;
    std::string stem;  // of the files' names
  };

  CaptureWriter(Params params, std::unique_ptr<CaptureDirectory> directory, std::vector<dpdk::CapturePoint*> points,
                Post post);
  // Ends the capture and waits for that.
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  // Nothing: it captures. Otherwise a sentence, and nothing is left behind.
  [[nodiscard]] std::optional<std::string> start();
  void request_stop(const char* why);
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  // Any thread.
  CaptureRow row() const;

 private:
  using SteadyClock = std::chrono::steady_clock;

  // What lcores touch: it lives until none can any more.
  struct Lanes {
    std::vector<std::unique_ptr<dpdk::CaptureLane>> all;
    std::atomic<size_t> let_go{0};  // lcores that have seen that it is over
  };

  void run();
  // Writes what there is up to this instant, in the order of time. True: there was something.
  bool write_until(int64_t time);
  std::optional<size_t> oldest(int64_t time, dpdk::CaptureLane::Frame& frame) const;
  void append(const dpdk::CaptureLane::Frame& frame, size_t lane);
  bool open_next_file();
  void flush();
  void close_file();
  void take_lanes_back();
  bool over(SteadyClock::time_point now);
  void end_because(const std::string& why);
  uint64_t dropped() const;
  void publish();

  const Params params_;
  const std::unique_ptr<CaptureDirectory> directory_;
  const std::vector<dpdk::CapturePoint*> points_;
  const Post post_;
  std::shared_ptr<Lanes> lanes_ = std::make_shared<Lanes>();
  FileRing files_;
  pcapng::Buffer buffer_;
  const SteadyClock::time_point begun_ = SteadyClock::now();
  int64_t file_begun_ = 0;  // time of day
  uint64_t frames_ = 0;
  uint64_t bytes_ = 0;
  bool failed_ = false;  // a file: nothing more is written
  std::atomic<const char*> stop_{nullptr};  // why; written by whoever asks
  std::atomic<bool> ended_{false};          // written by the thread
  mutable std::mutex mutex_;
  CaptureRow row_;  // under mutex_
  std::thread thread_;
};

}  // namespace millrace::control

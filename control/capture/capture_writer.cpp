#include "control/capture/capture_writer.h"

#include <pthread.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "control/socket/protocol.h"

namespace millrace::control {

namespace {

using namespace std::chrono_literals;

constexpr size_t kLanesBytes = 16 << 20;  // of all lcores
constexpr size_t kMostLaneBytes = 4 << 20;
constexpr size_t kLeastLaneBytes = 512 << 10;
constexpr size_t kBufferBytes = 256 << 10;
constexpr size_t kRoomForStatistics = 128;
constexpr auto kLook = 1ms;            // at lanes that were empty; 4 MiB are 3 ms of 10 Gbit/s
constexpr auto kSettle = 2ms;          // frames of two lcores are put in order that long after the later one
constexpr auto kLetGo = 2000ms;        // for every lcore to pass its mailbox

int64_t time_of_day() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

size_t lane_bytes(size_t lcores) {
  return std::clamp(std::bit_floor(kLanesBytes / std::max<size_t>(lcores, 1)), kLeastLaneBytes, kMostLaneBytes);
}

}  // namespace

CaptureWriter::CaptureWriter(Params params, std::unique_ptr<CaptureDirectory> directory,
                             std::vector<dpdk::CapturePoint*> points, Post post)
    : params_(std::move(params)),
      directory_(std::move(directory)),
      points_(std::move(points)),
      post_(std::move(post)),
      files_(*directory_, {params_.stem, params_.request.files, params_.request.file_bytes}) {
  for (size_t i = 0; i < points_.size(); ++i)
    lanes_->all.push_back(std::make_unique<dpdk::CaptureLane>(params_.filter, params_.request.snap_length,
                                                              lane_bytes(points_.size())));
  row_ = {.id = params_.id, .running = true, .end = {}, .filter = params_.request.filter,
          .directory = directory_->path(), .files = {}};
}

CaptureWriter::~CaptureWriter() {
  request_stop("the endpoint stops");
  if (thread_.joinable()) thread_.join();
}

std::optional<std::string> CaptureWriter::start() {
  if (!open_next_file()) {
    files_.remove_all();
    return row_.end;
  }
  publish();
  // The thread takes no signals: it inherits the control thread's mask.
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "mr-capture");
  for (size_t i = 0; i < points_.size(); ++i) points_[i]->set(lanes_->all[i].get());
  return std::nullopt;
}

void CaptureWriter::request_stop(const char* why) {
  const char* none = nullptr;
  stop_.compare_exchange_strong(none, why);
}

CaptureRow CaptureWriter::row() const {
  const std::lock_guard lock(mutex_);
  CaptureRow out = row_;
  if (out.running)
    out.age = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begun_);
  return out;
}

void CaptureWriter::run() {
  while (!over(SteadyClock::now())) {
    const int64_t settled = time_of_day() - std::chrono::nanoseconds(kSettle).count();
    if (!write_until(settled)) std::this_thread::sleep_for(kLook);
    publish();
  }
  take_lanes_back();
  write_until(INT64_MAX);
  close_file();
  publish();
  {
    const std::lock_guard lock(mutex_);
    row_.running = false;
    row_.age = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begun_);
  }
  ended_.store(true, std::memory_order_release);
}

bool CaptureWriter::over(SteadyClock::time_point now) {
  if (failed_) return true;
  if (const char* why = stop_.load(std::memory_order_acquire)) {
    end_because(why);
  } else if (params_.request.frames != 0 && frames_ >= params_.request.frames) {
    end_because("count");
  } else if (now - begun_ >= params_.request.time) {
    end_because("time");
  } else {
    return false;
  }
  return true;
}

void CaptureWriter::end_because(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (row_.end.empty()) row_.end = why;
}

// A capture that is never idle publishes its figures and looks at its end in between.
bool CaptureWriter::write_until(int64_t time) {
  constexpr size_t kMostFrames = 4096;
  dpdk::CaptureLane::Frame frame;
  size_t seen = 0;
  while (time == INT64_MAX || seen < kMostFrames) {
    const auto lane = oldest(time, frame);
    if (!lane) break;
    append(frame, *lane);
    lanes_->all[*lane]->pop();
    ++seen;
  }
  flush();
  return seen == kMostFrames;
}

std::optional<size_t> CaptureWriter::oldest(int64_t time, dpdk::CaptureLane::Frame& frame) const {
  std::optional<size_t> found;
  dpdk::CaptureLane::Frame candidate;
  for (size_t i = 0; i < lanes_->all.size(); ++i) {
    if (!lanes_->all[i]->front(candidate) || candidate.time > time) continue;
    if (found && frame.time <= candidate.time) continue;
    found = i;
    frame = candidate;
  }
  return found;
}

void CaptureWriter::append(const dpdk::CaptureLane::Frame& frame, size_t lane) {
  if (failed_ || (params_.request.frames != 0 && frames_ >= params_.request.frames)) return;
  const size_t before = buffer_.size();
  pcapng::append_frame(buffer_, frame, static_cast<uint32_t>(lane));
  if (!files_.has_room(buffer_.size() + kRoomForStatistics)) {
    const pcapng::Buffer block(buffer_.begin() + static_cast<std::ptrdiff_t>(before), buffer_.end());
    buffer_.resize(before);
    close_file();
    if (failed_ || !open_next_file()) return;
    buffer_ = block;
  }
  ++frames_;
  bytes_ += frame.length;
  if (buffer_.size() >= kBufferBytes) flush();
}

bool CaptureWriter::open_next_file() {
  auto problem = files_.next();
  if (!problem) {
    pcapng::begin_section(buffer_, "Millrace " + std::string(version()), params_.interface);
    problem = files_.write(buffer_);
    buffer_.clear();
  }
  file_begun_ = time_of_day();
  failed_ = problem.has_value();
  if (problem) end_because(*problem);
  return !failed_;
}

void CaptureWriter::flush() {
  if (!failed_ && !buffer_.empty())
    if (const auto problem = files_.write(buffer_)) {
      failed_ = true;
      end_because(*problem);
    }
  buffer_.clear();
}

void CaptureWriter::close_file() {
  flush();
  pcapng::append_statistics(buffer_, {file_begun_, time_of_day(), frames_ + dropped(), dropped()});
  flush();
  files_.close();
}

// A lane is out of use when its lcore has run a command since it was taken off. The command holds the lanes: an
// lcore that never runs it keeps them, however long it stands.
void CaptureWriter::take_lanes_back() {
  for (dpdk::CapturePoint* point : points_) point->set(nullptr);
  const auto deadline = SteadyClock::now() + kLetGo;
  std::vector<bool> told(points_.size(), false);
  while (lanes_->let_go.load(std::memory_order_acquire) < points_.size() && SteadyClock::now() < deadline) {
    for (size_t i = 0; i < told.size(); ++i)
      if (!told[i])
        told[i] = post_(static_cast<unsigned>(i), [lanes = lanes_](shard::Shard&) {
          lanes->let_go.fetch_add(1, std::memory_order_release);
        });
    std::this_thread::sleep_for(kLook);
  }
  // One that could not be told may be amid a burst: its lane must never go.
  if (std::ranges::find(told, false) != told.end()) static_cast<void>(new std::shared_ptr<Lanes>(lanes_));
}

uint64_t CaptureWriter::dropped() const {
  uint64_t sum = 0;
  for (const auto& lane : lanes_->all) sum += lane->dropped();
  return sum;
}

void CaptureWriter::publish() {
  const std::lock_guard lock(mutex_);
  row_.files.assign(files_.names().begin(), files_.names().end());
  row_.frames = frames_;
  row_.bytes = bytes_;
  row_.written_bytes = files_.written();
  row_.removed_files = files_.removed();
  row_.dropped = dropped();
}

}  // namespace millrace::control

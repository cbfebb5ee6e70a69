#include "control/cli/capture_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "config/text.h"
#include "control/cli/client.h"

namespace millrace::control::cli {

namespace {

constexpr size_t kWaiting = 256 << 10;  // octets that are written together
constexpr size_t kRoomForStatistics = 160;

[[noreturn]] void fail(int code, const std::string& what, const std::string& name, int error) {
  throw Failure(
      code, "The file " + config::quoted(name) + " cannot be " + what + ": " + std::strerror(error) + ".");
}

}  // namespace

CaptureFiles::CaptureFiles(CaptureFilesParams params) : params_(std::move(params)) { make_next(); }

CaptureFiles::~CaptureFiles() {
  if (fd_ > STDERR_FILENO) close(fd_);
}

std::string CaptureFiles::name_of(uint64_t number) const {
  if (params_.file_bytes == 0) return params_.path;
  char digits[24];
  std::snprintf(digits, sizeof digits, "-%05llu", static_cast<unsigned long long>(number));
  const size_t slash = params_.path.rfind('/');
  const size_t name = slash == std::string::npos ? 0 : slash + 1;
  const size_t dot = params_.path.rfind('.');
  const size_t suffix = dot == std::string::npos || dot <= name ? params_.path.size() : dot;
  return params_.path.substr(0, suffix) + digits + params_.path.substr(suffix);
}

void CaptureFiles::make_next() {
  if (names_.size() == params_.files) {
    unlink(names_.front().c_str());
    names_.pop_front();
  }
  const std::string name = name_of(++made_);
  size_ = written_ = 0;
  fd_ = params_.path == "-" ? STDOUT_FILENO
                            : open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd_ < 0) fail(made_ == 1 ? kUsage : kEndpointError, "made", name, errno);
  names_.push_back(name);
}

void CaptureFiles::add(const pcapng::Block& block) {
  switch (block.type) {
    case pcapng::BlockType::SectionHeader:
    case pcapng::BlockType::InterfaceDescription:
      head_.insert(head_.end(), block.octets.begin(), block.octets.end());
      break;
    case pcapng::BlockType::InterfaceStatistics:  // the last of each file is enough
      statistics_.assign(block.octets.begin(), block.octets.end());
      return;
    case pcapng::BlockType::EnhancedPacket:
      break;
  }
  const bool full = size_ + block.octets.size() + kRoomForStatistics > params_.file_bytes;
  if (params_.file_bytes != 0 && full && size_ > head_.size()) {
    finish();
    make_next();
    add_to_file(head_);
  }
  add_to_file(block.octets);
  if (waiting_.size() >= kWaiting) flush();
}

void CaptureFiles::add_to_file(std::span<const uint8_t> octets) {
  waiting_.insert(waiting_.end(), octets.begin(), octets.end());
  size_ += octets.size();
}

void CaptureFiles::flush() {
  size_t done = 0;
  while (done < waiting_.size()) {
    const ssize_t count = write(fd_, waiting_.data() + done, waiting_.size() - done);
    if (count > 0) {
      done += static_cast<size_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    const int error = count < 0 ? errno : ENOSPC;
    static_cast<void>(!ftruncate(fd_, static_cast<off_t>(written_)));  // the half of a block
    waiting_.clear();
    fail(kEndpointError, "written", names_.back(), error);
  }
  written_ += done;
  waiting_.clear();
}

void CaptureFiles::finish() {
  add_to_file(statistics_);
  flush();
  if (fd_ > STDERR_FILENO) close(std::exchange(fd_, -1));
}

}  // namespace millrace::control::cli

#include "control/capture/capture_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::control {

namespace {

constexpr std::string_view kSuffix = ".pcapng";

std::string because(const std::string& what, int error) { return what + ": " + std::strerror(error) + "."; }

std::optional<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer(16 * 1024);
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return found->gr_gid;
}

}  // namespace

CaptureDirectory::~CaptureDirectory() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<std::string> CaptureDirectory::open(const std::string& path, const std::string& group) {
  path_ = path;
  group_ = getegid();
  if (!group.empty()) {
    const auto found = find_group(group);
    if (!found) return "There is no group '" + group + "' for the captures.";
    group_ = *found;
  }
  const bool made = mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST)
    return because("The directory " + path + " of the captures cannot be made", errno) +
           " Choose another by control.captures.";
  fd_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd_ < 0) return because("The directory " + path + " of the captures cannot be opened", errno);
  if (made && (fchown(fd_, static_cast<uid_t>(-1), group_) != 0 || fchmod(fd_, 0750) != 0))
    return because("The directory " + path + " cannot be given to its group", errno);
  struct stat found {};
  fstat(fd_, &found);
  // Who may write there could put another file under a name of ours, and have it removed.
  if (found.st_uid != geteuid() || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return "The directory " + path +
           " of the captures belongs to another user, or others may write to it: choose one of the endpoint's own by "
           "control.captures.";
  return std::nullopt;
}

uint64_t CaptureDirectory::used_bytes() const {
  const int copy = ::openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = copy < 0 ? nullptr : fdopendir(copy);
  if (directory == nullptr) {
    if (copy >= 0) ::close(copy);
    return 0;
  }
  uint64_t sum = 0;
  while (const dirent* entry = readdir(directory)) {
    struct stat file {};
    if (std::string_view(entry->d_name).ends_with(kSuffix) &&
        fstatat(fd_, entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0)
      sum += static_cast<uint64_t>(file.st_size);
  }
  closedir(directory);
  return sum;
}

int CaptureDirectory::make(const std::string& name) const {
  const int fd = openat(fd_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (fchown(fd, static_cast<uid_t>(-1), group_) == 0 && fchmod(fd, 0640) == 0) return fd;
  const int error = errno;
  ::close(fd);
  remove(name);
  errno = error;
  return -1;
}

void CaptureDirectory::remove(const std::string& name) const { unlinkat(fd_, name.c_str(), 0); }

FileRing::~FileRing() { close(); }

std::string FileRing::problem(int error) const {
  return because("A file of the capture in " + directory_.path() + " cannot be written", error);
}

std::optional<std::string> FileRing::next() {
  close();
  if (names_.size() == params_.files) {
    directory_.remove(names_.front());
    names_.pop_front();
    ++removed_;
  }
  const std::string name = params_.stem + '-' + std::to_string(++made_) + std::string(kSuffix);
  fd_ = directory_.make(name);
  if (fd_ < 0) return problem(errno);
  names_.push_back(name);
  size_ = 0;
  return std::nullopt;
}

std::optional<std::string> FileRing::write(std::span<const uint8_t> blocks) {
  size_t done = 0;
  while (done < blocks.size()) {
    const ssize_t count = ::write(fd_, blocks.data() + done, blocks.size() - done);
    if (count > 0) {
      done += static_cast<size_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    const int error = count < 0 ? errno : ENOSPC;
    static_cast<void>(!ftruncate(fd_, static_cast<off_t>(size_)));  // the half of a block
    static_cast<void>(lseek(fd_, static_cast<off_t>(size_), SEEK_SET));
    return problem(error);
  }
  size_ += blocks.size();
  written_ += blocks.size();
  return std::nullopt;
}

void FileRing::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void FileRing::remove_all() {
  close();
  for (const std::string& name : names_) directory_.remove(name);
  names_.clear();
}

}  // namespace millrace::control

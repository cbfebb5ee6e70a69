#include "control/socket/listening.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "control/socket/address.h"

namespace millrace::control {

namespace {

constexpr int kBacklog = 128;

std::string because(const std::string& what, int error) { return what + ": " + std::strerror(error) + "."; }

// Held while the path is probed and bound, so that two endpoints that start together do not each take the
// other's fresh socket for a stale one. The lock is on the directory: no file is left behind.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::string& directory)
      : fd_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0) flock(fd_, LOCK_EX);
  }
  ~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int fd_;
};

std::optional<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer(16 * 1024);
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return found->gr_gid;
}

}  // namespace

std::optional<std::string> ListeningSocket::open(const std::string& path, mode_t mode, const std::string& group,
                                                 std::string_view name) {
  name_ = name;
  mode_ = mode;
  group_ = getegid();
  if (!group.empty()) {
    const auto found = find_group(group);
    if (!found) return "There is no group '" + group + "' for the " + name_ + ": create it or name another.";
    group_ = *found;
  }
  const std::string directory = std::filesystem::path(path).parent_path().string();
  std::error_code error;
  if (!directory.empty() && std::filesystem::create_directory(directory, error)) made_directory_ = directory;
  if (error) {
    return because("The directory " + directory + " of the " + name_ + " cannot be made", error.value()) +
           " Run as root, or choose a socket elsewhere.";
  }
  const DirectoryLock lock(directory.empty() ? "." : directory);
  auto refused = take_over(path);
  if (!refused) refused = bind_at(path);
  if (refused) close();
  return refused;
}

// Frees the path of what a run that crashed has left.
std::optional<std::string> ListeningSocket::take_over(const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return std::nullopt;
  if (!S_ISSOCK(found.st_mode))
    return path + " exists and is no socket: remove it, or choose another path for the " + name_ + '.';
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto address = unix_address(path);
  if (!address) return std::nullopt;  // bind_at() says so
  const bool answers = connect(probe, address->get(), address->size()) == 0 || errno == EAGAIN;
  const int error = errno;
  ::close(probe);
  if (answers) {
    return "Another endpoint answers on " + path +
           ": stop it ('millracectl drain'), or give this one a " + name_ + " of its own.";
  }
  if (error != ECONNREFUSED) return because("The socket file " + path + " is in the way", error);
  if (unlink(path.c_str()) != 0)
    return because("The socket file " + path + " of an earlier run cannot be removed", errno);
  return std::nullopt;
}

std::optional<std::string> ListeningSocket::bind_at(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) {
    return "The path '" + path + "' of the " + name_ + " is empty or longer than " +
           std::to_string(kMaxSocketPath) + " octets: choose another.";
  }
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return because("No descriptor could be had for the " + name_, errno);
  // Before bind(), fchmod() sets what the file is born with: nobody slips in before chmod() below.
  fchmod(fd_, 0600);
  if (bind(fd_, address->get(), address->size()) != 0) {
    const int error = errno;
    return because("The " + name_ + ' ' + path + " cannot be made", error) +
           (error == EACCES ? " Run as root, or choose a socket elsewhere." : "");
  }
  path_ = path;
  struct stat made {};
  lstat(path.c_str(), &made);
  device_ = made.st_dev;
  inode_ = made.st_ino;
  if (made.st_gid != group_ && lchown(path.c_str(), static_cast<uid_t>(-1), group_) != 0)
    return because("The " + name_ + ' ' + path + " cannot be given to its group", errno);
  if (chmod(path.c_str(), mode_) != 0)
    return because("The permissions of the " + name_ + ' ' + path + " cannot be set", errno);
  if (listen(fd_, kBacklog) != 0) return because("The " + name_ + ' ' + path + " cannot listen", errno);
  return std::nullopt;
}

void ListeningSocket::close() {
  if (!path_.empty()) {
    struct stat found {};
    if (lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_)
      unlink(path_.c_str());
  }
  if (fd_ >= 0) ::close(fd_);
  if (!made_directory_.empty()) rmdir(made_directory_.c_str());
  fd_ = -1;
  path_.clear();
  made_directory_.clear();
}

Peer ListeningSocket::peer_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return {0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
  return {credentials.pid, credentials.uid, credentials.gid};
}

bool ListeningSocket::may_talk(int fd, const Peer& peer) const {
  constexpr mode_t kAnybody = S_IWOTH;
  if ((mode_ & kAnybody) != 0 || peer.uid == 0 || peer.uid == geteuid()) return true;
  if ((mode_ & S_IWGRP) == 0) return false;
  if (peer.gid == group_) return true;
  socklen_t size = 0;
  getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size);  // fails, and says how much room it needs
  std::vector<gid_t> groups(size / sizeof(gid_t));
  if (groups.empty() || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
  return std::ranges::find(groups, group_) != groups.end();
}

}  // namespace millrace::control

// A Unix socket's file: made with its permissions, freed of what a crashed run left, never taken from a
// live one, removed at the end. Neighbours: server.h and metrics/metrics_server.h (accept
// on it).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "control/socket/session.h"

namespace millrace::control {

class ListeningSocket {
 public:
  ListeningSocket() = default;
  ~ListeningSocket() { close(); }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  // Nothing: it listens. Otherwise a sentence that says what to do, and nothing is left behind.
  // `name` is what the sentence calls it.
  [[nodiscard]] std::optional<std::string> open(const std::string& path, mode_t mode,
                                                const std::string& group,
                                                std::string_view name = "control socket");
  // Removes the file if it is still ours.
  void close();

  int fd() const { return fd_; }

  // The peer of an accepted connection, and whether it may talk: root, our own user, a member of the socket's
  // group, or anybody if the mode says so. (The file's permissions say the same; but they can be changed.)
  static Peer peer_of(int fd);
  bool may_talk(int fd, const Peer& peer) const;

 private:
  std::optional<std::string> take_over(const std::string& path);
  std::optional<std::string> bind_at(const std::string& path);

  int fd_ = -1;
  std::string name_;
  std::string path_;
  std::string made_directory_;  // by us: removed with the file
  dev_t device_ = 0;
  ino_t inode_ = 0;
  mode_t mode_ = 0;
  gid_t group_ = 0;
};

}  // namespace millrace::control

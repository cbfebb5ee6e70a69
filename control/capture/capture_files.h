// The files of a capture: a directory that nobody else writes to, and a bounded ring of files in it whose names are
// ours. Whatever happens, a file ends with a whole block. Neighbours: captures.h (writes), pcapng.h (what).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

namespace millrace::control {

class CaptureDirectory {
 public:
  CaptureDirectory() = default;
  ~CaptureDirectory();
  CaptureDirectory(const CaptureDirectory&) = delete;
  CaptureDirectory& operator=(const CaptureDirectory&) = delete;

  // Makes it if it is not there, 0750 and of `group` (empty: the process's own). Nothing: done; otherwise a
  // sentence that says what to do.
  [[nodiscard]] std::optional<std::string> open(const std::string& path, const std::string& group);
  // Octets of the captures in it.
  uint64_t used_bytes() const;

  const std::string& path() const { return path_; }
  // A new file, 0640 and of the group; -1 with errno: there is one, or it cannot be made.
  int make(const std::string& name) const;
  void remove(const std::string& name) const;

 private:
  std::string path_;
  int fd_ = -1;
  gid_t group_ = 0;
};

struct FileRingParams {
  std::string stem;  // names are STEM-NUMBER.pcapng
  uint32_t files = 1;
  uint64_t file_bytes = 0;
};

class FileRing {
 public:
  FileRing(const CaptureDirectory& directory, FileRingParams params)
      : directory_(directory), params_(std::move(params)) {}
  ~FileRing();
  FileRing(const FileRing&) = delete;
  FileRing& operator=(const FileRing&) = delete;

  // Closes the file, makes the next one, and removes the oldest when there are too many.
  [[nodiscard]] std::optional<std::string> next();
  // Whether so much more goes into this file.
  bool has_room(size_t octets) const { return size_ + octets <= params_.file_bytes; }
  // Whole blocks; all of them, or none and a sentence.
  [[nodiscard]] std::optional<std::string> write(std::span<const uint8_t> blocks);
  void close();
  // A capture that could not begin leaves none.
  void remove_all();

  const std::deque<std::string>& names() const { return names_; }
  uint64_t written() const { return written_; }
  uint64_t removed() const { return removed_; }

 private:
  std::string problem(int error) const;

  const CaptureDirectory& directory_;
  const FileRingParams params_;
  std::deque<std::string> names_;
  int fd_ = -1;
  uint64_t size_ = 0;  // of the open file
  uint64_t made_ = 0;
  uint64_t written_ = 0;
  uint64_t removed_ = 0;
};

}  // namespace millrace::control

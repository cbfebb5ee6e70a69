// Where a capture is kept: one file, a ring of them, or a descriptor that others read. Each file begins with
// the section's header and ends with a whole block, whatever happens. Neighbours: capture.h (what is
// written), socket/pcapng.h (blocks).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "control/socket/pcapng.h"

namespace millrace::control::cli {

struct CaptureFilesParams {
  std::string path;         // `-`: standard output
  uint64_t file_bytes = 0;  // 0: one file without a limit
  uint32_t files = 1;       // kept of a ring: PATH with -00001, -00002, ... before its suffix
};

class CaptureFiles {
 public:
  // Makes the first file, which its owner alone may read. Throws Failure.
  explicit CaptureFiles(CaptureFilesParams params);
  ~CaptureFiles();
  CaptureFiles(const CaptureFiles&) = delete;
  CaptureFiles& operator=(const CaptureFiles&) = delete;

  // These throw Failure; what is there then still ends with a whole block.
  void add(const pcapng::Block& block);
  void flush();
  // Ends the last file with the last statistics.
  void finish();

  const std::deque<std::string>& names() const { return names_; }  // that are there, the oldest first
  uint64_t removed() const { return made_ - names_.size(); }

 private:
  void make_next();
  std::string name_of(uint64_t number) const;
  void add_to_file(std::span<const uint8_t> octets);

  const CaptureFilesParams params_;
  std::deque<std::string> names_;
  uint64_t made_ = 0;
  int fd_ = -1;
  uint64_t size_ = 0;  // of the open file, with what waits
  uint64_t written_ = 0;
  pcapng::Buffer waiting_;
  pcapng::Buffer head_;        // of the section, for the next file
  pcapng::Buffer statistics_;  // the last
};

}  // namespace millrace::control::cli

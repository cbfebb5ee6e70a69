// The captures of a running endpoint, one at a time: begun and ended by requests over the control socket, written
// by a thread of their own that is no lcore. Neighbours: dpdk/capture.h (what lcores copy), capture_files.h (where
// it goes), capture_writer.h (the thread), socket/capture_job.h (who asks).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "control/capture/capture_writer.h"
#include "control/socket/view.h"

namespace millrace::control {

struct CapturesParams {
  std::string directory;
  std::string group;         // of the files; empty: the process's own
  uint64_t most_bytes = 0;   // of all captures in the directory
  std::string port;          // for the files
  std::string device;
};

class Captures {
 public:
  // `points` and whoever takes what is posted live until stop() has returned.
  Captures(CapturesParams params, std::vector<dpdk::CapturePoint*> points, CaptureWriter::Post post);
  ~Captures();
  Captures(const Captures&) = delete;
  Captures& operator=(const Captures&) = delete;

  // ---- the control thread
  std::variant<CaptureRow, CaptureRefusal> start(const CaptureRequest& request);
  // False: none runs.
  bool request_stop();
  std::vector<CaptureRow> rows() const;

  // Ends the one that runs, and waits for its files to be whole. Lcores may run or have ended.
  void stop();

 private:
  std::optional<CaptureRefusal> refused(const CaptureRequest& request, const CaptureDirectory& directory) const;
  void forget_old();

  const CapturesParams params_;
  const std::vector<dpdk::CapturePoint*> points_;
  const CaptureWriter::Post post_;
  uint64_t begun_ = 0;
  std::vector<CaptureRow> ended_;  // the latest
  std::unique_ptr<CaptureWriter> writer_;
};

}  // namespace millrace::control

// The captures of a running endpoint, one at a time. Neighbours: stream.h (one that runs), socket/view.h (how
// it is asked for), dpdk/capture.h (what lcores do for it).
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "control/capture/stream.h"
#include "control/socket/view.h"

namespace millrace::control {

struct CapturesParams {
  std::string port;    // of [port.NAME]
  std::string device;  // for the stream's description of it
};

class Captures {
 public:
  // `points` and whoever takes what is posted live until stop() has returned.
  Captures(CapturesParams params, std::vector<dpdk::CapturePoint*> points, CaptureLanes::Post post);
  ~Captures();
  Captures(const Captures&) = delete;
  Captures& operator=(const Captures&) = delete;

  // The control thread.
  std::variant<CaptureStart, CaptureRefusal> open(const CaptureRequest& request);
  // Ends the one that runs, and waits for its client to have the rest. Before the lcores end.
  void stop();

 private:
  const CapturesParams params_;
  const std::vector<dpdk::CapturePoint*> points_;
  const CaptureLanes::Post post_;
  std::unique_ptr<CaptureStream> stream_;
};

}  // namespace millrace::control

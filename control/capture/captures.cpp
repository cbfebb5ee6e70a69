#include "control/capture/captures.h"

#include <utility>

#include "config/text.h"

namespace millrace::control {

Captures::Captures(CapturesParams params, std::vector<dpdk::CapturePoint*> points, CaptureLanes::Post post)
    : params_(std::move(params)), points_(std::move(points)), post_(std::move(post)) {}

Captures::~Captures() { stop(); }

std::variant<CaptureStart, CaptureRefusal> Captures::open(const CaptureRequest& request) {
  using Kind = CaptureRefusal::Kind;
  if (stream_ != nullptr && !stream_->ended())
    return CaptureRefusal{Kind::Busy,
                          "A capture is running, and there is one at a time: end that one first."};
  stream_.reset();
  if (!request.port.empty() && request.port != params_.port)
    return CaptureRefusal{Kind::NotFound, "There is no port " + config::quoted(request.port) + ": there is " +
                                              config::quoted(params_.port) + "."};
  auto filter = dpdk::CaptureFilter::parse(request.program);
  if (!filter) return CaptureRefusal{Kind::Wrong, filter.failure().text};
  StreamParams stream;
  stream.lane = {.filter = *filter, .snap_length = request.snap_length, .in = request.in, .out = request.out};
  stream.frames = request.frames;
  stream.interface = {params_.port, params_.device, request.filter, request.snap_length};
  stream_ = std::make_unique<CaptureStream>(std::move(stream), points_, post_);
  return [begun = stream_.get()](int fd, const std::string& first) { begun->start(fd, first); };
}

void Captures::stop() {
  if (stream_ != nullptr) stream_->request_stop("the endpoint stops");
  stream_.reset();
}

}  // namespace millrace::control

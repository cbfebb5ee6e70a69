#include "control/socket/capture_job.h"

#include <algorithm>
#include <utility>

namespace millrace::control {

namespace {

json as_json(const CaptureRow& row) {
  return {{"id", row.id},
          {"running", row.running},
          {"end", row.end},
          {"filter", row.filter},
          {"directory", row.directory},
          {"files", row.files},
          {"frames", row.frames},
          {"bytes", row.bytes},
          {"written_bytes", row.written_bytes},
          {"dropped", row.dropped},
          {"removed_files", row.removed_files},
          {"age_us", std::chrono::duration_cast<std::chrono::microseconds>(row.age).count()}};
}

ErrorCode code_of(CaptureRefusal::Kind kind) {
  switch (kind) {
    case CaptureRefusal::Kind::Wrong:
      return ErrorCode::BadParams;
    case CaptureRefusal::Kind::Busy:
      return ErrorCode::Busy;
    case CaptureRefusal::Kind::Failed:
      break;
  }
  return ErrorCode::Failed;
}

// Waits for the writer of the capture that has been asked to end.
class CaptureStopJob final : public Job {
 public:
  explicit CaptureStopJob(uint64_t id) : id_(id) {}
  std::optional<Outcome> poll(EndpointView& view) override {
    const std::vector<CaptureRow> rows = view.captures();
    const auto row = std::ranges::find(rows, id_, &CaptureRow::id);
    if (row == rows.end()) return Error{ErrorCode::NotFound, "The capture is no longer known."};
    if (row->running) return std::nullopt;
    return Result{{{"capture", as_json(*row)}}};
  }
  std::optional<std::chrono::milliseconds> patience() const override { return std::chrono::seconds(10); }

 private:
  const uint64_t id_;
};

}  // namespace

Answer start_capture(const json& params, EndpointView& view) {
  CaptureRequest request;
  request.filter = params.value("filter", std::string());
  request.program = params.value("program", std::string());
  if (request.program.empty() && !request.filter.empty())
    return Error{ErrorCode::BadParams,
                 "'filter' is only what people read: 'program' is what is run of it, as `tcpdump -ddd` prints it."};
  request.snap_length = params.value("snaplen", request.snap_length);
  request.frames = params.value("count", request.frames);
  request.time = std::chrono::seconds(params.value("seconds", int64_t{request.time.count()}));
  request.files = params.value("files", request.files);
  request.file_bytes = params.value("file_bytes", request.file_bytes);
  auto started = view.start_capture(request);
  if (auto* refusal = std::get_if<CaptureRefusal>(&started))
    return Error{code_of(refusal->kind), std::move(refusal->sentence)};
  return Result{{{"capture", as_json(std::get<CaptureRow>(started))}}};
}

Answer stop_capture(EndpointView& view) {
  const std::vector<CaptureRow> rows = view.captures();
  const auto row = std::ranges::find(rows, true, &CaptureRow::running);
  if (row == rows.end() || !view.stop_capture())
    return Error{ErrorCode::NotFound, "No capture is running; 'captures' shows those that have ended."};
  return std::make_unique<CaptureStopJob>(row->id);
}

Result captures_of(const EndpointView& view) {
  json rows = json::array();
  for (const CaptureRow& row : view.captures()) rows.push_back(as_json(row));
  return {{{"rows", std::move(rows)}}};
}

}  // namespace millrace::control

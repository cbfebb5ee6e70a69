#include "control/capture/captures.h"

#include <unistd.h>

#include <ctime>
#include <utility>

namespace millrace::control {

namespace {

constexpr size_t kRemembered = 16;

// PID-DATE-NUMBER: no two endpoints, and no two captures of one, share it.
std::string stem_of(uint64_t id) {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char date[32] = "";
  std::strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &parts);
  return "capture-" + std::to_string(getpid()) + '-' + date + '-' + std::to_string(id);
}

std::string mebibytes(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

}  // namespace

Captures::Captures(CapturesParams params, std::vector<dpdk::CapturePoint*> points, CaptureWriter::Post post)
    : params_(std::move(params)), points_(std::move(points)), post_(std::move(post)) {}

Captures::~Captures() { stop(); }

std::variant<CaptureRow, CaptureRefusal> Captures::start(const CaptureRequest& request) {
  using Kind = CaptureRefusal::Kind;
  forget_old();
  if (writer_ != nullptr)
    return CaptureRefusal{Kind::Busy,
                          "A capture is running, and there is one at a time: `millracectl capture stop` ends it."};
  auto filter = dpdk::CaptureFilter::parse(request.program);
  if (!filter) return CaptureRefusal{Kind::Wrong, filter.failure().text};
  auto directory = std::make_unique<CaptureDirectory>();
  if (const auto problem = directory->open(params_.directory, params_.group))
    return CaptureRefusal{Kind::Failed, *problem};
  if (auto refusal = refused(request, *directory)) return std::move(*refusal);
  CaptureWriter::Params params{.id = begun_ + 1,
                               .request = request,
                               .filter = *filter,
                               .interface = {params_.port, params_.device, request.filter, request.snap_length},
                               .stem = stem_of(begun_ + 1)};
  auto writer = std::make_unique<CaptureWriter>(std::move(params), std::move(directory), points_, post_);
  if (const auto problem = writer->start()) return CaptureRefusal{Kind::Failed, *problem};
  ++begun_;
  writer_ = std::move(writer);
  return writer_->row();
}

std::optional<CaptureRefusal> Captures::refused(const CaptureRequest& request,
                                                const CaptureDirectory& directory) const {
  const uint64_t used = directory.used_bytes();
  const uint64_t wanted = request.files * request.file_bytes;
  if (used + wanted <= params_.most_bytes) return std::nullopt;
  return CaptureRefusal{CaptureRefusal::Kind::Failed,
                        "The captures in " + directory.path() + " have " + mebibytes(used) + ", this one may take " +
                            mebibytes(wanted) + ", and all together " + mebibytes(params_.most_bytes) +
                            " (control.captures_bytes): remove some files, or ask for fewer or smaller ones."};
}

bool Captures::request_stop() {
  forget_old();
  if (writer_ == nullptr) return false;
  writer_->request_stop("stopped");
  return true;
}

std::vector<CaptureRow> Captures::rows() const {
  std::vector<CaptureRow> out = ended_;
  if (writer_ != nullptr) out.push_back(writer_->row());
  return out;
}

void Captures::stop() {
  if (writer_ != nullptr) writer_->request_stop("the endpoint stops");
  writer_.reset();
}

void Captures::forget_old() {
  if (writer_ == nullptr || !writer_->ended()) return;
  ended_.push_back(writer_->row());
  writer_.reset();
  if (ended_.size() > kRemembered) ended_.erase(ended_.begin());
}

}  // namespace millrace::control

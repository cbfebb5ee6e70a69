// The job behind `conns`, `listeners`, `neighbors` and `addresses`: rows copied by the lcores, shard after shard, page
// after page. One question is under way at a time; what it fills outlives whoever gave up on it.
#pragma once

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/socket/job.h"
#include "control/socket/methods.h"
#include "control/socket/rows.h"

namespace millrace::control {

// Filled by an lcore, read by the control thread once `done` is seen.
template <typename Row>
struct Visit {
  std::vector<Row> rows;
  uint64_t next = 0;
  std::atomic<bool> done{false};  // written by the lcore, after the rest
};

// Where a page begins. Clients carry it as "SHARD.CURSOR" and make nothing of it.
struct Position {
  unsigned shard = 0;
  uint64_t cursor = 0;

  std::string text() const { return std::to_string(shard) + "." + std::to_string(cursor); }
  static std::optional<Position> parse(std::string_view text);
};

inline std::optional<Position> Position::parse(std::string_view text) {
  Position out;
  const char* end = text.data() + text.size();
  const auto [dot, bad_shard] = std::from_chars(text.data(), end, out.shard);
  if (bad_shard != std::errc() || dot == end || *dot != '.') return std::nullopt;
  const auto [last, bad_cursor] = std::from_chars(dot + 1, end, out.cursor);
  if (bad_cursor != std::errc() || last != end) return std::nullopt;
  return out;
}

Error mailbox_refused(unsigned shard);

template <typename Row>
class PagingJob final : public Job {
 public:
  // Runs on the lcore: appends at most `limit` rows from `cursor` and returns where to go on, 0 at the end.
  using Copy = std::function<uint64_t(shard::Shard&, uint64_t cursor, size_t limit, std::vector<Row>&)>;
  using Filter = std::function<bool(const Row&)>;

  // Rows of the shards [from.shard, end), starting at from.cursor.
  PagingJob(Position from, unsigned end, size_t limit, Copy copy, Filter filter)
      : at_(from), end_(end), limit_(limit), copy_(std::move(copy)), filter_(std::move(filter)) {}

  std::optional<Outcome> poll(EndpointView& view) override {
    for (;;) {
      if (visit_) {
        if (!visit_->done.load(std::memory_order_acquire)) return std::nullopt;
        take();
      }
      if (at_.shard >= end_ || rows_.size() >= limit_ || visits_ == kVisitsPerReply) return finish();
      if (!ask(view)) return mailbox_refused(at_.shard);
    }
  }

 private:
  // No more rows than there is still room for: then none is passed over, however many the filter lets
  // through.
  bool ask(EndpointView& view) {
    visit_ = std::make_shared<Visit<Row>>();
    const size_t count = std::min(kRowsPerVisit, limit_ - rows_.size());
    visit_->rows.reserve(count);
    ++visits_;
    return view.post(at_.shard,
                     [visit = visit_, copy = copy_, cursor = at_.cursor, count](shard::Shard& shard) {
                       visit->next = copy(shard, cursor, count, visit->rows);
                       visit->done.store(true, std::memory_order_release);
                     });
  }

  void take() {
    for (const Row& row : visit_->rows)
      if (!filter_ || filter_(row)) rows_.push_back(as_json(at_.shard, row));
    at_.cursor = visit_->next;
    if (at_.cursor == 0) ++at_.shard;
    visit_.reset();
  }

  Outcome finish() {
    json next = at_.shard < end_ ? json(at_.text()) : json(nullptr);
    return Result{{{"rows", std::move(rows_)}, {"next", std::move(next)}}};
  }

  Position at_;
  unsigned end_;
  size_t limit_;
  Copy copy_;
  Filter filter_;
  size_t visits_ = 0;
  std::shared_ptr<Visit<Row>> visit_;
  json rows_ = json::array();
};

}  // namespace millrace::control

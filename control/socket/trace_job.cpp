#include "control/socket/trace_job.h"

#include <algorithm>
#include <utility>

#include "shard/shard.h"

namespace millrace::control {

TraceJob::TraceJob(unsigned begin, unsigned end, size_t limit) : begin_(begin), end_(end), per_shard_(limit) {
  const size_t shards = std::max(1U, end - begin);
  per_shard_ = std::clamp<size_t>(kTraceRowsPerReply / shards, 1, limit);
}

std::optional<Outcome> TraceJob::poll(EndpointView& view) {
  while (begin_ + visits_.size() < end_) {
    auto visit = std::make_shared<Visit<shard::TraceRow>>();
    const unsigned shard = begin_ + static_cast<unsigned>(visits_.size());
    const bool posted = view.post(shard, [visit, limit = per_shard_](shard::Shard& of) {
      visit->rows = of.trace(limit);
      visit->done.store(true, std::memory_order_release);
    });
    if (!posted) return mailbox_refused(shard);
    visits_.push_back(std::move(visit));
  }
  if (!answered()) return std::nullopt;

  std::vector<std::pair<unsigned, shard::TraceRow>> rows;
  for (size_t i = 0; i < visits_.size(); ++i)
    for (shard::TraceRow& row : visits_[i]->rows) rows.emplace_back(begin_ + i, std::move(row));
  std::ranges::stable_sort(rows, {}, [](const auto& entry) { return entry.second.at; });
  json out = json::array();
  for (const auto& [shard, row] : rows) out.push_back(as_json(shard, row));
  return Result{{{"rows", std::move(out)}}};
}

bool TraceJob::answered() const {
  return std::ranges::all_of(visits_,
                             [](const auto& visit) { return visit->done.load(std::memory_order_acquire); });
}

}  // namespace millrace::control

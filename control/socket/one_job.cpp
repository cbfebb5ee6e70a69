#include "control/socket/one_job.h"

#include <charconv>

#include "control/socket/paging.h"
#include "shard/shard.h"

namespace millrace::control {

namespace {

json as_json(const std::vector<KeyChange>& changes) {
  json out = json::array();
  for (const KeyChange& change : changes)
    out.push_back({{"key", change.key}, {"before", change.before}, {"after", change.after}});
  return out;
}

}  // namespace

std::optional<ConnectionId> ConnectionId::parse(std::string_view text) {
  ConnectionId out;
  const char* end = text.data() + text.size();
  const auto [dash, bad_shard] = std::from_chars(text.data(), end, out.shard);
  if (bad_shard != std::errc() || dash == end || *dash != '-') return std::nullopt;
  const auto [last, bad_number] = std::from_chars(dash + 1, end, out.number);
  if (bad_number != std::errc() || last != end) return std::nullopt;
  return out;
}

std::optional<Outcome> OneConnectionJob::poll(EndpointView& view) {
  if (!visit_) {
    visit_ = std::make_shared<Visit>();
    const bool posted =
        view.post(id_.shard, [visit = visit_, number = id_.number, flow = flow_](shard::Shard& shard) {
          if (flow)
            visit->aborted = shard.abort(number, *flow, shard.now());
          else
            visit->detail = shard.connection(number);
          visit->done.store(true, std::memory_order_release);
        });
    if (!posted) return mailbox_refused(id_.shard);
  }
  if (!visit_->done.load(std::memory_order_acquire)) return std::nullopt;
  return outcome();
}

Outcome OneConnectionJob::outcome() const {
  if (flow_ && visit_->aborted) return Result{{{"killed", true}}};
  if (visit_->detail) return Result{{{"connection", control::as_json(id_.shard, *visit_->detail)}}};
  return Error{ErrorCode::NotFound,
               "There is no such connection: it has ended, or it is half open or in TIME-WAIT, of which "
               "there is no more than the row of 'conns'."};
}

std::optional<Outcome> ChangeJob::poll(EndpointView&) {
  if (!ticket_->done.load(std::memory_order_acquire)) return std::nullopt;
  const ChangeReport& report = ticket_->report;
  return Result{{{"problems", report.problems},
                 {"applied", as_json(report.applied)},
                 {"restart", as_json(report.restart)}}};
}

}  // namespace millrace::control

// The job behind `trace`: asks every shard at once for its newest segments. A ring that is being written has
// no pages, so one visit takes them all, up to the bound of a reply.
#pragma once

#include <memory>
#include <vector>

#include "control/socket/job.h"
#include "control/socket/paging.h"

namespace millrace::control {

class TraceJob final : public Job {
 public:
  // The newest segments of the shards [begin, end), `limit` of them or fewer.
  TraceJob(unsigned begin, unsigned end, size_t limit);
  std::optional<Outcome> poll(EndpointView& view) override;

 private:
  bool answered() const;

  unsigned begin_;
  unsigned end_;
  size_t per_shard_;
  std::vector<std::shared_ptr<Visit<shard::TraceRow>>> visits_;
};

}  // namespace millrace::control

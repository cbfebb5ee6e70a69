// The jobs about one connection: `conn` copies it, `kill` resets it. Neighbours: handlers.h (makes them),
// rows.h (what is shown).
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "control/socket/job.h"
#include "control/socket/rows.h"
#include "wire/segment.h"

namespace millrace::control {

// `id` of a row, SHARD-NUMBER.
struct ConnectionId {
  unsigned shard = 0;
  uint64_t number = 0;

  static std::optional<ConnectionId> parse(std::string_view text);
};

class OneConnectionJob final : public Job {
 public:
  // Without `flow` it is copied; with it, it is reset if it is still that one.
  OneConnectionJob(const ConnectionId& id, std::optional<wire::FlowAddress> flow) : id_(id), flow_(flow) {}
  std::optional<Outcome> poll(EndpointView& view) override;

 private:
  // Filled by the lcore, read once `done` is seen.
  struct Visit {
    std::optional<shard::ConnectionDetail> detail;
    bool aborted = false;
    std::atomic<bool> done{false};
  };
  Outcome outcome() const;

  const ConnectionId id_;
  const std::optional<wire::FlowAddress> flow_;
  std::shared_ptr<Visit> visit_;
};

// Waits for the change that the endpoint carries out.
class ChangeJob final : public Job {
 public:
  explicit ChangeJob(std::shared_ptr<ChangeTicket> ticket) : ticket_(std::move(ticket)) {}
  std::optional<Outcome> poll(EndpointView& view) override;
  std::optional<std::chrono::milliseconds> patience() const override { return std::chrono::seconds(10); }

 private:
  std::shared_ptr<ChangeTicket> ticket_;
};

}  // namespace millrace::control

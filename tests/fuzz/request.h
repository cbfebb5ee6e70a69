// One request of the control socket, from the octets of a line to the answer that needs no lcore.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "control/socket/filter.h"
#include "control/socket/handlers.h"

namespace millrace::control {

// Has two shards, and nobody who answers for them.
class SilentEndpoint final : public EndpointView {
 public:
  std::span<const Counters* const> counters() const override { return shards_; }
  EndpointInfo info() const override { return {}; }
  bool post(unsigned, Question) override { return true; }
  void request_drain() override {}

 private:
  Counters first_, second_;
  const Counters* shards_[2] = {&first_, &second_};
};

// Whatever the line holds: an answer that is one line of JSON, or a job.
inline void take_request(EndpointView& view, std::string_view line) {
  const auto parsed = parse_request(line);
  std::string reply;
  if (const auto* bad = std::get_if<BadRequest>(&parsed)) {
    reply = error_line(bad->id, bad->error);
  } else {
    const auto& request = std::get<Request>(parsed);
    const Answer given = answer(request, view);
    if (const auto* job = std::get_if<std::unique_ptr<Job>>(&given)) {
      static_cast<void>((*job)->poll(view));
      return;
    }
    const auto& outcome = std::get<Outcome>(given);
    if (const auto* error = std::get_if<Error>(&outcome))
      reply = error_line(request.id, *error);
    else
      reply = result_line(request.id, std::get<Result>(outcome).value);
  }
  if (reply.find('\n') != reply.size() - 1 || !json::accept(reply)) __builtin_trap();
}

}  // namespace millrace::control

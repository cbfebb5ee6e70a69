// Says which addresses of the endpoint another host has: they are not used (RFC 4862 §5.4.5). Neighbour:
// endpoint.h, whose first shard is asked.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ip/host.h"

namespace millrace::control {

class RunningEndpoint;

class AddressWatch {
 public:
  static constexpr size_t kSentences = 16;  // at once; of the others the number

  // Sentences to log now; does not wait.
  std::vector<std::string> look(RunningEndpoint& endpoint);

 private:
  struct Answer {
    std::vector<ip::AddressRow> rows;
    std::atomic<bool> done{false};  // written by the lcore, after the rows
  };
  std::vector<std::string> sentences(const std::vector<ip::AddressRow>& rows);

  uint64_t seen_ = 0;               // duplicates, as the counters had them
  std::shared_ptr<Answer> answer_;  // that is waited for
  std::set<IpAddress> told_;
};

}  // namespace millrace::control

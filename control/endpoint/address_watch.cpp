#include "control/endpoint/address_watch.h"

#include <string_view>

#include "control/endpoint/endpoint.h"
#include "shard/shard.h"

namespace millrace::control {

std::vector<std::string> AddressWatch::look(RunningEndpoint& endpoint) {
  if (answer_ != nullptr && answer_->done.load(std::memory_order_acquire)) {
    const std::shared_ptr<Answer> answer = std::move(answer_);
    answer_.reset();
    return sentences(answer->rows);
  }
  uint64_t duplicates = 0;
  for (const Counters* counters : endpoint.counters()) duplicates += counters->addresses_duplicate.value();
  if (duplicates == seen_ || answer_ != nullptr) return {};
  auto answer = std::make_shared<Answer>();
  const bool asked = endpoint.post(0, [answer](shard::Shard& shard) {
    answer->rows = shard.addresses();
    answer->done.store(true, std::memory_order_release);
  });
  if (!asked) return {};
  seen_ = duplicates;
  answer_ = std::move(answer);
  return {};
}

std::vector<std::string> AddressWatch::sentences(const std::vector<ip::AddressRow>& rows) {
  std::vector<std::string> out;
  size_t more = 0;
  for (const ip::AddressRow& row : rows) {
    if (row.state != std::string_view("duplicate") || !told_.insert(row.prefix.address).second) continue;
    if (out.size() == kSentences)
      ++more;
    else
      out.push_back("another host on the link has " + row.prefix.address.text() +
                    ": it is not used here; give one of the two another address and restart");
  }
  if (more != 0) out.push_back("the same holds for " + std::to_string(more) + " more; `millracectl addresses` shows them");
  return out;
}

}  // namespace millrace::control

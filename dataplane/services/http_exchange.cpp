#include "services/http_exchange.h"

#include <algorithm>
#include <string_view>

namespace millrace::services {

namespace {

// How many octets of `run` complete the CRLF CRLF that may have begun at the end of `head`; 0: it does not
// end here.
size_t end_of_head(std::span<const uint8_t> head, std::span<const uint8_t> run) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const auto at = [&](size_t i) { return i < head.size() ? head[i] : run[i - head.size()]; };
  const size_t total = head.size() + run.size();
  // Ends that straddle the seam first; the rest lies wholly in the run.
  const size_t first = head.size() < 3 ? 0 : head.size() - 3;
  for (size_t i = first; i < head.size() && i + 4 <= total; ++i)
    if (at(i) == '\r' && at(i + 1) == '\n' && at(i + 2) == '\r' && at(i + 3) == '\n')
      return i + 4 - head.size();
  const size_t found = std::string_view(reinterpret_cast<const char*>(run.data()), run.size()).find(kEnd);
  return found == std::string_view::npos ? 0 : found + kEnd.size();
}

}  // namespace

size_t HttpExchange::add_to_head(std::span<const uint8_t> run, bool& worth_parsing) {
  run = run.first(std::min(run.size(), kHttpHeadLimit - head_.size()));
  const size_t end = end_of_head(head_, run);
  if (end != 0) run = run.first(end);
  head_.insert(head_.end(), run.begin(), run.end());
  held_ += run.size();

  // Parsing at every octet would let a client make us read its head a thousand times.
  const bool line_ends = !line_seen_ && std::find(run.begin(), run.end(), '\n') != run.end();
  line_seen_ = line_seen_ || line_ends;
  worth_parsing = end != 0 || line_ends || head_.size() == kHttpHeadLimit;
  return run.size();
}

void HttpExchange::drop_from_head(size_t count) {
  head_.erase(head_.begin(), head_.begin() + static_cast<std::ptrdiff_t>(count));
  held_ -= count;
  line_seen_ = line_seen_ && count == 0;
}

void HttpExchange::clear_head() {
  held_ -= head_.size();
  head_ = {};
  line_seen_ = false;
}

void HttpExchange::keep_output(std::span<const uint8_t> head, std::span<const uint8_t> site_body) {
  out_head_.insert(out_head_.end(), head.begin(), head.end());
  out_body_ = site_body;
}

bool HttpExchange::flush(HttpStream& stream) {
  if (!out_head_.empty()) {
    out_head_.erase(out_head_.begin(), out_head_.begin() + stream.send(out_head_));
    if (!out_head_.empty()) return false;
    out_head_ = {};
  }
  if (!out_body_.empty()) out_body_ = out_body_.subspan(stream.send(out_body_));
  return out_body_.empty();
}

}  // namespace millrace::services

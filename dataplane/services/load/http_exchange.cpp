#include "services/load/http_exchange.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace millrace::services::load {

namespace {

std::string request_text(const Params& params) {
  const Endpoint& target = params.targets.front();
  const bool closes = params.mode == Mode::Connections && params.close == Closer::Server;
  return "GET " + params.path + " HTTP/1.1\r\nHost: " + target.text() + "\r\n" +
         (closes ? "Connection: close\r\n" : "") + "\r\n";
}

}  // namespace

HttpLoadExchange::HttpLoadExchange(const Params& params) : readings_(params.connections) {
  const std::string request = request_text(params);
  set_request_bytes(static_cast<uint32_t>(request.size()));
  for (uint32_t i = 0; i < batch(); ++i) octets_ += request;
}

std::span<const uint8_t> HttpLoadExchange::requests(uint32_t, uint32_t, uint32_t count) {
  return {reinterpret_cast<const uint8_t*>(octets_.data()), size_t{count} * request_bytes()};
}

Progress HttpLoadExchange::read(uint32_t slot, std::span<const uint8_t> run) {
  Progress progress;
  Reading& reading = readings_[slot];
  while (!run.empty() && !progress.malformed) {
    const size_t count =
        reading.body == Body::None ? read_head(reading, run, progress) : read_body(reading, run, progress);
    run = run.subspan(count);
  }
  return progress;
}

size_t HttpLoadExchange::read_head(Reading& reading, std::span<const uint8_t> run, Progress& progress) {
  const size_t size = known_head_.size();
  const bool known = size != 0 && reading.head == nullptr && run.size() >= size &&
                     std::memcmp(run.data(), known_head_.data(), size) == 0;
  if (!known) return parse_head(reading, run, progress);
  begin_body(reading, progress);
  return size;
}

size_t HttpLoadExchange::parse_head(Reading& reading, std::span<const uint8_t> run, Progress& progress) {
  const size_t held = reading.head == nullptr ? 0 : reading.head->size();
  std::string text = reading.head == nullptr ? std::string() : std::move(*reading.head);
  reading.head.reset();
  text.append(reinterpret_cast<const char*>(run.data()), std::min(run.size(), kHttpHeadLimit - held));
  const std::span octets(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  const HttpParse parse = parse_http_response(octets, known_);
  switch (parse.status) {
    case HttpParse::Status::Complete:
      known_head_.assign(text, 0, parse.consumed);
      begin_body(reading, progress);
      return parse.consumed - held;
    case HttpParse::Status::NeedMore:
      known_head_.clear();
      reading.head = std::make_unique<std::string>(std::move(text));
      return run.size();
    case HttpParse::Status::Refused:
      break;
  }
  known_head_.clear();
  progress.malformed = true;
  return run.size();
}

// What the last head, which known_ describes, has behind it.
void HttpLoadExchange::begin_body(Reading& reading, Progress& progress) {
  if (known_.status < 200) return;  // RFC 9110 §15.2: the final response follows
  reading.last = !known_.keep_alive;
  if (known_.status >= 400) ++progress.bad_statuses;
  if (known_.chunked) {
    reading.body = Body::Chunks;
    reading.chunks = std::make_unique<HttpChunkedBody>(std::numeric_limits<uint64_t>::max());
  } else if (known_.until_close) {
    reading.body = Body::UntilClose;
  } else if (known_.content_length != 0) {
    reading.body = Body::Length;
    reading.left = known_.content_length;
  } else {
    end_response(reading, progress);
  }
}

void HttpLoadExchange::end_response(Reading& reading, Progress& progress) {
  reading.body = Body::None;
  ++progress.responses;
  progress.last = reading.last;
}

size_t HttpLoadExchange::read_body(Reading& reading, std::span<const uint8_t> run, Progress& progress) {
  if (reading.body == Body::UntilClose) return run.size();
  if (reading.body == Body::Length) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(reading.left, run.size()));
    reading.left -= count;
    if (reading.left == 0) end_response(reading, progress);
    return count;
  }
  const HttpParse parse = reading.chunks->feed(run);
  if (parse.status == HttpParse::Status::NeedMore) return run.size();
  reading.chunks.reset();
  if (parse.status == HttpParse::Status::Refused) {
    progress.malformed = true;
    return run.size();
  }
  end_response(reading, progress);
  return parse.consumed;
}

bool HttpLoadExchange::finish(uint32_t slot) {
  Reading& reading = readings_[slot];
  const bool ends = reading.body == Body::UntilClose;
  reading.body = Body::None;
  return ends;
}

}  // namespace millrace::services::load

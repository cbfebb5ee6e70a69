// HTTP/1.1 as a client: GET of one path, over and over. Heads are parsed by http_parser.h; one that is the
// same, octet by octet, as the last one parsed means the same, and a server's heads differ once a second.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "services/http_parser.h"
#include "services/load/exchange.h"

namespace millrace::services::load {

class HttpLoadExchange final : public Exchange {
 public:
  explicit HttpLoadExchange(const Params& params);

  void begin(uint32_t slot) override { readings_[slot] = {}; }
  std::span<const uint8_t> requests(uint32_t slot, uint32_t first, uint32_t count) override;
  Progress read(uint32_t slot, std::span<const uint8_t> run) override;
  bool finish(uint32_t slot) override;

 private:
  enum class Body : uint8_t { None, Length, Chunks, UntilClose };  // None: a head is awaited
  struct Reading {
    Body body = Body::None;
    bool last = false;
    uint64_t left = 0;                        // Length
    std::unique_ptr<std::string> head;        // the beginning of one that came in pieces
    std::unique_ptr<HttpChunkedBody> chunks;  // Chunks
  };

  // Each takes octets from the front of `run` and returns how many.
  size_t read_head(Reading& reading, std::span<const uint8_t> run, Progress& progress);
  [[gnu::cold]] size_t parse_head(Reading& reading, std::span<const uint8_t> run, Progress& progress);
  size_t read_body(Reading& reading, std::span<const uint8_t> run, Progress& progress);
  void begin_body(Reading& reading, Progress& progress);
  void end_response(Reading& reading, Progress& progress);

  std::string octets_;  // a batch of requests, one after the other
  std::string known_head_;
  HttpResponse known_;  // what known_head_ says
  std::vector<Reading> readings_;
};

}  // namespace millrace::services::load

// The semantics of HTTP/1.1 (RFC 9110, RFC 9112) over any stream of octets: requests in, responses out. It
// knows no connection: http.h lends it one, tests lend it arrays. An idle client costs nothing here; a
// request that is not whole, an answer that did not fit or an end in progress is an HttpExchange.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/http_exchange.h"
#include "services/http_parser.h"
#include "services/http_response.h"
#include "services/http_site.h"

namespace millrace::services {

struct HttpLimits {
  uint64_t body_bytes = 64 * 1024;         // a request's body, which is read and thrown away
  uint64_t linger_bytes = 1024 * 1024;     // read after the last response, before the connection is given up
  uint64_t held_bytes = 32 * 1024 * 1024;  // heads of all clients together that are not whole
};

class HttpServer {
 public:
  explicit HttpServer(std::shared_ptr<const HttpSite> site, const HttpLimits& limits = {});

  void set_wall_clock(std::chrono::sys_seconds at);

  // Reads requests and answers them until the input is used up or the answers no longer fit. Call it when
  // there is input and when there is room again. `exchange` is the client's: null while it is idle.
  HttpEnd advance(HttpStream& stream, std::unique_ptr<HttpExchange>& exchange);
  // The client has sent everything that it will, and it has been consumed.
  HttpEnd finish(HttpStream& stream, std::unique_ptr<HttpExchange>& exchange);

  // Requests answered, refusals included.
  uint64_t answered() const { return answered_; }
  // Octets held for heads that are not whole, of all clients.
  uint64_t held_bytes() const { return held_; }

 private:
  using ExchangePtr = std::unique_ptr<HttpExchange>;

  // The head and, for a small file, its body: what a 200 that keeps the connection sends as it is.
  struct Block {
    std::string octets;
    size_t head_size = 0;
    uint64_t generation = ~0ULL;  // of the date that it was written with
  };
  static constexpr size_t kInlineBody = 4096;

  // Clients on kept connections ask for the same thing over and over: a head that is octet for octet the last
  // one is not parsed again. Heads with a body, or longer than this, are not remembered.
  static constexpr size_t kRememberedHead = 1024;
  struct Remembered {
    std::vector<uint8_t> head;
    HttpAnswer answer;
  };
  bool is_remembered(std::span<const uint8_t> octets) const;
  void remember(std::span<const uint8_t> head, const HttpAnswer& answer);

  size_t read_requests(HttpStream& stream, ExchangePtr& exchange, std::span<const uint8_t> run);
  size_t read_head(HttpStream& stream, ExchangePtr& exchange, std::span<const uint8_t> run);
  size_t read_body(HttpStream& stream, ExchangePtr& exchange, std::span<const uint8_t> run);
  HttpEnd linger(HttpStream& stream, HttpExchange& exchange);

  HttpAnswer accept(HttpStream& stream, ExchangePtr& exchange, const HttpRequest& request);
  void expect_body(HttpStream& stream, ExchangePtr& exchange, const HttpRequest& request, HttpAnswer answer);
  HttpAnswer resolve(const HttpRequest& request) const;
  bool is_unchanged(const HttpRequest& request, const HttpFile& file) const;

  void refuse(HttpStream& stream, ExchangePtr& exchange, uint16_t status);
  void respond(HttpStream& stream, ExchangePtr& exchange, const HttpAnswer& answer);
  void respond_composed(HttpStream& stream, ExchangePtr& exchange, const HttpAnswer& answer);
  void deliver(HttpStream& stream, ExchangePtr& exchange, std::span<const uint8_t> head,
               std::span<const uint8_t> body);
  const Block& block_of(uint32_t index);
  void write_file_head(HttpHead& head, const HttpFile& file, std::string_view connection) const;
  HttpExchange& open(ExchangePtr& exchange);

  std::shared_ptr<const HttpSite> site_;
  HttpLimits limits_;
  std::vector<Block> blocks_;  // one a file
  Remembered last_;
  std::string date_;  // IMF-fixdate; empty: no clock, and RFC 9110 §6.6.1 wants no Date then
  std::chrono::sys_seconds wall_clock_{};
  uint64_t generation_ = 0;
  uint64_t held_ = 0;
  uint64_t answered_ = 0;
};

}  // namespace millrace::services

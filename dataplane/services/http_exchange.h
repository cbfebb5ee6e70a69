// What an HTTP server needs of a client's connection, and what it remembers of one between two calls.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "services/http_parser.h"

namespace millrace::services {

// The verbs of app::Connection that HTTP uses; they mean the same.
class HttpStream {
 public:
  virtual std::span<const uint8_t> readable() const = 0;
  virtual void consume(uint32_t count) = 0;
  virtual uint32_t send(std::span<const uint8_t> octets) = 0;
  virtual void shutdown() = 0;

 protected:
  ~HttpStream() = default;
};

// What is to become of the connection once the server's state is put away: both may end its life.
enum class HttpEnd : uint8_t { GoOn, Close, Abort };

// A decision, kept while a body is read.
struct HttpAnswer {
  uint16_t status = 0;
  bool head_only = false;
  bool close = false;
  uint32_t index = 0;  // 200, 304: of the file; 301: of the location
};

class HttpExchange {
 public:
  // `held` counts the octets of unfinished heads of all clients.
  explicit HttpExchange(uint64_t& held) : held_(held) {}
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;
  ~HttpExchange() { clear_head(); }

  // ---- a head that is not whole
  // ---------------------------------------------------------------------------- Adds to it the octets of
  // `run` that may belong to it: up to the empty line that ends a head, and no more than a head may have.
  // Returns how many. `worth_parsing`: an end, the limit, or the request line was reached.
  size_t add_to_head(std::span<const uint8_t> run, bool& worth_parsing);
  void drop_from_head(size_t count);
  void clear_head();
  std::span<const uint8_t> head() const { return head_; }

  // ---- a body to read before the answer
  // --------------------------------------------------------------------
  enum class Body : uint8_t { None, Length, Chunks };
  Body body = Body::None;
  uint64_t body_left = 0;
  std::unique_ptr<HttpChunkedBody> chunks;
  HttpAnswer answer;

  // ---- output that did not fit
  // ----------------------------------------------------------------------------- Remembers what of head and
  // body is unsent: the head by value, for its block may be rewritten meanwhile; the body by reference, for
  // it belongs to the site.
  void keep_output(std::span<const uint8_t> head, std::span<const uint8_t> site_body);
  // Sends it; false: there is still some.
  bool flush(HttpStream& stream);

  // ---- the end
  // ---------------------------------------------------------------------------------------------
  bool closing = false;  // the last response has been given
  bool shut = false;     // and our FIN follows it
  bool peer_finished = false;
  uint64_t lingered = 0;  // octets thrown away since

  // There is nothing to remember.
  bool is_idle() const {
    return head_.empty() && body == Body::None && out_head_.empty() && out_body_.empty() && !closing &&
           !peer_finished;
  }

 private:
  uint64_t& held_;
  std::vector<uint8_t> head_;
  bool line_seen_ = false;
  std::vector<uint8_t> out_head_;
  std::span<const uint8_t> out_body_;
};

}  // namespace millrace::services

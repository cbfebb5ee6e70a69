// The syntax of HTTP/1.1: octets of requests in, the facts that a server acts on out; and those that a client
// acts on, of responses. The one door to the library that parses; http_server.h holds the server's semantics,
// load/http_exchange.h the client's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace millrace::services {

// A request head may be this long, empty lines ahead of it not counted; a longer one is refused.
inline constexpr size_t kHttpHeadLimit = 16 * 1024;
// RFC 9112 §3 recommends to support request lines of 8000 octets at least.
inline constexpr size_t kHttpTargetLimit = 8000;

enum class HttpMethod : uint8_t {
  Get,
  Head,
  NotAllowed,  // a method of RFC 9110 §9 or RFC 5789 that no resource of ours takes
  Unknown,
};

// Views point into the octets parsed.
struct HttpRequest {
  HttpMethod method = HttpMethod::Unknown;
  bool http11 = false;            // HTTP/1.1; else HTTP/1.0
  bool keep_alive = false;        // RFC 9112 §9.3
  bool expects_continue = false;  // RFC 9110 §10.1.1
  bool chunked = false;           // the body comes in chunks, and content_length says nothing
  uint64_t content_length = 0;
  std::string_view target;  // visible ASCII without '#'
  std::string_view if_none_match;
  std::string_view if_modified_since;
};

struct HttpParse {
  enum class Status : uint8_t {
    Complete,  // `consumed` octets were the head
    NeedMore,  // `consumed` octets were empty lines; what follows them is the beginning of a head
    Refused,   // `refusal` is the status code of RFC 9110 to answer with; the connection cannot go on
  };
  Status status = Status::NeedMore;
  uint16_t refusal = 0;
  uint32_t consumed = 0;
};

struct HttpResponse {
  uint16_t status = 0;
  bool keep_alive = false;   // RFC 9112 §9.3
  bool chunked = false;      // the body comes in chunks, and content_length says nothing
  bool until_close = false;  // the body ends with the connection (RFC 9112 §6.3)
  uint64_t content_length = 0;
};

// Parses the head of a response to GET at the front of `octets`; keeps nothing. Whatever is refused has no
// answer: `refusal` stays 0.
HttpParse parse_http_response(std::span<const uint8_t> octets, HttpResponse& response) noexcept;

// Parses the request head at the front of `octets`; keeps nothing.
HttpParse parse_http_request(std::span<const uint8_t> octets, HttpRequest& request) noexcept;

// Finds the end of a chunked body and throws the body away (RFC 9112 §7.1). Holds at most kHold octets of a
// line that is not whole yet.
class HttpChunkedBody {
 public:
  static constexpr size_t kHold = 4096;

  explicit HttpChunkedBody(uint64_t limit) noexcept;
  ~HttpChunkedBody();

  // Reads from `octets`: Complete when the body has ended (`consumed` octets of these belong to it), NeedMore
  // when all was taken, Refused (400 or 413) when it is malformed or longer than the limit.
  HttpParse feed(std::span<const uint8_t> octets) noexcept;

 private:
  struct Parser;
  HttpParse put(std::span<const uint8_t> octets) noexcept;

  std::unique_ptr<Parser> parser_;
  std::vector<uint8_t> held_;
};

}  // namespace millrace::services

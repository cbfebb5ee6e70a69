// The syntax of requests: what is refused, with which status, and that request smuggling finds nothing to
// stand on.
#include "services/http_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::services {
namespace {

using Status = HttpParse::Status;

HttpParse parse(std::string_view text, HttpRequest& request) {
  return parse_http_request({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, request);
}

HttpParse parse(std::string_view text) {
  HttpRequest request;
  return parse(text, request);
}

TEST(HttpParser, WholeRequest_IsReadWithItsFacts) {
  const std::string text = "HEAD /a?b HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"e\"\r\n\r\nrest";
  HttpRequest request;
  const HttpParse result = parse(text, request);
  ASSERT_EQ(result.status, Status::Complete);
  EXPECT_EQ(result.consumed, text.size() - 4);
  EXPECT_EQ(request.method, HttpMethod::Head);
  EXPECT_EQ(request.target, "/a?b");
  EXPECT_EQ(request.if_none_match, "\"e\"");
  EXPECT_TRUE(request.http11);
  EXPECT_TRUE(request.keep_alive);
}

TEST(HttpParser, EveryPrefix_NeedsMore) {
  const std::string text = "GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";
  for (size_t length = 0; length < text.size(); ++length)
    EXPECT_EQ(parse(text.substr(0, length)).status, Status::NeedMore) << length;
}

TEST(HttpParser, EmptyLinesAhead_AreIgnored) {
  HttpRequest request;
  const HttpParse result = parse("\r\n\r\nGET / HTTP/1.0\r\n\r\n", request);
  EXPECT_EQ(result.status, Status::Complete);
  EXPECT_EQ(request.target, "/");
  EXPECT_EQ(parse("\r\n\r").consumed, 2U);
}

TEST(HttpParser, Persistence_FollowsVersionAndOptions) {
  const auto keeps = [](std::string_view text) {
    HttpRequest request;
    EXPECT_EQ(parse(text, request).status, Status::Complete) << text;
    return request.keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: close, foo\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
}

struct Refused {
  const char* what;
  std::string text;
  uint16_t status;
};

TEST(HttpParser, MalformedRequests_AreRefusedWithTheirStatus) {
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::string host = line + "Host: x\r\n";
  const std::vector<Refused> cases = {
      {"no method", " / HTTP/1.1\r\n\r\n", 400},
      {"a TLS hello", std::string("\x16\x03\x01\x02\x00\x01", 6), 400},
      {"method that is no token", "G(T / HTTP/1.1\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\n\r\n", 400},
      {"no target", "GET HTTP/1.1\r\n\r\n", 400},
      {"HTTP/0.9", "GET /\r\n", 400},
      {"fragment", "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"octet above ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"NUL in the target", std::string("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 29), 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"HTTP/0.8", "GET / HTTP/0.8\r\nHost: x\r\n\r\n", 505},
      {"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
      {"long version", "GET / HTTP/1.10\r\nHost: x\r\n\r\n", 400},
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
      {"bare LF after a field", line + "Host: x\nA: b\r\n\r\n", 400},
      {"bare CR in a field", line + "Host: x\r\nA: b\rc\r\n\r\n", 400},
      {"NUL in a field", line + std::string("Host: x\r\nA: b\0c\r\n\r\n", 19), 400},
      {"no colon", host + "nonsense\r\n\r\n", 400},
      {"empty name", host + ": a\r\n\r\n", 400},
      {"space ahead of the colon", host + "A : b\r\n\r\n", 400},
      {"white space ahead of the first field", line + " Host: x\r\n\r\n", 400},
      {"obs-fold", host + "A: b\r\n c\r\n\r\n", 400},
      {"obs-fold behind an empty line", host + "A:\r\n b\r\n\r\n", 400},
      {"obs-fold on Content-Length", host + "Content-Length: 1\r\n 2\r\n\r\n", 400},
      {"no Host", line + "\r\n", 400},
      {"two Hosts", host + "Host: x\r\n\r\n", 400},
      {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400},
      {"Host with user", line + "Host: a@b\r\n\r\n", 400},
      {"Host with space", line + "Host: a b\r\n\r\n", 400},
      {"Host with path", line + "Host: a/b\r\n\r\n", 400},
      {"negative length", host + "Content-Length: -1\r\n\r\n", 400},
      {"signed length", host + "Content-Length: +1\r\n\r\n", 400},
      {"hexadecimal length", host + "Content-Length: 0x10\r\n\r\n", 400},
      {"empty length", host + "Content-Length:\r\n\r\n", 400},
      {"length above 2^64", host + "Content-Length: 18446744073709551616\r\n\r\n", 400},
      {"length as a list", host + "Content-Length: 5, 5\r\n\r\n", 400},
      {"length twice", host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
      {"lengths that differ", host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {"length and coding", host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"coding and length", host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
      {"chunked twice", host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"chunked ahead of another", host + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
      {"a coding that has no end", host + "Transfer-Encoding: gzip\r\n\r\n", 400},
      {"identity", host + "Transfer-Encoding: identity\r\n\r\n", 400},
      {"misspelt chunked", host + "Transfer-Encoding: xchunked\r\n\r\n", 400},
      {"vertical tab ahead of chunked", host + "Transfer-Encoding: \vchunked\r\n\r\n", 400},
      {"a coding unknown to us", host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"coding in HTTP/1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"unknown expectation", host + "Expect: a-miracle\r\n\r\n", 417},
      {"long target", "GET /" + std::string(kHttpTargetLimit, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
      {"request line without end", "GET /" + std::string(kHttpHeadLimit, 'a'), 414},
      {"long field", host + "A: " + std::string(kHttpHeadLimit, 'a') + "\r\n\r\n", 431},
      {"fields without end", host + std::string(kHttpHeadLimit, 'a'), 431},
  };
  for (const Refused& c : cases) {
    const HttpParse result = parse(c.text);
    EXPECT_EQ(result.status, Status::Refused) << c.what;
    EXPECT_EQ(result.refusal, c.status) << c.what;
  }
}

TEST(HttpParser, HeadOfExactlyTheLimit_IsRead) {
  std::string text = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
  text += std::string(kHttpHeadLimit - text.size() - 4, 'a') + "\r\n\r\n";
  ASSERT_EQ(text.size(), kHttpHeadLimit);
  EXPECT_EQ(parse(text).status, Status::Complete);
  EXPECT_EQ(parse("\r\n" + text + "more").status, Status::Complete);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nB: c\r\n" + text.substr(16)).refusal, 431);
}

TEST(HttpParser, Expectation_IsIgnoredInHttp10) {
  HttpRequest request;
  parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", request);
  EXPECT_FALSE(request.expects_continue);
  parse("GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", request);
  EXPECT_TRUE(request.expects_continue);
}

// ---- chunked bodies
// ------------------------------------------------------------------------------------------

// Feeds `body` in pieces of `size`; the result of the last feed, with all octets taken added up.
HttpParse feed(std::string_view body, size_t size, uint64_t limit = 1000) {
  HttpChunkedBody chunks(limit);
  HttpParse total;
  for (size_t at = 0; at < body.size() && total.status == Status::NeedMore; at += size) {
    const std::string piece(body.substr(at, size));
    const HttpParse result = chunks.feed({reinterpret_cast<const uint8_t*>(piece.data()), piece.size()});
    total = {result.status, result.refusal, total.consumed + result.consumed};
  }
  return total;
}

TEST(HttpChunkedBody, EverySplit_FindsTheSameEnd) {
  const std::string body = "5\r\nhello\r\n00a;x=\"y;\\\"\"\r\n0123456789\r\n0\r\nTrailer: a\r\n\r\n";
  for (size_t size = 1; size <= body.size() + 10; ++size) {
    const HttpParse result = feed(body + "GET / HTTP", size);
    EXPECT_EQ(result.status, Status::Complete) << size;
    EXPECT_EQ(result.consumed, body.size()) << size;
  }
}

TEST(HttpChunkedBody, MalformedChunks_AreRefusedAtEverySplit) {
  const std::vector<std::pair<std::string, uint16_t>> cases = {
      {"x\r\n", 400},
      {"-1\r\na\r\n0\r\n\r\n", 400},
      {"0x1\r\na\r\n0\r\n\r\n", 400},
      {" 1\r\na\r\n0\r\n\r\n", 400},
      {"1\r\nab\r\n0\r\n\r\n", 400},
      {"1;\r\na\r\n0\r\n\r\n", 400},
      {"10000000000000000\r\n", 400},
      {"3e9\r\n", 413},
      {"1\r\na\r\n0\r\nContent-Length: 3\r\n\r\n", 400},
      {"1;a=" + std::string(2 * HttpChunkedBody::kHold, 'b'), 400},
      {"0\r\nA: " + std::string(2 * HttpChunkedBody::kHold, 'b'), 400},
  };
  for (const auto& [body, status] : cases)
    for (size_t size : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, body.size()}) {
      const HttpParse result = feed(body, size);
      EXPECT_EQ(result.status, Status::Refused) << body.substr(0, 40) << " by " << size;
      EXPECT_EQ(result.refusal, status) << body.substr(0, 40) << " by " << size;
    }
}

TEST(HttpChunkedBody, ManyChunks_AreBoundedTogether) {
  std::string body;
  for (int i = 0; i < 20; ++i) body += "64\r\n" + std::string(100, 'a') + "\r\n";
  EXPECT_EQ(feed(body, 50).refusal, 413);
  EXPECT_EQ(feed(body + "0\r\n\r\n", 50, 2000).status, Status::Complete);
}

}  // namespace
}  // namespace millrace::services

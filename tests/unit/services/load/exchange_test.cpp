// Where responses end, however the octets come: each text is read whole, octet by octet, and cut in two at
// every place.
#include "services/load/exchange.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "services/rpc_format.h"

namespace millrace::services::load {
namespace {

Params params_of(Protocol protocol) {
  Params params;
  params.protocol = protocol;
  params.targets = {{IpAddress::v4(10, 0, 0, 2), 80}};
  params.request_bytes = 100;
  params.response_bytes = 40;
  return params;
}

std::span<const uint8_t> octets_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct Read {
  uint32_t responses = 0;
  uint32_t bad_statuses = 0;
  bool last = false;
  bool malformed = false;
  friend bool operator==(const Read&, const Read&) = default;
};
void PrintTo(const Read& read, std::ostream* out) {
  *out << read.responses << " responses, " << read.bad_statuses << " bad, last " << read.last
       << ", malformed " << read.malformed;
}

class Reader {
 public:
  explicit Reader(const Params& params) : exchange_(make_exchange(params)) { exchange_->begin(0); }
  Reader& feed(std::string_view text) {
    const Progress progress = exchange_->read(0, octets_of(text));
    read.responses += progress.responses;
    read.bad_statuses += progress.bad_statuses;
    read.last = read.last || progress.last;
    read.malformed = read.malformed || progress.malformed;
    return *this;
  }
  Exchange& exchange() { return *exchange_; }
  Read read;

 private:
  std::unique_ptr<Exchange> exchange_;
};

void expect_however_cut(const Params& params, std::string_view text, const Read& want) {
  EXPECT_EQ(Reader(params).feed(text).read, want) << text;
  for (size_t cut = 1; cut < text.size(); ++cut)
    ASSERT_EQ(Reader(params).feed(text.substr(0, cut)).feed(text.substr(cut)).read, want) << cut << text;
  Reader slow(params);
  for (size_t i = 0; i < text.size(); ++i) slow.feed(text.substr(i, 1));
  EXPECT_EQ(slow.read, want) << text;
  // And over a connection whose head is known by now.
  Reader twice(params);
  twice.feed(text);
  if (want.last || want.malformed) return;
  twice.feed(text);
  EXPECT_EQ(twice.read.responses, 2 * want.responses);
}

TEST(HttpLoad, Responses_EndWhereTheirHeadsSay) {
  const Params params = params_of(Protocol::Http);
  const std::string plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  expect_however_cut(params, plain, {.responses = 1});
  expect_however_cut(params, plain + plain + plain, {.responses = 3});
  expect_however_cut(params, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + plain, {.responses = 2});
  expect_however_cut(params, "HTTP/1.1 204 No Content\r\n\r\n" + plain, {.responses = 2});
  expect_however_cut(params, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" + plain,
                     {.responses = 2});
  expect_however_cut(params, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + plain, {.responses = 1});
  expect_however_cut(
      params,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\n\r\n" + plain,
      {.responses = 2});
}

TEST(HttpLoad, StatusOf400OrMore_IsCounted) {
  expect_however_cut(params_of(Protocol::Http),
                     "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
                     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
                     "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
                     {.responses = 3, .bad_statuses = 2});
}

TEST(HttpLoad, ServerThatCloses_SaysSo) {
  const Params params = params_of(Protocol::Http);
  expect_however_cut(params, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
                     {.responses = 1, .last = true});
  expect_however_cut(params, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
                     {.responses = 1, .last = true});
  Reader reader(params);
  EXPECT_EQ(reader.feed("HTTP/1.0 200 OK\r\n\r\nuntil the end").read, Read{});
  EXPECT_TRUE(reader.exchange().finish(0)) << "the end of the connection is the end of the body";
}

TEST(HttpLoad, Nonsense_IsMalformed) {
  const Params params = params_of(Protocol::Http);
  for (const std::string_view text :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01 and more of it\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"})
    EXPECT_TRUE(Reader(params).feed(text).read.malformed) << text;
  EXPECT_TRUE(Reader(params).feed("HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'a')).read.malformed);
}

TEST(HttpLoad, Request_IsOfThePathAndClosesWhereItShould) {
  Params params = params_of(Protocol::Http);
  params.path = "/a?b";
  const auto text = [&] {
    const auto exchange = make_exchange(params);
    const auto octets = exchange->requests(0, 0, 1);
    return std::string(octets.begin(), octets.end());
  };
  EXPECT_EQ(text(), "GET /a?b HTTP/1.1\r\nHost: 10.0.0.2:80\r\n\r\n");
  params.mode = Mode::Connections;
  params.close = Closer::Server;
  EXPECT_EQ(text(), "GET /a?b HTTP/1.1\r\nHost: 10.0.0.2:80\r\nConnection: close\r\n\r\n");
}

std::string rpc_response(uint32_t id, uint32_t length = 40, uint32_t request = 100) {
  std::string text(length, 'f');
  write_rpc_header(reinterpret_cast<uint8_t*>(text.data()),
                   {.length = length, .other_length = request, .work = 9, .id = id});
  return text;
}

TEST(RpcLoad, Responses_AreThoseToTheRequestsInTheirOrder) {
  const Params params = params_of(Protocol::Rpc);
  const std::string good = rpc_response(0) + rpc_response(1) + rpc_response(2);
  EXPECT_EQ(Reader(params).feed(good).read, Read{.responses = 3});
  for (size_t cut = 1; cut < good.size(); ++cut)
    ASSERT_EQ(Reader(params).feed(good.substr(0, cut)).feed(good.substr(cut)).read, Read{.responses = 3})
        << cut;
  EXPECT_TRUE(Reader(params).feed(rpc_response(1)).read.malformed) << "another id";
  EXPECT_TRUE(Reader(params).feed(rpc_response(0, 41)).read.malformed) << "another length";
  EXPECT_TRUE(Reader(params).feed(rpc_response(0, 40, 99)).read.malformed) << "to another request";
}

TEST(RpcLoad, Requests_AreNumbered) {
  const auto exchange = make_exchange(params_of(Protocol::Rpc));
  const auto octets = exchange->requests(0, 7, 3);
  ASSERT_EQ(octets.size(), 300U);
  for (uint32_t i = 0; i < 3; ++i) {
    const RpcHeader header = read_rpc_header(octets.data() + size_t{i} * 100);
    EXPECT_EQ(header.id, 7 + i);
    EXPECT_EQ(header.length, 100U);
    EXPECT_EQ(header.other_length, 40U);
  }
}

TEST(EchoLoad, Response_IsAsLongAsTheRequestAndTheSame) {
  const Params params = params_of(Protocol::Echo);
  const auto exchange = make_exchange(params);
  const auto octets = exchange->requests(0, 0, 3);
  const std::string three(octets.begin(), octets.end());
  expect_however_cut(params, three, {.responses = 3});
  std::string spoilt = three;
  spoilt[250] = '\n';
  EXPECT_TRUE(Reader(params).feed(spoilt).read.malformed);
}

TEST(Exchange, ProtocolsWithoutResponses_HaveNone) {
  EXPECT_EQ(make_exchange(params_of(Protocol::Discard)), nullptr);
  EXPECT_EQ(make_exchange(params_of(Protocol::Chargen)), nullptr);
}

}  // namespace
}  // namespace millrace::services::load

// Requests changed at random, from seeds: the server never crashes, never answers 200 to what is no request,
// and answers alike however the octets arrive. What is a request is decided here, from RFC 9112 and not from
// the code.
#include <gtest/gtest.h>

#include <random>

#include "http_client.h"

namespace millrace::services {
namespace {

using Random = std::mt19937_64;

bool is_token(std::string_view text) {
  if (text.empty()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// GET or HEAD SP target SP HTTP/1.x CRLF, then token ":" value CRLF each: no more is asked of a 200 here.
bool is_request(std::string_view head) {
  const size_t line_end = head.find("\r\n");
  const std::string_view line = head.substr(0, line_end);
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return false;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (method != "GET" && method != "HEAD") return false;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
  if (!target.starts_with('/') && target.find("://") != 4) return false;
  if (std::any_of(target.begin(), target.end(), [](char c) { return c <= ' ' || c > '~' || c == '#'; }))
    return false;
  int hosts = 0;
  for (size_t at = line_end + 2; at < head.size() && head.substr(at) != "\r\n";) {
    const size_t end = head.find("\r\n", at);
    const std::string_view field = head.substr(at, end - at);
    const size_t colon = field.find(':');
    if (colon == std::string_view::npos || !is_token(field.substr(0, colon))) return false;
    const std::string_view value = field.substr(colon + 1);
    if (std::any_of(value.begin(), value.end(),
                    [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 127; }))
      return false;
    std::string name(field.substr(0, colon));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    hosts += name == "host" ? 1 : 0;
    at = end + 2;
  }
  return hosts == 1 || (hosts == 0 && version == "HTTP/1.0");
}

std::string seed_request(Random& random) {
  static const std::vector<std::string> kSeeds = {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /hello.txt?a=b HTTP/1.1\r\nHost: x:80\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
      "HEAD /docs/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIf-None-Match: \"a\"\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd",
      "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
  };
  return kSeeds[random() % kSeeds.size()];
}

void mutate(std::string& text, Random& random) {
  static const std::vector<std::string> kPieces = {
      "\r\n", "\n", "\r",  " ",      "\t",      ":",     "%00",   "..",       std::string(1, '\0'),
      "\xff", "0",  "GET", "HTTP/1", "Host: y", "close", "\r\n ", "\r\n\r\n", "chunked"};
  const size_t at = text.empty() ? 0 : random() % text.size();
  switch (random() % 6) {
    case 0:
      text.insert(at, kPieces[random() % kPieces.size()]);
      break;
    case 1:
      text.erase(at, 1 + random() % 4);
      break;
    case 2:
      text[at] = static_cast<char>(random());
      break;
    case 3:
      text[at] = static_cast<char>(text[at] ^ (1 << random() % 8));
      break;
    case 4:
      text.insert(at, text.substr(random() % text.size(), random() % 20));
      break;
    default:
      text.resize(at);
      break;
  }
  if (text.empty()) text = "\r";
}

// What the server sends to `input` that arrives and is taken in random pieces.
std::string in_pieces(HttpServer& server, const std::string& input, Random& random) {
  HttpClient client(server);
  client.run_size = 1 + random() % 40;
  for (size_t at = 0; at < input.size();) {
    const size_t size = 1 + random() % 30;
    client.room = static_cast<uint32_t>(random() % 200);
    client.send_octets(std::string_view(input).substr(at, size));
    at += size;
  }
  client.take_everything(1 + static_cast<uint32_t>(random() % 500));
  return client.received;
}

TEST(HttpMutation, GarbageIsNeverAnswered200_AndArrivalMakesNoDifference) {
  constexpr uint64_t kSeeds = 30'000;
  HttpServer server(example_site(), {.body_bytes = 100, .linger_bytes = 10'000});
  uint64_t accepted = 0;
  uint64_t refused = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Random random(seed);
    std::string input = seed_request(random);
    for (uint64_t count = 1 + random() % 4; count > 0; --count) mutate(input, random);
    input += "\r\n\r\n";  // a head that never ends may be refused sooner or later, as it arrives

    HttpClient client(server);
    client.send_octets(input);
    // The whole first head stands ahead of the first empty line, empty lines at the beginning not counted.
    std::string_view head = input;
    while (head.starts_with("\r\n")) head.remove_prefix(2);
    head = head.substr(0, head.find("\r\n\r\n") + 4);
    if (client.received.starts_with("HTTP/1.1 200 ")) {
      ++accepted;
      ASSERT_TRUE(is_request(head)) << "seed " << seed << ":\n" << input;
    } else if (!client.received.empty()) {
      ++refused;
    }
    ASSERT_EQ(in_pieces(server, input, random), client.received) << "seed " << seed << ":\n" << input;
  }
  EXPECT_EQ(server.held_bytes(), 0U);
  // The test is worth something only while it meets both.
  EXPECT_GT(accepted, kSeeds / 20);
  EXPECT_GT(refused, kSeeds / 20);
}

TEST(HttpMutation, RandomOctets_AreNeverAnswered200) {
  HttpServer server(example_site());
  for (uint64_t seed = 0; seed < 5'000; ++seed) {
    Random random(seed);
    std::string input(1 + random() % 600, '\0');
    for (char& c : input) c = static_cast<char>(random());
    HttpClient client(server);
    client.send_octets(input + "\r\n\r\n");
    ASSERT_FALSE(client.received.starts_with("HTTP/1.1 200 ")) << seed;
  }
}

}  // namespace
}  // namespace millrace::services

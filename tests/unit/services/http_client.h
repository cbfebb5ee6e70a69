// A client for HttpServer that lives in arrays: what it sends comes in runs of a chosen size, what it takes
// comes with a chosen room. Shared by the HTTP tests of this folder.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/http_server.h"

namespace millrace::services {

struct HttpReply {
  int status = 0;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
};

// Reads one reply off the front of `text`; nothing when it is not whole or not HTTP. `head_only`: the answer
// to HEAD.
inline std::optional<HttpReply> take_reply(std::string& text, bool head_only = false) {
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos || !text.starts_with("HTTP/1.1 ")) return std::nullopt;
  HttpReply reply;
  reply.status = std::atoi(text.c_str() + 9);
  size_t at = text.find("\r\n") + 2;
  while (at < end + 2) {
    const size_t stop = text.find("\r\n", at);
    const size_t colon = text.find(": ", at);
    if (colon == std::string::npos || colon > stop) return std::nullopt;
    std::string name = text.substr(at, colon - at);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (reply.fields.contains(name)) return std::nullopt;
    reply.fields[name] = text.substr(colon + 2, stop - colon - 2);
    at = stop + 2;
  }
  size_t length = 0;
  if (!head_only && reply.fields.contains("content-length"))
    length = std::stoul(reply.fields["content-length"]);
  if (text.size() < end + 4 + length) return std::nullopt;
  reply.body = text.substr(end + 4, length);
  text.erase(0, end + 4 + length);
  return reply;
}

class HttpClient final : public HttpStream {
 public:
  explicit HttpClient(HttpServer& server) : server_(server) {}

  size_t run_size = SIZE_MAX;  // octets that readable() shows at most
  uint32_t room = UINT32_MAX;  // octets that the send buffer takes until the next make_room()
  bool fin_received = false;
  HttpEnd end = HttpEnd::GoOn;
  std::string received;

  // ---- what the client does
  // --------------------------------------------------------------------------------
  void send_octets(std::string_view octets) {
    input_ += octets;
    step();
  }
  // Everything, `size` octets a segment.
  void send_in_pieces(std::string_view octets, size_t size) {
    for (size_t at = 0; at < octets.size(); at += size) send_octets(octets.substr(at, size));
  }
  void make_room(uint32_t count) {
    room = count;
    step();
  }
  void half_close() {
    finished_ = true;
    step();
  }
  // Takes `count` octets a turn until nothing comes any more.
  void take_everything(uint32_t count) {
    for (size_t before = SIZE_MAX; before != received.size() && end == HttpEnd::GoOn;) {
      before = received.size();
      make_room(count);
    }
  }
  // The next reply; status 0: none has come whole.
  HttpReply reply(bool head_only = false) { return take_reply(received, head_only).value_or(HttpReply{}); }

  size_t unread() const { return input_.size(); }
  bool holds_state() const { return exchange_ != nullptr; }

  // ---- HttpStream
  // ------------------------------------------------------------------------------------------
  std::span<const uint8_t> readable() const override {
    // A copy of its own each time: ASan sees any use after consume().
    shown_.assign(input_.begin(),
                  input_.begin() + static_cast<std::ptrdiff_t>(std::min(run_size, input_.size())));
    shown_.shrink_to_fit();
    return shown_;
  }
  void consume(uint32_t count) override {
    input_.erase(0, count);
    shown_ = {};
  }
  uint32_t send(std::span<const uint8_t> octets) override {
    if (fin_received) return 0;
    const auto count = static_cast<uint32_t>(std::min<size_t>(room, octets.size()));
    if (room != UINT32_MAX) room -= count;
    received.append(octets.begin(), octets.begin() + count);
    return count;
  }
  void shutdown() override { fin_received = true; }

 private:
  void step() {
    if (end == HttpEnd::GoOn) end = server_.advance(*this, exchange_);
    if (end == HttpEnd::GoOn && finished_ && input_.empty() && !told_) {
      told_ = true;
      end = server_.finish(*this, exchange_);
    }
  }

  HttpServer& server_;
  std::unique_ptr<HttpExchange> exchange_;
  std::string input_;
  mutable std::vector<uint8_t> shown_;
  bool finished_ = false;
  bool told_ = false;
};

// A small site: /index.html, /hello.txt, /big.bin (100 000 octets), /docs/index.html, /with space.txt.
inline std::shared_ptr<const HttpSite> example_site() {
  auto site = std::make_shared<HttpSite>();
  site->add("/index.html", "<h1>home</h1>", "Sun, 06 Nov 1994 08:49:37 GMT");
  site->add("/hello.txt", "hello, world\n", "");
  std::string big(100'000, '\0');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 23);
  site->add("/big.bin", big, "");
  site->add("/docs/index.html", "docs", "");
  site->add("/with space.txt", "spaced", "");
  site->add("/empty", "", "");
  return site;
}

}  // namespace millrace::services

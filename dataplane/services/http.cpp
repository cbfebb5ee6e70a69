#include "services/http.h"

#include <utility>

#include "app/connection.h"

namespace millrace::services {

namespace {

class ConnectionStream final : public HttpStream {
 public:
  explicit ConnectionStream(app::Connection& connection) : connection_(connection) {}
  std::span<const uint8_t> readable() const override { return connection_.readable(); }
  void consume(uint32_t count) override { connection_.consume(count); }
  uint32_t send(std::span<const uint8_t> octets) override { return connection_.send(octets); }
  void shutdown() override { connection_.shutdown(); }

 private:
  app::Connection& connection_;
};

// The connection's context word owns the exchange.
std::unique_ptr<HttpExchange> exchange_of(app::Connection& connection) {
  return std::unique_ptr<HttpExchange>(static_cast<HttpExchange*>(connection.context()));
}

template <typename Step>
void run(app::Connection& connection, Step step) {
  ConnectionStream stream(connection);
  std::unique_ptr<HttpExchange> exchange = exchange_of(connection);
  const HttpEnd end = step(stream, exchange);
  connection.set_context(exchange.release());
  // Last of all: either may end in on_closed.
  if (end == HttpEnd::Close) connection.close();
  if (end == HttpEnd::Abort) connection.abort();
}

}  // namespace

Http::Http(std::shared_ptr<const HttpSite> site, const HttpLimits& limits)
    : server_(std::move(site), limits) {}

// A response is written whole: to hold its last segment back for an acknowledgement (RFC 9293 §3.7.4) gains
// nothing.
void Http::on_established(app::Connection& connection) { connection.set_no_delay(true); }

void Http::on_readable(app::Connection& connection) {
  const uint64_t answered = server_.answered();
  run(connection, [this](HttpStream& stream, auto& exchange) { return server_.advance(stream, exchange); });
  note_requests(server_.answered() - answered);
}

void Http::on_writable(app::Connection& connection) { on_readable(connection); }

void Http::on_peer_finished(app::Connection& connection) {
  run(connection, [this](HttpStream& stream, auto& exchange) { return server_.finish(stream, exchange); });
}

void Http::on_closed(app::Connection& connection, app::CloseReason) {
  exchange_of(connection).reset();
  connection.set_context(nullptr);
}

}  // namespace millrace::services

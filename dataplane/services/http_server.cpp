#include "services/http_server.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "services/http_date.h"
#include "services/http_target.h"

namespace millrace::services {

namespace {

// RFC 9110 §13.1.2: weak comparison against a list of entity tags.
bool lists_etag(std::string_view list, std::string_view etag) {
  if (list == "*") return true;
  while (!list.empty()) {
    const size_t open = list.find('"');
    if (open == std::string_view::npos) return false;
    const size_t close = list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    if (list.substr(open, close + 1 - open) == etag) return true;
    list.remove_prefix(close + 1);
  }
  return false;
}

}  // namespace

HttpServer::HttpServer(std::shared_ptr<const HttpSite> site, const HttpLimits& limits)
    : site_(std::move(site)), limits_(limits), blocks_(site_->files().size()) {}

void HttpServer::set_wall_clock(std::chrono::sys_seconds at) {
  if (!date_.empty() && at == wall_clock_) return;
  wall_clock_ = at;
  date_ = http_date(at);
  ++generation_;
}

// ---- input
// ---------------------------------------------------------------------------------------------------

HttpEnd HttpServer::advance(HttpStream& stream, ExchangePtr& exchange) {
  for (;;) {
    if (exchange) {
      if (!exchange->flush(stream)) return HttpEnd::GoOn;  // nothing is read while an answer waits
      if (exchange->closing) return linger(stream, *exchange);
      if (exchange->peer_finished) return HttpEnd::Close;
      if (exchange->is_idle()) exchange.reset();
    }
    const std::span<const uint8_t> run = stream.readable();
    if (run.empty()) return HttpEnd::GoOn;
    size_t used = 0;
    if (!exchange) {
      used = read_requests(stream, exchange, run);
    } else if (exchange->body == HttpExchange::Body::None) {
      used = read_head(stream, exchange, run);
    } else {
      used = read_body(stream, exchange, run);
    }
    stream.consume(static_cast<uint32_t>(used));
  }
}

bool HttpServer::is_remembered(std::span<const uint8_t> octets) const {
  return !last_.head.empty() && octets.size() >= last_.head.size() &&
         std::memcmp(octets.data(), last_.head.data(), last_.head.size()) == 0;
}

void HttpServer::remember(std::span<const uint8_t> head, const HttpAnswer& answer) {
  if (head.size() > kRememberedHead) return;
  last_.head.assign(head.begin(), head.end());
  last_.answer = answer;
}

// Requests that lie whole in `run` are parsed where they are.
size_t HttpServer::read_requests(HttpStream& stream, ExchangePtr& exchange, std::span<const uint8_t> run) {
  size_t used = 0;
  while (used < run.size() && !exchange) {
    if (is_remembered(run.subspan(used))) {
      used += last_.head.size();
      respond(stream, exchange, last_.answer);
      continue;
    }
    HttpRequest request;
    const std::span<const uint8_t> rest = run.subspan(used);
    const HttpParse parse = parse_http_request(rest, request);
    used += parse.consumed;
    switch (parse.status) {
      case HttpParse::Status::Complete: {
        const HttpAnswer answer = accept(stream, exchange, request);
        if (!request.chunked && request.content_length == 0) remember(rest.first(parse.consumed), answer);
        break;
      }
      case HttpParse::Status::Refused:
        refuse(stream, exchange, parse.refusal);
        break;
      case HttpParse::Status::NeedMore:
        if (used == run.size()) break;  // it was empty lines alone
        open(exchange);
        return used + read_head(stream, exchange, run.subspan(used));
    }
  }
  return used;
}

size_t HttpServer::read_head(HttpStream& stream, ExchangePtr& exchange, std::span<const uint8_t> run) {
  bool worth_parsing = false;
  const size_t used = exchange->add_to_head(run, worth_parsing);
  if (held_ > limits_.held_bytes) {
    exchange->clear_head();
    refuse(stream, exchange, 503);
    return used;
  }
  if (!worth_parsing) return used;
  HttpRequest request;
  const HttpParse parse = parse_http_request(exchange->head(), request);
  if (parse.status == HttpParse::Status::NeedMore) {
    exchange->drop_from_head(parse.consumed);
    return used;
  }
  if (parse.status == HttpParse::Status::Complete) {
    accept(stream, exchange, request);
  } else {
    refuse(stream, exchange, parse.refusal);
  }
  exchange->clear_head();  // only now: the request points into it
  return used;
}

size_t HttpServer::read_body(HttpStream& stream, ExchangePtr& exchange, std::span<const uint8_t> run) {
  HttpParse parse;
  if (exchange->body == HttpExchange::Body::Length) {
    parse.consumed = static_cast<uint32_t>(std::min<uint64_t>(run.size(), exchange->body_left));
    exchange->body_left -= parse.consumed;
    if (exchange->body_left == 0) parse.status = HttpParse::Status::Complete;
  } else {
    parse = exchange->chunks->feed(run);
  }
  if (parse.status == HttpParse::Status::NeedMore) return parse.consumed;
  exchange->body = HttpExchange::Body::None;
  exchange->chunks.reset();
  if (parse.status == HttpParse::Status::Complete) {
    respond(stream, exchange, exchange->answer);
  } else {
    refuse(stream, exchange, parse.refusal);
  }
  return parse.consumed;
}

// RFC 9112 §9.6: to close at once could reset the connection and so destroy the response on its way. We send
// our FIN and read on until the client's, up to a bound.
HttpEnd HttpServer::linger(HttpStream& stream, HttpExchange& exchange) {
  if (!exchange.shut) {
    stream.shutdown();
    exchange.shut = true;
  }
  if (exchange.peer_finished) return HttpEnd::Close;
  for (auto run = stream.readable(); !run.empty(); run = stream.readable()) {
    exchange.lingered += run.size();
    stream.consume(static_cast<uint32_t>(run.size()));
    if (exchange.lingered > limits_.linger_bytes) return HttpEnd::Abort;
  }
  return HttpEnd::GoOn;
}

HttpEnd HttpServer::finish(HttpStream& stream, ExchangePtr& exchange) {
  if (!exchange) return HttpEnd::Close;
  exchange->peer_finished = true;
  // A request that is not whole will never be (RFC 9112 §8).
  exchange->clear_head();
  exchange->body = HttpExchange::Body::None;
  return exchange->flush(stream) ? HttpEnd::Close : HttpEnd::GoOn;
}

// ---- decisions
// -----------------------------------------------------------------------------------------------

HttpAnswer HttpServer::accept(HttpStream& stream, ExchangePtr& exchange, const HttpRequest& request) {
  const HttpAnswer answer = resolve(request);
  if (request.chunked || request.content_length != 0) {
    expect_body(stream, exchange, request, answer);
  } else {
    respond(stream, exchange, answer);
  }
  return answer;
}

// RFC 9112 §9.3: to go on with the connection, a server reads the whole body though it has no use for it.
void HttpServer::expect_body(HttpStream& stream, ExchangePtr& exchange, const HttpRequest& request,
                             HttpAnswer answer) {
  if (request.content_length > limits_.body_bytes) return refuse(stream, exchange, 413);
  // RFC 9110 §10.1.1: a final status instead of 100; the body may come or not, so nothing after it can be
  // read.
  if (request.expects_continue && answer.status >= 400) {
    answer.close = true;
    return respond(stream, exchange, answer);
  }
  HttpExchange& state = open(exchange);
  state.answer = answer;
  state.body_left = request.content_length;
  state.body = HttpExchange::Body::Length;
  if (request.chunked) {
    state.body = HttpExchange::Body::Chunks;
    state.chunks = std::make_unique<HttpChunkedBody>(limits_.body_bytes);
  }
  if (request.expects_continue) deliver(stream, exchange, octets_of(kHttpContinue), {});
}

HttpAnswer HttpServer::resolve(const HttpRequest& request) const {
  HttpAnswer answer;
  answer.head_only = request.method == HttpMethod::Head;
  answer.close = !request.keep_alive;
  const auto with = [&](uint16_t status) {
    answer.status = status;
    return answer;
  };
  // RFC 9110 §9.1: 501 for what we do not know, 405 for what no resource here takes.
  if (request.method == HttpMethod::Unknown) return with(501);
  if (request.method == HttpMethod::NotAllowed) return with(405);

  HttpPathScratch scratch;
  const HttpPath path = path_of_target(request.target, scratch);
  if (path.status == HttpPath::Status::Bad) return with(400);
  if (path.status == HttpPath::Status::TooLong) return with(404);
  const HttpSite::Found found = site_->find(path.path);
  answer.index = found.index;
  switch (found.kind) {
    case HttpSite::Found::Kind::Nothing:
      return with(404);
    case HttpSite::Found::Kind::Directory:
      return with(301);
    case HttpSite::Found::Kind::File:
      break;
  }
  return with(is_unchanged(request, site_->files()[found.index]) ? 304 : 200);
}

bool HttpServer::is_unchanged(const HttpRequest& request, const HttpFile& file) const {
  // RFC 9110 §13.2.2: If-None-Match decides alone when it is there.
  if (!request.if_none_match.empty()) return lists_etag(request.if_none_match, file.etag);
  // A client hands back our own text (RFC 9110 §13.1.3 recommends it); any other date costs it a 200.
  return !file.last_modified.empty() && request.if_modified_since == file.last_modified;
}

// ---- output
// --------------------------------------------------------------------------------------------------

void HttpServer::refuse(HttpStream& stream, ExchangePtr& exchange, uint16_t status) {
  HttpAnswer answer;
  answer.status = status;
  answer.close = true;  // where the next request would begin is unknown
  respond(stream, exchange, answer);
}

void HttpServer::respond(HttpStream& stream, ExchangePtr& exchange, const HttpAnswer& answer) {
  ++answered_;
  if (answer.close || answer.status != 200) return respond_composed(stream, exchange, answer);
  const Block& block = block_of(answer.index);
  const std::string& body = site_->files()[answer.index].body;
  std::span<const uint8_t> head = octets_of(block.octets);
  if (answer.head_only) return deliver(stream, exchange, head.first(block.head_size), {});
  const bool is_inline = head.size() != block.head_size || body.empty();
  deliver(stream, exchange, head, is_inline ? std::span<const uint8_t>{} : octets_of(body));
}

void HttpServer::respond_composed(HttpStream& stream, ExchangePtr& exchange, const HttpAnswer& answer) {
  HttpHead head;
  std::string_view body;
  const std::string_view connection = answer.close ? "close" : "keep-alive";
  if (answer.status == 200) {
    const HttpFile& file = site_->files()[answer.index];
    write_file_head(head, file, connection);
    body = file.body;
  } else {
    const HttpStatus& status = http_status(answer.status);
    head.add(status.line).field("Server", "millrace").field("Date", date_);
    if (answer.status == 304) {  // RFC 9110 §15.4.5
      const HttpFile& file = site_->files()[answer.index];
      head.field("ETag", file.etag).field("Last-Modified", file.last_modified);
    } else {
      if (answer.status == 301) head.field("Location", site_->locations()[answer.index]);
      if (answer.status == 405) head.field("Allow", "GET, HEAD");
      body = status.page;
      head.field("Content-Type", "text/plain; charset=utf-8");
      head.add("Content-Length: ").add_number(body.size()).add("\r\n");
    }
    head.field("Connection", connection).add("\r\n");
  }
  if (answer.head_only) body = {};
  deliver(stream, exchange, octets_of(head.text()), octets_of(body));
  if (answer.close) open(exchange).closing = true;
}

void HttpServer::write_file_head(HttpHead& head, const HttpFile& file, std::string_view connection) const {
  head.add(http_status(200).line)
      .field("Server", "millrace")
      .field("Date", date_)
      .field("Content-Type", file.content_type);
  head.add("Content-Length: ").add_number(file.body.size()).add("\r\n");
  head.field("ETag", file.etag)
      .field("Last-Modified", file.last_modified)
      .field("Connection", connection)  // HTTP/1.0 clients wait for keep-alive, others do not mind
      .add("\r\n");
}

void HttpServer::deliver(HttpStream& stream, ExchangePtr& exchange, std::span<const uint8_t> head,
                         std::span<const uint8_t> body) {
  head = head.subspan(stream.send(head));
  if (head.empty() && !body.empty()) body = body.subspan(stream.send(body));
  if (!head.empty() || !body.empty()) open(exchange).keep_output(head, body);
}

// Written anew when the date has changed, and only for files that are asked for.
const HttpServer::Block& HttpServer::block_of(uint32_t index) {
  Block& block = blocks_[index];
  if (block.generation == generation_) return block;
  const HttpFile& file = site_->files()[index];
  HttpHead head;
  write_file_head(head, file, "keep-alive");
  block.octets = head.text();
  block.head_size = block.octets.size();
  if (file.body.size() <= kInlineBody) block.octets += file.body;
  block.generation = generation_;
  return block;
}

HttpExchange& HttpServer::open(ExchangePtr& exchange) {
  if (!exchange) exchange = std::make_unique<HttpExchange>(held_);
  return *exchange;
}

}  // namespace millrace::services

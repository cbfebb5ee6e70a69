#include "control/metrics/exchange.h"

#include "control/metrics/openmetrics.h"
#include "services/http_date.h"
#include "services/http_parser.h"
#include "services/http_response.h"
#include "services/http_target.h"

namespace millrace::control {

namespace {

constexpr std::string_view kPath = "/metrics";

Reply reply(uint16_t code, std::string_view type, SharedPage body, bool with_body,
            std::chrono::sys_seconds date) {
  services::HttpHead head;
  head.add(services::http_status(code).line);
  head.field("Date", services::http_date(date)).field("Content-Type", type);
  head.field("Content-Length", std::to_string(body->size()));
  if (code == 405) head.field("Allow", "GET, HEAD");  // RFC 9110 §15.5.6
  head.field("Cache-Control", "no-store").field("Connection", "close").add("\r\n");
  return {std::string(head.text()), with_body ? std::move(body) : nullptr};
}

Reply refusal(uint16_t code, bool with_body, std::chrono::sys_seconds date) {
  std::string text(services::http_status(code).page);
  if (code == 404) text += "The metrics are under " + std::string(kPath) + ".\n";
  return reply(code, "text/plain", std::make_shared<const std::string>(std::move(text)), with_body, date);
}

uint16_t status_for(const services::HttpRequest& request) {
  if (request.method == services::HttpMethod::Unknown) return 501;
  if (request.method == services::HttpMethod::NotAllowed) return 405;
  services::HttpPathScratch scratch;
  const services::HttpPath path = services::path_of_target(request.target, scratch);
  if (path.status == services::HttpPath::Status::Bad) return 400;
  return path.status == services::HttpPath::Status::Ok && path.path == kPath ? 200 : 404;
}

}  // namespace

std::optional<Reply> answer_request(std::string& input, std::chrono::sys_seconds date,
                                    const std::function<SharedPage()>& page) {
  services::HttpRequest request;
  const services::HttpParse parse = parse_http_request(services::octets_of(input), request);
  if (parse.status == services::HttpParse::Status::Refused) return refusal(parse.refusal, true, date);
  if (parse.status == services::HttpParse::Status::NeedMore) {
    input.erase(0, parse.consumed);
    return std::nullopt;
  }
  const bool with_body = request.method != services::HttpMethod::Head;
  const uint16_t status = status_for(request);
  if (status != 200) return refusal(status, with_body, date);
  return reply(200, kOpenMetricsType, page(), with_body, date);
}

}  // namespace millrace::control

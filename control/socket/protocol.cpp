#include "control/socket/protocol.h"

#include <algorithm>
#include <utility>

namespace millrace::control {

namespace {

// Brackets open at once, at most. Asked before parsing, so that nesting costs nobody a stack.
size_t depth_of(std::string_view line) {
  size_t depth = 0, deepest = 0;
  bool in_string = false, escaped = false;
  for (const char c : line) {
    if (in_string) {
      if (escaped) {
        escaped = false;
      } else if (c == '\\') {
        escaped = true;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

bool is_id(const json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().size() <= kMaxIdBytes;
  return value.is_null() || value.is_number_integer();
}

BadRequest refuse(json id, ErrorCode code, std::string message) {
  return {std::move(id), {code, std::move(message)}};
}

}  // namespace

std::string_view version() { return MILLRACE_VERSION; }

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::BadJson:
      return "bad_json";
    case ErrorCode::BadRequest:
      return "bad_request";
    case ErrorCode::UnknownMethod:
      return "unknown_method";
    case ErrorCode::BadParams:
      return "bad_params";
    case ErrorCode::TooLarge:
      return "too_large";
    case ErrorCode::TimedOut:
      return "timed_out";
    case ErrorCode::NotFound:
      return "not_found";
    case ErrorCode::Busy:
      return "busy";
    case ErrorCode::TooManyClients:
      return "too_many_clients";
    case ErrorCode::Denied:
      return "denied";
  }
  return "unknown";
}

std::variant<Request, BadRequest> parse_request(std::string_view line) {
  if (depth_of(line) > kMaxRequestDepth) {
    return refuse(nullptr, ErrorCode::BadJson,
                  "The request nests deeper than " + std::to_string(kMaxRequestDepth) + " levels.");
  }
  json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return refuse(nullptr, ErrorCode::BadJson,
                  R"(A request is one JSON object on one line: {"id":1,"method":"stats"}.)");
  }
  Request request;
  if (object.contains("id")) {
    if (!is_id(object["id"])) {
      return refuse(
          nullptr, ErrorCode::BadRequest,
          "\"id\" is an integer, null or a string of at most " + std::to_string(kMaxIdBytes) + " octets.");
    }
    request.id = std::move(object["id"]);
  }
  if (!object.contains("method") || !object["method"].is_string()) {
    return refuse(request.id, ErrorCode::BadRequest,
                  R"(The request has no "method", or it is not a string; the method "help" lists them.)");
  }
  request.method = std::move(object["method"].get_ref<std::string&>());
  if (object.contains("params")) {
    if (!object["params"].is_object())
      return refuse(request.id, ErrorCode::BadRequest, "\"params\" is an object.");
    request.params = std::move(object["params"]);
  }
  return request;
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string hello_line(int pid) {
  return "{\"millrace\":" + dump(version()) + ",\"protocol\":" + std::to_string(kProtocol) +
         ",\"pid\":" + std::to_string(pid) + "}\n";
}

// The id stands first, so that the line is put together by hand: json sorts its keys.
std::string result_line(const json& id, json result) {
  return "{\"id\":" + dump(id) + ",\"result\":" + dump(result) + "}\n";
}

std::string error_line(const json& id, const Error& error) {
  return "{\"id\":" + dump(id) + ",\"error\":{\"code\":" + dump(name_of(error.code)) +
         ",\"message\":" + dump(error.message) + "}}\n";
}

}  // namespace millrace::control

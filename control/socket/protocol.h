// The language of the control socket: one JSON object a line, UTF-8. Neighbours: methods.h (what can be
// asked), session.h (who speaks it), control/cli/client.h (the other end).
//
//   endpoint   {"millrace":"0.1.0","protocol":1,"pid":4711}                    once, on connect
//   client     {"id":7,"method":"conns","params":{"state":"ESTABLISHED"}}
//   endpoint   {"id":7,"result":{...}}  or  {"id":7,"error":{"code":"bad_params","message":"..."}}
//
// Replies come in the order of the requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace millrace::control {

using nlohmann::json;

// Rises when an old client would misread a new endpoint; new methods, parameters and fields leave it alone.
inline constexpr int kProtocol = 1;
inline constexpr size_t kMaxRequestBytes = 64 * 1024;  // a line, its newline not counted
inline constexpr size_t kMaxRequestDepth = 8;          // of nested arrays and objects
inline constexpr size_t kMaxIdBytes = 64;

// The version of this build: `0.1.0`.
std::string_view version();

enum class ErrorCode : uint8_t {
  BadJson,     // the line is not a JSON object
  BadRequest,  // it lacks a method, or its id is no id
  UnknownMethod,
  BadParams,
  TooLarge,        // the line is longer than kMaxRequestBytes; the connection is closed
  TimedOut,        // an lcore did not answer in time
  NotFound,        // what was asked about is not there
  Busy,            // an lcore's mailbox is full, or the lcore has stopped
  TooManyClients,  // said instead of the hello
  Denied,          // likewise: the peer is neither root, nor our user, nor in the socket's group
};
std::string_view name_of(ErrorCode code);  // "bad_json"

struct Error {
  ErrorCode code;
  std::string message;  // a sentence
};

struct Request {
  json id;  // an integer, a string or null: comes back with the reply
  std::string method;
  json params = json::object();
};

struct BadRequest {
  json id;
  Error error;
};

// Never throws, whatever the line holds.
std::variant<Request, BadRequest> parse_request(std::string_view line);

// What goes on the wire: each ends with a newline.
std::string hello_line(int pid);
std::string result_line(const json& id, json result);
std::string error_line(const json& id, const Error& error);

// Compact; octets that are not UTF-8 become U+FFFD.
std::string dump(const json& value);

}  // namespace millrace::control

// One HTTP exchange: from the octets of a request to the response that it has earned. No sockets and no
// clock. Neighbours: metrics_server.h (moves the octets), services/http_parser.h (the syntax).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace millrace::control {

// Shared by the clients that are being sent the same page.
using SharedPage = std::shared_ptr<const std::string>;

struct Reply {
  std::string head;
  SharedPage body;  // null: none
};

// Looks whether `input` begins with a whole request head. Nothing: more must come, and `input` is within the
// parser's bounds. `page` is asked only when the page is what the client gets. The connection ends with the
// reply, so whatever follows the head does not matter.
std::optional<Reply> answer_request(std::string& input, std::chrono::sys_seconds date,
                                    const std::function<SharedPage()>& page);

}  // namespace millrace::control

// Which connections to show: an expression over the fields of a row, as people type it.
//
//   state = established and (rport = 80 or rport = 443) and rtt > 10ms
//   not remote = 10.1.0.0/16 and retrans >= 3
//
// A comparison is FIELD OP VALUE with = != < <= > >=; `not` binds closest, then `and`, then `or`. Text of a
// client: bounded in length (methods.h) and depth.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "shard/rows.h"

namespace millrace::control {

using ConnectionFilter = std::function<bool(const shard::ConnectionRow&)>;

// The filter, or one sentence that says where the text stops making sense and what is allowed there.
std::variant<ConnectionFilter, std::string> parse_filter(std::string_view text);

// The names of fields, for help and completion: `age, cwnd, ...`.
std::string filter_fields();

}  // namespace millrace::control

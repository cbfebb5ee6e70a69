// One value of one key: text checked against the key's type and bounds, and written back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/params.h"
#include "config/ranges.h"

namespace millrace::config {

struct Key;

using Endpoints = std::vector<Endpoint>;
using LcoreList = std::vector<uint32_t>;

// Which alternative a key's type holds: numbers, durations (µs), sizes (octets), rates (bit/s), modes and
// choices (their index) are uint64_t; words, paths and devices are strings.
using Value = std::variant<bool, uint64_t, std::string, MacAddress, Prefix, Route, Endpoints, LcoreList,
                           Target, AddressRange, PortRange>;

struct ParsedValue {
  std::optional<Value> value;
  std::string problem;  // where there is no value: what was given, what is allowed, as one sentence
};

ParsedValue parse_value(const Key& key, std::string_view text);

// The canonical text, which parse_value takes back to the same value.
std::string format_value(const Key& key, const Value& value);

// What may be written, with bounds and an example: `a duration from 1ms to 600s`.
std::string allowed(const Key& key);

// `80`, `10.0.0.2:80` or `[2001:db8::2]:80`; a port alone is both families' unspecified address.
std::optional<Endpoints> parse_listen(std::string_view text);
// `10.1.0.0/16 via 10.0.0.1`; `default` stands for 0.0.0.0/0 or ::/0.
std::optional<Route> parse_route(std::string_view text);
// `auto` (nothing), or numbers and ranges: `1`, `1,3`, `2-5`; each once, below 1024.
std::optional<LcoreList> parse_lcores(std::string_view text);

}  // namespace millrace::config

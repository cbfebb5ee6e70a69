#include "control/socket/filter.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "config/quantity.h"
#include "config/text.h"
#include "control/socket/methods.h"
#include "tcp/state.h"

namespace millrace::control {

namespace {

using Row = shard::ConnectionRow;

constexpr size_t kMostDepth = 16;

// What a number is written as.
enum class Quantity : uint8_t { Count, Duration, Size };

struct NumberField {
  std::string_view name;
  Quantity quantity;
  uint64_t (*value)(const Row&);
};

uint64_t micros(Micros duration) { return static_cast<uint64_t>(std::max(duration, Micros{}).count()); }

constexpr std::array kNumbers{
    NumberField{"age", Quantity::Duration, [](const Row& row) { return micros(row.age); }},
    NumberField{"backoff", Quantity::Count, [](const Row& row) -> uint64_t { return row.backoff; }},
    NumberField{"cwnd", Quantity::Size, [](const Row& row) -> uint64_t { return row.cwnd_bytes; }},
    NumberField{"lport", Quantity::Count, [](const Row& row) -> uint64_t { return row.flow.local.port; }},
    NumberField{"received", Quantity::Size, [](const Row& row) { return row.bytes_received; }},
    NumberField{"recvq", Quantity::Size, [](const Row& row) -> uint64_t { return row.receive_queue_bytes; }},
    NumberField{"retrans", Quantity::Count, [](const Row& row) -> uint64_t { return row.retransmits; }},
    NumberField{"rport", Quantity::Count, [](const Row& row) -> uint64_t { return row.flow.remote.port; }},
    NumberField{"rto", Quantity::Duration, [](const Row& row) { return micros(row.rto); }},
    NumberField{"rtt", Quantity::Duration, [](const Row& row) { return micros(row.srtt); }},
    NumberField{"sendq", Quantity::Size, [](const Row& row) -> uint64_t { return row.send_queue_bytes; }},
    NumberField{"sent", Quantity::Size, [](const Row& row) { return row.bytes_sent; }},
    NumberField{"unacked", Quantity::Size,
                [](const Row& row) -> uint64_t { return row.unacknowledged_bytes; }},
};
// Those that compare by = and != alone. `port` is either end's.
constexpr std::array<std::string_view, 5> kNames{"local", "port", "remote", "service", "state"};

struct Unclear {
  std::string sentence;
};

bool is_symbol(char c) { return c == '=' || c == '!' || c == '<' || c == '>'; }

std::vector<std::string_view> tokens_of(std::string_view text) {
  std::vector<std::string_view> out;
  size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    size_t end = at + 1;
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      at = end;
      continue;
    }
    if (is_symbol(c)) {
      while (end < text.size() && is_symbol(text[end])) ++end;
    } else if (c != '(' && c != ')') {
      const auto ends = [](char d) {
        return is_symbol(d) || d == '(' || d == ')' || std::isspace(static_cast<unsigned char>(d)) != 0;
      };
      while (end < text.size() && !ends(text[end])) ++end;
    }
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::optional<uint64_t> quantity_of(Quantity quantity, std::string_view text) {
  switch (quantity) {
    case Quantity::Count:
      return config::parse_integer(text);
    case Quantity::Duration:
      return config::parse_duration(text);
    case Quantity::Size:
      return config::parse_size(text);
  }
  return std::nullopt;
}

std::string_view example_of(Quantity quantity) {
  switch (quantity) {
    case Quantity::Count:
      return "a number";
    case Quantity::Duration:
      return "a duration, as in 10ms";
    case Quantity::Size:
      return "a size, as in 64KiB";
  }
  return "";
}

template <typename T>
bool holds(std::string_view op, const T& left, const T& right) {
  if (op == "=" || op == "==") return left == right;
  if (op == "!=") return left != right;
  if (op == "<") return left < right;
  if (op == "<=") return left <= right;
  if (op == ">") return left > right;
  return left >= right;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(tokens_of(text)) {}

  // Throws Unclear.
  ConnectionFilter parse() {
    ConnectionFilter all = any(0);
    if (at_ < tokens_.size()) unclear("and, or, or the end");
    return all;
  }

 private:
  [[noreturn]] void unclear(std::string_view expected) const {
    const std::string found = at_ < tokens_.size() ? config::quoted(tokens_[at_]) : "the end";
    throw Unclear{"The filter is not understood at " + found + ": " + std::string(expected) +
                  " is expected there."};
  }
  bool take(std::string_view word) {
    if (at_ >= tokens_.size() || tokens_[at_] != word) return false;
    ++at_;
    return true;
  }
  std::string_view next(std::string_view expected) {
    if (at_ >= tokens_.size()) unclear(expected);
    return tokens_[at_++];
  }

  ConnectionFilter any(size_t depth) {
    ConnectionFilter left = all(depth);
    while (take("or"))
      left = [a = std::move(left), b = all(depth)](const Row& row) { return a(row) || b(row); };
    return left;
  }
  ConnectionFilter all(size_t depth) {
    ConnectionFilter left = one(depth);
    while (take("and"))
      left = [a = std::move(left), b = one(depth)](const Row& row) { return a(row) && b(row); };
    return left;
  }
  ConnectionFilter one(size_t depth) {
    if (depth == kMostDepth) throw Unclear{"The filter is nested too deeply."};
    if (take("not")) return [a = one(depth + 1)](const Row& row) { return !a(row); };
    if (!take("(")) return comparison();
    ConnectionFilter inner = any(depth + 1);
    if (!take(")")) unclear(")");
    return inner;
  }

  ConnectionFilter comparison() {
    const std::string_view name = next("a field (" + filter_fields() + ")");
    const auto* number = std::ranges::find(kNumbers, name, &NumberField::name);
    if (number == kNumbers.end() && std::ranges::find(kNames, name) == kNames.end()) {
      --at_;
      unclear("a field (" + filter_fields() + ")");
    }
    const std::string_view op = next("=, !=, <, <=, > or >=");
    const bool equality = op == "=" || op == "==" || op == "!=";
    const bool order = op == "<" || op == "<=" || op == ">" || op == ">=";
    if (!equality && !(order && number != kNumbers.end())) {
      --at_;
      unclear(number != kNumbers.end() ? "=, !=, <, <=, > or >=" : "= or !=");
    }
    const std::string_view value = next("a value");
    if (number != kNumbers.end()) return compare_number(*number, op, value);
    ConnectionFilter same = equal(name, value);
    if (op != "!=") return same;
    return [same = std::move(same)](const Row& row) { return !same(row); };
  }

  ConnectionFilter compare_number(const NumberField& field, std::string_view op, std::string_view value) {
    const std::optional<uint64_t> bound = quantity_of(field.quantity, value);
    if (!bound) {
      --at_;
      unclear(example_of(field.quantity));
    }
    return [read = field.value, op = std::string(op), bound = *bound](const Row& row) {
      return holds(op, read(row), bound);
    };
  }

  ConnectionFilter equal(std::string_view name, std::string_view value) {
    if (name == "service") return [text = std::string(value)](const Row& row) { return row.service == text; };
    if (name == "state") {
      const std::optional<std::string_view> state = canonical_state(value);
      if (!state) --at_, unclear("the name of a TCP state, such as established or time-wait");
      return [state = *state](const Row& row) { return tcp::name_of(row.state) == state; };
    }
    if (name == "port") {
      const std::optional<uint64_t> port = config::parse_integer(value);
      if (!port) --at_, unclear("a port's number");
      return [port = *port](const Row& row) {
        return row.flow.local.port == port || row.flow.remote.port == port;
      };
    }
    return equal_address(name == "local", value);
  }

  ConnectionFilter equal_address(bool local, std::string_view value) {
    std::optional<Prefix> prefix = Prefix::parse(value);
    if (const auto address = IpAddress::parse(value); !prefix && address)
      prefix = Prefix{*address, static_cast<uint8_t>(address->is_v4() ? 32 : 128)};
    if (!prefix) --at_, unclear("an address or a prefix, as in 10.1.0.0/16");
    return [local, prefix = *prefix](const Row& row) {
      return prefix.contains(local ? row.flow.local.address : row.flow.remote.address);
    };
  }

  std::vector<std::string_view> tokens_;
  size_t at_ = 0;
};

}  // namespace

std::variant<ConnectionFilter, std::string> parse_filter(std::string_view text) try {
  return Parser(text).parse();
} catch (const Unclear& unclear) {
  return unclear.sentence;
}

std::string filter_fields() {
  std::vector<std::string_view> names(kNames.begin(), kNames.end());
  for (const NumberField& field : kNumbers) names.push_back(field.name);
  std::ranges::sort(names);
  std::string out;
  for (const std::string_view name : names) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

}  // namespace millrace::control

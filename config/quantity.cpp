#include "config/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "config/text.h"

namespace millrace::config {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// Each table is ordered by factor, and the first name of a factor is the one that is written.
constexpr Unit kDurations[] = {
    {"us", 1},           {"ms", 1'000},        {"s", 1'000'000},     {"sec", 1'000'000},
    {"min", 60'000'000}, {"h", 3'600'000'000}, {"d", 86'400'000'000}};
constexpr Unit kSizes[] = {{"", 1},
                           {"B", 1},
                           {"kB", 1'000},
                           {"KiB", 1ULL << 10},
                           {"K", 1ULL << 10},
                           {"k", 1ULL << 10},
                           {"MB", 1'000'000},
                           {"MiB", 1ULL << 20},
                           {"M", 1ULL << 20},
                           {"m", 1ULL << 20},
                           {"GB", 1'000'000'000},
                           {"GiB", 1ULL << 30},
                           {"G", 1ULL << 30},
                           {"g", 1ULL << 30},
                           {"TB", 1'000'000'000'000},
                           {"TiB", 1ULL << 40},
                           {"T", 1ULL << 40}};
constexpr Unit kWrittenSizes[] = {
    {"", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}};
constexpr Unit kRates[] = {{"bit/s", 1},
                           {"kbit/s", 1'000},
                           {"Mbit/s", 1'000'000},
                           {"Gbit/s", 1'000'000'000},
                           {"Tbit/s", 1'000'000'000'000}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// `digits[.digits] unit` as a whole number of the smallest unit; nothing on overflow, on a remainder, on
// junk.
std::optional<uint64_t> parse_scaled(std::string_view text, std::span<const Unit> units) {
  const auto number_end =
      std::find_if(text.begin(), text.end(), [](char c) { return !is_digit(c) && c != '.'; });
  std::string_view number = text.substr(0, static_cast<size_t>(number_end - text.begin()));
  const std::string_view name = trimmed(text.substr(number.size()));
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  if (unit == units.end()) return std::nullopt;

  std::string_view fraction;
  if (const size_t point = number.find('.'); point != std::string_view::npos) {
    fraction = number.substr(point + 1);
    number = number.substr(0, point);
    if (fraction.empty() || fraction.size() > 12) return std::nullopt;
  }
  const std::optional<uint64_t> whole = parse_integer(number);
  uint64_t result = 0;
  if (!whole || __builtin_mul_overflow(*whole, unit->factor, &result)) return std::nullopt;
  if (fraction.empty()) return result;

  const std::optional<uint64_t> part = parse_integer(fraction);
  if (!part) return std::nullopt;
  uint64_t divisor = 1;
  for (size_t i = 0; i < fraction.size(); ++i) divisor *= 10;
  uint64_t scaled = 0;
  if (__builtin_mul_overflow(*part, unit->factor, &scaled) || scaled % divisor != 0) return std::nullopt;
  if (__builtin_add_overflow(result, scaled / divisor, &result)) return std::nullopt;
  return result;
}

// With the largest unit that leaves no remainder.
std::string format_scaled(uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units)
    if (value % unit.factor == 0 && unit.factor > best->factor) best = &unit;
  if (value == 0) return "0";
  return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "on" || text == "yes" || text == "true") return true;
  if (text == "off" || text == "no" || text == "false") return false;
  return std::nullopt;
}

std::optional<uint64_t> parse_integer(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> parse_octal(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> parse_duration(std::string_view text) {
  if (text == "0") return 0;
  return parse_scaled(text, kDurations);
}

std::optional<uint64_t> parse_size(std::string_view text) { return parse_scaled(text, kSizes); }

std::optional<uint64_t> parse_rate(std::string_view text) {
  if (text == "0") return 0;
  return parse_scaled(text, kRates);
}

std::string format_boolean(bool value) { return value ? "on" : "off"; }

std::string format_octal(uint64_t value) {
  if (value == 0) return "0";
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value, 8);
  return '0' + std::string(digits.data(), error == std::errc() ? end : digits.data());
}

std::string format_duration(uint64_t microseconds) {
  // Days and hours are read, not written: `600s` is what people compare with other timers.
  return format_scaled(microseconds, std::span(kDurations).first(4));
}

std::string format_size(uint64_t octets) { return format_scaled(octets, kWrittenSizes); }

std::string format_rate(uint64_t bits_per_second) { return format_scaled(bits_per_second, kRates); }

}  // namespace millrace::config

// Numbers with units as people write them, and back: `200ms`, `64KiB`, `10Gbit/s`, `on`. A fraction is
// allowed where the result is whole (`1.5s`); text that says nothing sensible gives nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::config {

std::optional<bool> parse_boolean(std::string_view text);      // on off yes no true false
std::optional<uint64_t> parse_integer(std::string_view text);  // decimal
std::optional<uint64_t> parse_octal(std::string_view text);    // `0660` or `660`

// Microseconds, from us, ms, s, min, h, d. A bare 0 needs no unit; any other number does.
std::optional<uint64_t> parse_duration(std::string_view text);
// Octets, from B, KiB, MiB, GiB, TiB; k, K, M, G, T alone count by 1024 as in every tool for memory, kB, MB,
// GB by 1000. No unit: octets.
std::optional<uint64_t> parse_size(std::string_view text);
// Bits a second, from bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s, by 1000.
std::optional<uint64_t> parse_rate(std::string_view text);

// The shortest exact writing, which the parser above takes back to the same number.
std::string format_boolean(bool value);
std::string format_octal(uint64_t value);
std::string format_duration(uint64_t microseconds);
std::string format_size(uint64_t octets);
std::string format_rate(uint64_t bits_per_second);

}  // namespace millrace::config

// Text as users write it and as messages show it back: trimmed, escaped, shortened, and the nearest known
// word.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace millrace::config {

std::string_view trimmed(std::string_view text);

// Printable: control characters and octets that are not UTF-8 stand as \xNN, and what passes is unchanged.
std::string escaped(std::string_view text);

// escaped() and cut to about `limit` characters with `...`.
std::string shortened(std::string_view text, size_t limit = 80);

// 'TEXT' as a message names what was given.
std::string quoted(std::string_view text);

bool is_utf8(std::string_view text);

// The word closest to `given` by single-character edits and swaps; empty when none is near enough to be
// meant.
std::string_view nearest(std::string_view given, std::span<const std::string> words);

// `a, b or c`.
std::string listed(std::span<const std::string_view> words);

// A NAME of [port.NAME] or [service.NAME]: 1 to 32 letters, digits, `-` and `_`.
bool is_name(std::string_view text);

}  // namespace millrace::config

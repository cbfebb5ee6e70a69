#include "dpdk/device.h"

#include <algorithm>
#include <charconv>

namespace millrace::dpdk {

Device Device::parse(std::string_view text) {
  Device device;
  const size_t end = std::min(text.find(','), text.size());
  device.name = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, comma);
    const size_t equals = std::min(word.find('='), word.size());
    device.arguments.emplace_back(word.substr(0, equals), word.substr(std::min(equals + 1, word.size())));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return device;
}

std::string Device::argument_text() const {
  std::string text;
  for (const auto& [key, value] : arguments) {
    if (!text.empty()) text += ',';
    text += value.empty() ? key : key + '=' + value;
  }
  return text;
}

std::optional<std::string_view> Device::argument(std::string_view key) const {
  for (const auto& [name_of_one, value] : arguments)
    if (name_of_one == key) return value;
  return std::nullopt;
}

std::optional<uint32_t> Device::number(std::string_view key) const {
  const std::optional<std::string_view> text = argument(key);
  uint32_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

void Device::complete(std::string_view key, std::string_view value) {
  if (!argument(key)) arguments.emplace_back(key, value);
}

}  // namespace millrace::dpdk

#include "control/doctor/host.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace millrace::control::doctor {

namespace {

constexpr size_t kTextLimit = 1 << 20;
constexpr size_t kEntryLimit = 65536;

}  // namespace

std::optional<std::string> Host::text(const std::string& path) const {
  std::error_code error;
  if (std::filesystem::is_directory(root_ / path, error)) return std::nullopt;
  std::ifstream file(root_ / path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string out(kTextLimit, '\0');
  file.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<size_t>(file.gcount()));
  out.erase(out.find_last_not_of(" \t\n") + 1);
  return out;
}

std::optional<uint64_t> Host::number(const std::string& path) const {
  const std::optional<std::string> all = text(path);
  uint64_t value = 0;
  if (!all || std::from_chars(all->data(), all->data() + all->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

std::vector<std::string> Host::lines(const std::string& path) const {
  std::vector<std::string> out;
  std::istringstream all(text(path).value_or(""));
  for (std::string line; std::getline(all, line);) out.push_back(line);
  return out;
}

std::vector<std::string> Host::entries(const std::string& path) const {
  std::vector<std::string> out;
  std::error_code error;
  std::filesystem::directory_iterator at(root_ / path, error);
  for (; !error && at != std::filesystem::directory_iterator() && out.size() < kEntryLimit;
       at.increment(error))
    out.push_back(at->path().filename());
  std::ranges::sort(out);
  return out;
}

std::string Host::link(const std::string& path) const {
  std::error_code error;
  return std::filesystem::read_symlink(root_ / path, error).filename();
}

bool Host::exists(const std::string& path) const {
  std::error_code error;
  return std::filesystem::exists(root_ / path, error);
}

uint64_t count_of_list(std::string_view list) {
  uint64_t count = 0;
  while (!list.empty()) {
    const std::string_view part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(part.size() + 1, list.size()));
    uint64_t first = 0, last = 0;
    const auto begin = std::from_chars(part.data(), part.data() + part.size(), first);
    if (begin.ec != std::errc()) continue;
    const size_t dash = part.find('-');
    if (dash == std::string_view::npos ||
        std::from_chars(part.data() + dash + 1, part.data() + part.size(), last).ec != std::errc())
      last = first;
    if (last >= first) count += last - first + 1;
  }
  return count;
}

std::string size_text(uint64_t bytes) {
  const uint64_t mebibytes = bytes >> 20;
  return mebibytes != 0 && mebibytes % 1024 == 0 ? std::to_string(mebibytes / 1024) + " GiB"
                                                 : std::to_string(mebibytes) + " MiB";
}

std::string counted(uint64_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace millrace::control::doctor

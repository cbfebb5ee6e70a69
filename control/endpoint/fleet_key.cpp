#include "control/endpoint/fleet_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "control/endpoint/entropy.h"
#include "control/process/error.h"
#include "tcp/open/key_ring.h"

namespace millrace::control {

namespace {

constexpr size_t kLeastDigits = 64;
constexpr size_t kMostDigits = 256;
constexpr size_t kMostOctets = 4096;  // of the file
constexpr const char* kMake = "make one by `openssl rand -hex 32`";

struct Descriptor {
  explicit Descriptor(int opened) : fd(opened) {}
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd;
};

std::optional<uint8_t> digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

// The octets of a line, or what is wrong with it. What stands there is never repeated: it is secret.
std::variant<std::vector<uint8_t>, std::string> octets_of(std::string_view line) {
  if (line.size() < kLeastDigits)
    return std::to_string(line.size()) + " digits are too few, 64 are the least; " + kMake;
  if (line.size() > kMostDigits) return "more than 256 digits";
  if (line.size() % 2 != 0) return "an odd number of digits";
  std::vector<uint8_t> octets;
  for (size_t i = 0; i < line.size(); i += 2) {
    const auto high = digit_of(line[i]);
    const auto low = digit_of(line[i + 1]);
    if (!high || !low)
      return "column " + std::to_string(i + (high ? 2 : 1)) + " is no hexadecimal digit; " + kMake;
    octets.push_back(static_cast<uint8_t>(*high << 4 | *low));
  }
  if (std::ranges::all_of(octets, [&](uint8_t octet) { return octet == octets.front(); }))
    return std::string("every octet is the same: that is no secret; ") + kMake;
  return octets;
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = line.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kSpace) - begin + 1);
}

std::optional<std::string> problem_of(const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return "is no regular file";
  if (status.st_uid != 0 && status.st_uid != geteuid()) return "belongs neither to root nor to us; chown it";
  if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0)
    return "can be read or written by others; `chmod 600` or 640 it";
  if (static_cast<size_t>(status.st_size) > kMostOctets) return "is larger than 4096 octets";
  return std::nullopt;
}

}  // namespace

FleetKeys parse_fleet_keys(std::string_view text, const std::string& name) {
  std::vector<Secret> found;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::string where = name + ':' + std::to_string(number) + ": ";
    if (found.size() == 2) return where + "a third secret; one issues and one more is accepted";
    const auto octets = octets_of(line);
    if (const auto* problem = std::get_if<std::string>(&octets)) return where + *problem;
    found.push_back(tcp::make_secret(std::get<std::vector<uint8_t>>(octets)));
  }
  if (found.empty()) return name + " holds no secret; " + kMake;
  Secrets secrets{.issue = found.front(), .accept = {}, .shared = true};
  if (found.size() == 2) secrets.accept = found.back();
  return secrets;
}

FleetKeys read_fleet_keys(const std::string& path) {
  const std::string name = "fleet.key_file " + path;
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.fd < 0) return name + " cannot be read: " + std::strerror(errno);
  struct stat status {};
  if (fstat(file.fd, &status) != 0) return name + " cannot be read: " + std::strerror(errno);
  if (const auto problem = problem_of(status)) return name + ' ' + *problem;
  std::array<char, kMostOctets> text;
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = read(file.fd, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return name + " cannot be read: " + std::strerror(errno);
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  return parse_fleet_keys({text.data(), size}, name);
}

Secrets take_secrets(const config::FleetSettings& settings) {
  if (settings.key_file.empty()) {
    SystemEntropy entropy;
    return draw_secrets(entropy);
  }
  FleetKeys read = read_fleet_keys(settings.key_file);
  if (const auto* problem = std::get_if<std::string>(&read)) throw StartError(*problem);
  return std::get<Secrets>(read);
}

}  // namespace millrace::control

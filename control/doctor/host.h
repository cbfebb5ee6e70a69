// A host as its /sys, /proc and /dev tell of it. They are looked for below any directory, so that the trees
// of a test, of a container or of another machine can be examined like our own. Nothing here changes
// anything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::control::doctor {

class Host {
 public:
  explicit Host(std::filesystem::path root) : root_(std::move(root)) {}

  // `path` has no slash at its start: sys/class/net. What is larger than a page of /proc ever is, is cut.
  std::optional<std::string> text(const std::string& path) const;  // without blanks and newlines at its end
  std::optional<uint64_t> number(const std::string& path) const;
  std::vector<std::string> lines(const std::string& path) const;
  // The names in a directory, sorted; none where there is no such directory.
  std::vector<std::string> entries(const std::string& path) const;
  // The last name of what a symbolic link points to: the driver of sys/bus/pci/devices/ADDRESS/driver.
  std::string link(const std::string& path) const;
  bool exists(const std::string& path) const;

 private:
  std::filesystem::path root_;
};

// How many CPUs or nodes a list of the kernel names: 0-3,8 are five.
uint64_t count_of_list(std::string_view list);
// 2 MiB, 1 GiB; of whole MiB.
std::string size_text(uint64_t bytes);
std::string counted(uint64_t count, std::string_view noun);  // 1 page, 2 pages

}  // namespace millrace::control::doctor

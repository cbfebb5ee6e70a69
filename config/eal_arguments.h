// Words meant for EAL. What one of our keys says as well is taken out and becomes that key, so that there is
// one truth: `-- --no-huge -m 512` is `--set eal.huge_pages=off --set eal.memory_bytes=512MiB`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace millrace::config {

std::vector<std::string> split_words(std::string_view text);

// Assignments for `words`, all of `origin`: of our keys where there is one, of eal.args otherwise.
std::vector<Assignment> from_eal_words(std::span<const std::string> words, const Origin& origin,
                                       Problems& problems);

// The name of [port.NAME] for a device given without one: `net_tap0` of `net_tap0,iface=mr0`, `0000-01-00-0`.
std::string port_name(std::string_view device);

}  // namespace millrace::config

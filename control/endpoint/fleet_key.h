// The secret of cookies: the fleet's, from a file, or one of our own that dies with us. Neighbours:
// endpoint.h (hands it to the shards, and again at SIGHUP), tcp/open/key_ring.h (what is made of it).
#pragma once

#include <string>
#include <variant>

#include "base/secret.h"
#include "config/settings.h"

namespace millrace::control {

// The secrets, or a sentence that says what is wrong with the file and how to mend it.
using FleetKeys = std::variant<Secrets, std::string>;

// Each line that is neither empty nor begins with # holds a secret in hexadecimal digits: 64 to 256 of them.
// The first issues, a second is accepted beside it. `text` is the file's, `name` stands in the sentence.
FleetKeys parse_fleet_keys(std::string_view text, const std::string& name);
// A regular file of ours or root's, which others can neither read nor write.
FleetKeys read_fleet_keys(const std::string& path);

// What the settings say, to start with. Throws StartError.
Secrets take_secrets(const config::FleetSettings& settings);

}  // namespace millrace::control

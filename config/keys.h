// The parts of the table of keys; config/schema.h is what the rest of the room reads.
#pragma once

#include <span>

#include "config/schema.h"

namespace millrace::config {

std::span<const Key> machine_keys();
std::span<const Key> protocol_keys();
std::span<const Key> load_keys();

}  // namespace millrace::config

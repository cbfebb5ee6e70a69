// The blocks of a pcapng file (draft-ietf-opsawg-pcapng), appended to a buffer in the machine's byte order: one
// section with one interface, whose times are nanoseconds. Pure. Neighbours: capture_files.h (writes them out).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dpdk/capture.h"

namespace millrace::control::pcapng {

using Buffer = std::vector<uint8_t>;

struct Interface {
  std::string name;         // of the port
  std::string description;  // device and driver
  std::string filter;       // in the words of pcap-filter(7); empty: none
  uint32_t snap_length = 0;
};

struct Statistics {
  int64_t begun = 0;  // nanoseconds since 1970
  int64_t ended = 0;
  uint64_t received = 0;  // by the capture, whether written or not
  uint64_t dropped = 0;
};

// A section header and an interface: what every file begins with.
void begin_section(Buffer& out, std::string_view application, const Interface& interface);
void append_frame(Buffer& out, const dpdk::CaptureLane::Frame& frame, uint32_t queue);
void append_statistics(Buffer& out, const Statistics& statistics);

}  // namespace millrace::control::pcapng

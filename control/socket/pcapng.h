// The blocks of a pcapng section (draft-ietf-opsawg-pcapng) in the machine's byte order, as a connection
// carries them after the method `capture`: one interface, times in nanoseconds. Pure; written for a socket
// that does not wait, where rte_pcapng (experimental in DPDK 22.11) writes to a descriptor until it is done.
// Neighbours: control/capture/stream.h (sends them), control/cli/capture_files.h (keeps them).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::control::pcapng {

using Buffer = std::vector<uint8_t>;

enum class BlockType : uint32_t {
  SectionHeader = 0x0a0d0d0a,
  InterfaceDescription = 1,
  InterfaceStatistics = 5,
  EnhancedPacket = 6,
};

struct Interface {
  std::string name;         // of the port
  std::string description;  // device and driver
  std::string filter;       // in the words of pcap-filter(7); empty: none
  uint32_t snap_length = 0;
};

enum class Direction : uint32_t { In = 1, Out = 2 };  // epb_flags, bits 0 and 1

struct Frame {
  int64_t time = 0;     // nanoseconds since 1970
  uint32_t length = 0;  // as it was on the link
  Direction direction = Direction::In;
  uint32_t queue = 0;
  std::span<const uint8_t> octets;  // its first
};

// Ends that were asked for.
inline constexpr const char* kClientDone = "the client has enough";
inline constexpr const char* kCountReached = "the count is reached";

struct Statistics {
  int64_t begun = 0;  // nanoseconds since 1970
  int64_t now = 0;
  uint64_t received = 0;  // by the capture, whether written or not
  uint64_t dropped = 0;   // of them
  std::string end;        // the last of the section, and why; empty: it goes on
};

// A section header and an interface: what every file begins with.
void begin_section(Buffer& out, std::string_view application, const Interface& interface);
void append_frame(Buffer& out, const Frame& frame);
void append_statistics(Buffer& out, const Statistics& statistics);

// ---- the other end

struct Block {
  BlockType type;
  std::span<const uint8_t> octets;  // whole, with its lengths
};

// Takes the first block off `stream`; nothing: it has not all come yet. `broken`: it is none, or larger than
// any of ours.
std::optional<Block> take_block(std::span<const uint8_t>& stream, bool& broken);
// Of an InterfaceStatistics block; nothing: it is malformed.
std::optional<Statistics> read_statistics(const Block& block);
// Octets that an EnhancedPacket block's frame had on the link.
uint32_t frame_length(const Block& block);

}  // namespace millrace::control::pcapng

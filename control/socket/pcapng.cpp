#include "control/socket/pcapng.h"

#include <algorithm>
#include <cstring>

namespace millrace::control::pcapng {

namespace {

constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t kEthernet = 1;  // LINKTYPE_ETHERNET
constexpr uint8_t kNanoseconds = 9;
constexpr size_t kMostText = 4096;  // of an option
constexpr size_t kLeastBlock = 12;
constexpr size_t kMostBlock = 128 << 10;  // a frame of 65535 octets and its options are less

// Options, by block.
constexpr uint16_t kEndOfOptions = 0, kComment = 1;
constexpr uint16_t kUserApplication = 4;
constexpr uint16_t kName = 2, kDescription = 3, kTimeResolution = 9, kFilter = 11;
constexpr uint16_t kFlags = 2, kQueue = 6;
constexpr uint16_t kStartTime = 2, kEndTime = 3, kReceived = 4, kDropped = 5;

// One block: its length stands at both ends and is known at the second.
class NewBlock {
 public:
  NewBlock(Buffer& out, BlockType type) : out_(out), begin_(out.size()) {
    number(static_cast<uint32_t>(type));
    number(uint32_t{0});
  }
  NewBlock(const NewBlock&) = delete;
  NewBlock& operator=(const NewBlock&) = delete;
  ~NewBlock() {
    const auto length = static_cast<uint32_t>(out_.size() - begin_ + sizeof(uint32_t));
    std::memcpy(out_.data() + begin_ + sizeof(uint32_t), &length, sizeof length);
    number(length);
  }

  template <typename T>
  void number(T value) {
    octets({reinterpret_cast<const uint8_t*>(&value), sizeof value});
  }
  void octets(std::span<const uint8_t> data) { out_.insert(out_.end(), data.begin(), data.end()); }
  void pad() { out_.resize((out_.size() - begin_ + 3) / 4 * 4 + begin_); }
  void time(int64_t nanoseconds) {
    number(static_cast<uint32_t>(static_cast<uint64_t>(nanoseconds) >> 32));
    number(static_cast<uint32_t>(nanoseconds));
  }

  void option(uint16_t code, std::span<const uint8_t> value) {
    value = value.first(std::min(value.size(), kMostText));
    number(code);
    number(static_cast<uint16_t>(value.size()));
    octets(value);
    pad();
  }
  void text(uint16_t code, std::string_view value) {
    option(code, {reinterpret_cast<const uint8_t*>(value.data()), value.size()});
  }
  template <typename T>
  void number_option(uint16_t code, T value) {
    option(code, {reinterpret_cast<const uint8_t*>(&value), sizeof value});
  }
  void time_option(uint16_t code, int64_t nanoseconds) {
    number(code);
    number(uint16_t{8});
    time(nanoseconds);
  }
  void end_options() { number(uint32_t{kEndOfOptions}); }

 private:
  Buffer& out_;
  const size_t begin_;
};

uint32_t number_at(std::span<const uint8_t> octets, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, octets.data() + at, sizeof value);
  return value;
}

uint64_t time_at(std::span<const uint8_t> octets, size_t at) {
  return uint64_t{number_at(octets, at)} << 32 | number_at(octets, at + 4);
}

uint64_t counter_at(std::span<const uint8_t> octets) {
  uint64_t value = 0;
  std::memcpy(&value, octets.data(), sizeof value);
  return value;
}

void read_option(Statistics& out, uint16_t code, std::span<const uint8_t> value) {
  if (code == kComment) out.end.assign(value.begin(), value.end());
  if (value.size() != sizeof(uint64_t)) return;
  if (code == kStartTime) out.begun = static_cast<int64_t>(time_at(value, 0));
  if (code == kReceived) out.received = counter_at(value);
  if (code == kDropped) out.dropped = counter_at(value);
}

}  // namespace

void begin_section(Buffer& out, std::string_view application, const Interface& interface) {
  {
    NewBlock block(out, BlockType::SectionHeader);
    block.number(kByteOrderMagic);
    block.number(uint16_t{1});  // version 1.0
    block.number(uint16_t{0});
    block.number(int64_t{-1});  // the section's length is not said
    block.text(kUserApplication, application);
    block.end_options();
  }
  NewBlock block(out, BlockType::InterfaceDescription);
  block.number(kEthernet);
  block.number(uint16_t{0});
  block.number(interface.snap_length);
  block.text(kName, interface.name);
  block.text(kDescription, interface.description);
  block.number_option(kTimeResolution, kNanoseconds);
  if (!interface.filter.empty()) block.text(kFilter, std::string(1, '\0') + interface.filter);  // 0: in words
  block.end_options();
}

void append_frame(Buffer& out, const Frame& frame) {
  NewBlock block(out, BlockType::EnhancedPacket);
  block.number(uint32_t{0});  // the interface
  block.time(frame.time);
  block.number(static_cast<uint32_t>(frame.octets.size()));
  block.number(frame.length);
  block.octets(frame.octets);
  block.pad();
  block.number_option(kFlags, static_cast<uint32_t>(frame.direction));
  block.number_option(kQueue, frame.queue);
  block.end_options();
}

void append_statistics(Buffer& out, const Statistics& statistics) {
  NewBlock block(out, BlockType::InterfaceStatistics);
  block.number(uint32_t{0});
  block.time(statistics.now);
  block.time_option(kStartTime, statistics.begun);
  if (!statistics.end.empty()) {
    block.time_option(kEndTime, statistics.now);
    block.text(kComment, statistics.end);
  }
  block.number_option(kReceived, statistics.received);
  block.number_option(kDropped, statistics.dropped);
  block.end_options();
}

std::optional<Block> take_block(std::span<const uint8_t>& stream, bool& broken) {
  if (stream.size() < 2 * sizeof(uint32_t)) return std::nullopt;
  const size_t length = number_at(stream, sizeof(uint32_t));
  broken = length < kLeastBlock || length > kMostBlock || length % 4 != 0;
  if (broken || stream.size() < length) return std::nullopt;
  const Block block{static_cast<BlockType>(number_at(stream, 0)), stream.first(length)};
  broken = number_at(block.octets, length - sizeof(uint32_t)) != length;
  if (broken) return std::nullopt;
  stream = stream.subspan(length);
  return block;
}

std::optional<Statistics> read_statistics(const Block& block) {
  constexpr size_t kFixed = 20;  // type, length, interface, time
  if (block.octets.size() < kFixed + sizeof(uint32_t)) return std::nullopt;
  Statistics out;
  out.now = static_cast<int64_t>(time_at(block.octets, 12));
  std::span<const uint8_t> options =
      block.octets.subspan(kFixed, block.octets.size() - kFixed - sizeof(uint32_t));
  while (options.size() >= sizeof(uint32_t)) {
    uint16_t code = 0, length = 0;
    std::memcpy(&code, options.data(), sizeof code);
    std::memcpy(&length, options.data() + sizeof code, sizeof length);
    options = options.subspan(sizeof(uint32_t));
    if (code == kEndOfOptions) break;
    if (options.size() < (length + size_t{3}) / 4 * 4) return std::nullopt;
    read_option(out, code, options.first(length));
    options = options.subspan((length + size_t{3}) / 4 * 4);
  }
  return out;
}

uint32_t frame_length(const Block& block) {
  constexpr size_t kLength = 24;  // after type, length, interface, time and octets kept
  return block.octets.size() < kLength + 2 * sizeof(uint32_t) ? 0 : number_at(block.octets, kLength);
}

}  // namespace millrace::control::pcapng

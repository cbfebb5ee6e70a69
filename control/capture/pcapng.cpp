#include "control/capture/pcapng.h"

#include <algorithm>
#include <cstring>

namespace millrace::control::pcapng {

namespace {

constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint32_t kInterfaceDescription = 1;
constexpr uint32_t kInterfaceStatistics = 5;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint16_t kEthernet = 1;  // LINKTYPE_ETHERNET
constexpr uint8_t kNanoseconds = 9;

// Options, by block.
constexpr uint16_t kEndOfOptions = 0;
constexpr uint16_t kUserApplication = 4;
constexpr uint16_t kName = 2, kDescription = 3, kTimeResolution = 9, kFilter = 11;
constexpr uint16_t kFlags = 2, kQueue = 6;
constexpr uint16_t kStartTime = 2, kEndTime = 3, kReceived = 4, kDropped = 5;

// One block: its length stands at both ends and is known at the second.
class Block {
 public:
  Block(Buffer& out, uint32_t type) : out_(out), begin_(out.size()) {
    number(type);
    number(uint32_t{0});
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
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
    value = value.first(std::min<size_t>(value.size(), 4096));
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

}  // namespace

void begin_section(Buffer& out, std::string_view application, const Interface& interface) {
  {
    Block block(out, kSectionHeader);
    block.number(kByteOrderMagic);
    block.number(uint16_t{1});  // version 1.0
    block.number(uint16_t{0});
    block.number(int64_t{-1});  // the section's length is not said
    block.text(kUserApplication, application);
    block.end_options();
  }
  Block block(out, kInterfaceDescription);
  block.number(kEthernet);
  block.number(uint16_t{0});
  block.number(interface.snap_length);
  block.text(kName, interface.name);
  block.text(kDescription, interface.description);
  block.number_option(kTimeResolution, kNanoseconds);
  if (!interface.filter.empty()) block.text(kFilter, std::string(1, '\0') + interface.filter);  // 0: in words
  block.end_options();
}

void append_frame(Buffer& out, const dpdk::CaptureLane::Frame& frame, uint32_t queue) {
  Block block(out, kEnhancedPacket);
  block.number(uint32_t{0});  // the interface
  block.time(frame.time);
  block.number(static_cast<uint32_t>(frame.octets.size()));
  block.number(frame.length);
  block.octets(frame.octets);
  block.pad();
  block.number_option(kFlags, static_cast<uint32_t>(frame.direction));
  block.number_option(kQueue, queue);
  block.end_options();
}

void append_statistics(Buffer& out, const Statistics& statistics) {
  Block block(out, kInterfaceStatistics);
  block.number(uint32_t{0});
  block.time(statistics.ended);
  block.time_option(kStartTime, statistics.begun);
  block.time_option(kEndTime, statistics.ended);
  block.number_option(kReceived, statistics.received);
  block.number_option(kDropped, statistics.dropped);
  block.end_options();
}

}  // namespace millrace::control::pcapng

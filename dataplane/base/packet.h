// A frame in memory, owned by exactly one holder at a time.
//
//   from the link (dpdk/, sim/)   the shard owns it from the burst on
//   from PacketPool::allocate     whoever allocated it, until moved into a PacketBatch
//   in a PacketBatch              the link; it gives it to the driver or releases it
//   in a receive queue            the connection, until the application has consumed its payload
//
// A Packet is the only thing that knows that it may be an mbuf, and only its pool knows how.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"

namespace millrace {

class Packet;

// Where packets come from and return to. One pool serves one lcore; nothing here is thread safe.
class PacketPool {
 public:
  PacketPool() = default;
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;
  virtual ~PacketPool() = default;

  // An empty packet (length 0), or one that tests false when the pool is exhausted.
  virtual Packet allocate() = 0;

 protected:
  friend class Packet;
  virtual void release(void* handle) noexcept = 0;
};

// What is known of a received frame's checksums before the software looks (LINKS.md has what each link says).
enum class RxChecksum : uint8_t {
  Unknown,  // verify in software
  Good,     // verified, or waived by the link's contract
  Bad,      // the device found it wrong
};

class Packet {
 public:
  Packet() = default;
  // Takes over `handle`, whose `length` octets at `data` may grow to `capacity`.
  Packet(PacketPool* pool, void* handle, uint8_t* data, uint32_t length, uint32_t capacity)
      : pool_(pool), handle_(handle), data_(data), length_(length), capacity_(capacity) {}
  Packet(Packet&& other) noexcept
      : pool_(other.pool_),
        handle_(std::exchange(other.handle_, nullptr)),
        data_(other.data_),
        length_(other.length_),
        capacity_(other.capacity_),
        rx_checksum(other.rx_checksum),
        tx_l4_checksum(other.tx_l4_checksum),
        priority(other.priority) {}
  Packet& operator=(Packet&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = other.pool_;
      handle_ = std::exchange(other.handle_, nullptr);
      data_ = other.data_;
      length_ = other.length_;
      capacity_ = other.capacity_;
      rx_checksum = other.rx_checksum;
      tx_l4_checksum = other.tx_l4_checksum;
      priority = other.priority;
    }
    return *this;
  }
  ~Packet() { reset(); }

  explicit operator bool() const { return handle_ != nullptr; }
  uint8_t* data() const { return data_; }
  uint32_t length() const { return length_; }
  uint32_t capacity() const { return capacity_; }
  std::span<uint8_t> bytes() const { return {data_, length_}; }
  void set_length(uint32_t length) {
    MILLRACE_CHECK(length <= capacity_);
    length_ = length;
  }

  // Gives the packet back to its pool.
  void reset() {
    if (handle_ != nullptr) pool_->release(std::exchange(handle_, nullptr));
  }
  // Hands the pool's own object (an mbuf) to the link, which now owns it.
  void* detach() { return std::exchange(handle_, nullptr); }
  PacketPool* pool() const { return pool_; }

 private:
  PacketPool* pool_ = nullptr;
  void* handle_ = nullptr;
  uint8_t* data_ = nullptr;
  uint32_t length_ = 0;
  uint32_t capacity_ = 0;

 public:
  RxChecksum rx_checksum = RxChecksum::Unknown;
  // The TCP checksum field holds the pseudo-header's sum and the device shall finish it.
  bool tx_l4_checksum = false;
  uint8_t priority = 0;  // PCP of the tag that it gets on a VLAN (IEEE 802.1Q)
};

// Packets on their way to the link, in order. Bounded: what does not fit is refused and stays the caller's.
class PacketBatch {
 public:
  explicit PacketBatch(size_t capacity) : capacity_(capacity) { packets_.reserve(capacity); }
  bool full() const { return packets_.size() == capacity_; }
  size_t size() const { return packets_.size(); }
  size_t room() const { return capacity_ - packets_.size(); }
  bool push(Packet&& packet) {
    if (full()) return false;
    packets_.push_back(std::move(packet));
    return true;
  }
  std::span<Packet> packets() { return packets_; }
  void clear() { packets_.clear(); }

 private:
  size_t capacity_;
  std::vector<Packet> packets_;
};

// A bounded pool on the heap, for simulations and tests: it counts what is out.
class HeapPool final : public PacketPool {
 public:
  HeapPool(size_t packets, uint32_t capacity);
  ~HeapPool() override;
  Packet allocate() override;
  size_t outstanding() const { return outstanding_; }

 private:
  void release(void* handle) noexcept override;

  uint32_t capacity_;
  size_t outstanding_ = 0;
  std::unique_ptr<uint8_t[]> memory_;
  std::vector<uint8_t*> free_;
};

}  // namespace millrace

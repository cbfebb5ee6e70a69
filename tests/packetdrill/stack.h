// A shard with its descriptor layer under a virtual clock: what packetdrill talks to, without threads.
// Neighbours: threads.h puts them in front, wire.h has the link.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "app/socket/sockets.h"
#include "base/entropy.h"
#include "flags.h"
#include "shard/shard.h"

namespace millrace::packetdrill {

// Descriptors that the kernel will not give to anybody else meanwhile.
class KernelNumbers final : public socket::Numbers {
 public:
  int take() override;
  void give_back(int number) override;
};

class Stack {
 public:
  explicit Stack(const Flags& flags);

  socket::Sockets& sockets() { return sockets_; }
  shard::Shard& shard() { return shard_; }
  Instant now() const { return now_; }
  Instant next_deadline() const { return shard_.next_deadline(); }

  // Does all there is to do at this instant.
  void settle();
  // Moves the clock without settling; not backwards, and not past next_deadline().
  void set_now(Instant now) { now_ = now; }

  // A bare IP packet from outside; false: it is none.
  bool inject(std::span<const uint8_t> packet);
  struct Sent {
    Instant at;
    std::vector<uint8_t> packet;
  };
  std::deque<Sent>& sent() { return sent_; }

  // Accepts packets for, and connections from, this address.
  void own(const IpAddress& address);

  Flags flags;
  // After a change of flags.settings.
  void apply_settings() { shard_.set_tcp_params(flags.settings.tcp); }

 private:
  void take_out();

  Instant now_{Micros{1'000'000'000}};
  SeededEntropy entropy_{1};
  HeapPool transmit_pool_{1024, 2048};
  HeapPool receive_pool_{128, 66'000};
  PacketBatch out_{1024};
  std::vector<Packet> in_;
  std::deque<Sent> sent_;
  shard::Shard shard_;
  KernelNumbers numbers_;
  socket::Sockets sockets_{shard_, numbers_};
};

}  // namespace millrace::packetdrill

#include "stack.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "wire.h"

namespace millrace::packetdrill {

int KernelNumbers::take() { return ::open("/dev/null", O_RDWR | O_CLOEXEC); }
void KernelNumbers::give_back(int number) { ::close(number); }

Stack::Stack(const Flags& given)
    : flags(given), shard_(given.shard_params(), wire::Checksum::Software, transmit_pool_, entropy_, now_) {}

void Stack::own(const IpAddress& address) {
  if (address.is_unspecified() || address.is_multicast() || address.is_broadcast()) return;
  shard_.add_address({address, static_cast<uint8_t>(address.is_v4() ? 32 : 128)});
}

bool Stack::inject(std::span<const uint8_t> packet) {
  const auto frame = framed(packet);
  if (!frame) return false;
  own(destination_of(packet));
  Packet taken = receive_pool_.allocate();
  if (!taken || frame->size() > taken.capacity()) return false;
  std::memcpy(taken.data(), frame->data(), frame->size());
  taken.set_length(static_cast<uint32_t>(frame->size()));
  in_.push_back(std::move(taken));
  settle();
  return true;
}

// What the shard has sent: the link's own frames are answered here, packets queue for the tool.
void Stack::take_out() {
  for (Packet& packet : out_.packets()) {
    const std::span<const uint8_t> frame = packet.bytes();
    if (const auto answer = gateway_answer(frame)) {
      Packet reply = receive_pool_.allocate();
      std::memcpy(reply.data(), answer->data(), answer->size());
      reply.set_length(static_cast<uint32_t>(answer->size()));
      in_.push_back(std::move(reply));
    } else if (!is_link_business(frame)) {
      sent_.push_back({now_, {frame.begin() + 14, frame.end()}});
    }
  }
  out_.clear();
}

void Stack::settle() {
  constexpr int kIterations = 10'000;  // an iteration that never ends is a defect, and shows as one
  for (int i = 0; i < kIterations; ++i) {
    std::vector<Packet> burst = std::move(in_);
    in_.clear();
    shard_.receive(burst, now_, out_);
    burst.clear();
    shard_.expire(now_, out_);
    shard_.run(now_);
    shard_.transmit(now_, out_);
    take_out();
    if (in_.empty() && !shard_.busy() && shard_.next_deadline() > now_) return;
  }
}

}  // namespace millrace::packetdrill

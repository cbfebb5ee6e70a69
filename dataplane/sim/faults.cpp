#include "sim/faults.h"

#include <algorithm>
#include <array>

#include "base/packet.h"

namespace millrace::sim {

std::string_view name_of(Fate fate) {
  constexpr std::array<std::string_view, 5> kNames = {"arrived", "lost", "overflown", "corrupted",
                                                      "duplicate"};
  return kNames[static_cast<size_t>(fate)];
}

bool Faults::script_done() const {
  return std::all_of(script_.begin(), script_.end(), [](const Running& running) {
    return running.matched >= running.fault.nth + running.fault.count - 1;
  });
}

FaultDecision Faults::decide(std::span<const uint8_t> frame) {
  FaultDecision decision;
  decision.lose = happens(rates_.loss_ppm);
  if (rates_.burst_begins_ppm != 0 && lost_in_a_burst()) decision.lose = true;
  decision.duplicate = happens(rates_.duplication_ppm);
  decision.corrupt = happens(rates_.corruption_ppm);
  const auto jitter = static_cast<uint64_t>(rates_.jitter.count());
  if (happens(rates_.reordering_ppm)) decision.extra_delay = Micros{1 + static_cast<int64_t>(below(jitter))};
  if (decision.duplicate) decision.duplicate_delay = Micros{static_cast<int64_t>(below(jitter + 1))};
  if (!script_.empty()) decide_by_script(frame, decision);
  return decision;
}

bool Faults::lost_in_a_burst() {
  bad_ = bad_ ? !happens(rates_.burst_ends_ppm) : happens(rates_.burst_begins_ppm);
  return bad_ && happens(rates_.burst_loss_ppm);
}

void Faults::decide_by_script(std::span<const uint8_t> frame, FaultDecision& decision) {
  const wire::Frame view = frame_view(frame);
  for (Running& running : script_) {
    const ScriptedFault& fault = running.fault;
    if (running.matched >= fault.nth + fault.count - 1 || !fault.match(view)) continue;
    if (++running.matched < fault.nth) continue;
    switch (fault.action) {
      case ScriptedFault::Action::Lose:
        decision.lose = true;
        break;
      case ScriptedFault::Action::Duplicate:
        decision.duplicate = true;
        decision.duplicate_delay += fault.hold;
        break;
      case ScriptedFault::Action::Corrupt:
        decision.corrupt = true;
        break;
      case ScriptedFault::Action::Hold:
        decision.extra_delay += fault.hold;
        break;
    }
  }
}

void Faults::corrupt(std::vector<uint8_t>& frame) {
  if (frame.empty()) return;
  const uint64_t place = below(frame.size());
  switch (below(4)) {
    case 0:
      frame.resize(place);
      break;
    case 1:
      frame[place] = static_cast<uint8_t>(frame[place] ^ (1 + below(255)));
      break;
    default:
      frame[place] = static_cast<uint8_t>(frame[place] ^ (1U << below(8)));
      break;
  }
}

wire::Frame frame_view(std::span<const uint8_t> octets) {
  wire::Frame frame;
  if (octets.size() < 14) return frame;
  std::array<uint8_t, 6> mac;
  std::copy_n(octets.begin(), 6, mac.begin());
  const auto length = static_cast<uint32_t>(octets.size());
  // Without a handle the packet owns nothing and nothing is given back; parsing does not write.
  Packet packet(nullptr, nullptr, const_cast<uint8_t*>(octets.data()), length, length);
  packet.rx_checksum = RxChecksum::Good;
  wire::parse_frame(packet, {.mac = MacAddress(mac), .mtu = 0xffff}, frame);
  return frame;
}

bool is_tcp(const wire::Frame& frame) { return frame.kind == wire::FrameKind::Tcp; }
bool is_syn(const wire::Frame& frame) {
  return is_tcp(frame) && frame.tcp.flags.syn() && !frame.tcp.flags.ack();
}
bool is_syn_ack(const wire::Frame& frame) {
  return is_tcp(frame) && frame.tcp.flags.syn() && frame.tcp.flags.ack();
}
bool is_fin(const wire::Frame& frame) { return is_tcp(frame) && frame.tcp.flags.fin(); }
bool is_rst(const wire::Frame& frame) { return is_tcp(frame) && frame.tcp.flags.rst(); }
bool has_payload(const wire::Frame& frame) { return is_tcp(frame) && frame.tcp.payload_length != 0; }
bool is_bare_ack(const wire::Frame& frame) {
  return is_tcp(frame) && frame.tcp.flags == wire::kAck && frame.tcp.payload_length == 0;
}

}  // namespace millrace::sim

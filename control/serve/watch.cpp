#include "control/serve/watch.h"

namespace millrace::control {

Watch::Watch(std::string interface, bool on_host) {
  if (interface.empty())
    peer_ = "`ethtool -K PEER tx off`, PEER being the interface at the other end of the link";
  else if (on_host)
    peer_ = "`ethtool -K PEER tx off`, PEER being the interface at the other end of " + interface;
  else
    peer_ = "`ethtool -K " + interface + " tx off`";
  if (on_host && !interface.empty()) own_ = ", and `ethtool -K " + interface + " gro off lro off` here";
}

std::optional<uint64_t> Watch::risen(Sign& sign, uint64_t count, Time now) {
  if (count == sign.said || (sign.when && now - *sign.when < kSilence)) return std::nullopt;
  const uint64_t by = count - sign.said;
  sign = {count, now};
  return by;
}

std::vector<std::string> Watch::look(std::span<const Counters* const> shards, Time now) {
  uint64_t unfinished = 0;
  uint64_t too_long = 0;
  for (const Counters* counters : shards) {
    unfinished += counters->peer_checksum_unfinished.value();
    too_long += counters->dropped(DropReason::FrameTooLong);
  }
  std::vector<std::string> sentences;
  if (const auto by = risen(unfinished_, unfinished, now))
    sentences.push_back(
        std::to_string(*by) +
        " frames dropped whose TCP checksum the peer left to its hardware; switch that off at the peer: " +
        peer_);
  if (const auto by = risen(too_long_, too_long, now))
    sentences.push_back(
        std::to_string(*by) +
        " frames dropped that are larger than the port's MTU, for the peer leaves segmentation to its "
        "hardware; switch that off at the peer: " +
        peer_ + own_);
  return sentences;
}

std::optional<std::string> LinkWatch::look(bool up, Time now) {
  if (up != up_) ++untold_;
  up_ = up;
  if (untold_ == 0) return std::nullopt;
  if (now - window_ >= kWindow) {
    window_ = now;
    said_ = 0;
  }
  if (said_ == kSentences) return std::nullopt;
  ++said_;
  const std::string times = untold_ > 1 ? ", after " + std::to_string(untold_) + " changes" : "";
  untold_ = 0;
  return device_ + ": the link is " + (up ? "up" : "down") + times;
}

}  // namespace millrace::control

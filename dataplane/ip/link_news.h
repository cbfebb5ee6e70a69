// What one shard of ours has heard on the link or decided, for the others: a frame of ARP or ND reaches one
// queue alone. Neighbours: neighbor_input.h and duplicate_address.h fill it, shard/steer.cpp passes it on.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/address.h"

namespace millrace::ip {

// Of an address of ours (RFC 4862 §2).
enum class AddressState : uint8_t {
  Tentative,  // the link is being asked for it: neither answered for nor spoken from
  Preferred,  // in use
  Duplicate,  // another host has it: not used
};

struct LinkNews {
  enum class Kind : uint8_t {
    Neighbor,  // `mac` answers for `address`
    Address,   // `address`, ours, is in `state` now
  };
  Kind kind = Kind::Neighbor;
  AddressState state = AddressState::Preferred;
  bool override_ = true;  // RFC 4861 §4.4
  IpAddress address{};
  MacAddress mac{};
};

class NewsBoard {
 public:
  // From now on somebody fetches what is told.
  void share() { sharing_ = true; }
  bool sharing() const { return sharing_; }
  void tell(const LinkNews& news) {
    if (!sharing_ || (news.kind == LinkNews::Kind::Neighbor && news_.size() >= kNeighbors)) return;
    news_.push_back(news);
  }
  bool empty() const { return news_.empty(); }
  std::vector<LinkNews> take() { return std::exchange(news_, {}); }

 private:
  // A burst brings no more than that: a flood of announcements is not worth another lcore's time. News of
  // addresses are as few as these.
  static constexpr size_t kNeighbors = 32;
  bool sharing_ = false;
  std::vector<LinkNews> news_;
};

}  // namespace millrace::ip

// What the tests of both sides of Fast Open have in common.
#pragma once

#include "scene.h"
#include "tcp/open/fast_open.h"
#include "wire/build.h"

namespace millrace::conformance {

class FastOpenScene : public Scene {
 protected:
  // One that nobody has issued.
  static wire::FastOpenCookie any_cookie(uint8_t length = 8) {
    wire::FastOpenCookie cookie;
    cookie.length = length;
    for (size_t i = 0; i < length; ++i) cookie.octets[i] = static_cast<uint8_t>(0xc0 + i);
    return cookie;
  }
  // The peer's octets from `first` on.
  static std::vector<uint8_t> stream_of(Seq first, uint32_t octets) {
    std::vector<uint8_t> out;
    for (uint32_t i = 0; i < octets; ++i) out.push_back(Peer::octet_at(first + i));
    return out;
  }
};

}  // namespace millrace::conformance

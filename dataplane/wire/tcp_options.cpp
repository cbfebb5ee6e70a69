// Reading and writing TCP options. Neighbours: tcp.cpp and build.cpp.
#include "wire/tcp_options.h"

#include <algorithm>

#include "wire/bytes.h"
#include "wire/parse.h"

namespace millrace::wire {

namespace {

constexpr uint8_t kEnd = 0, kNop = 1, kMss = 2, kWindowScale = 3, kSackPermitted = 4, kSack = 5,
                  kTimestamps = 8, kUserTimeout = 28, kFastOpen = 34, kExperimental = 254;
constexpr uint8_t kMssLength = 4, kWindowScaleLength = 3, kSackPermittedLength = 2, kSackBlock = 8,
                  kTimestampsLength = 10, kUserTimeoutLength = 4;
constexpr uint16_t kFastOpenExid = 0xf989;  // RFC 6994's registry: TCP Fast Open before RFC 7413

// The layout that RFC 7323 appendix A recommends, and nearly every segment has.
constexpr uint32_t kAlignedTimestamps =
    (uint32_t{kNop} << 24) | (uint32_t{kNop} << 16) | (uint32_t{kTimestamps} << 8) | kTimestampsLength;

void read_sack(const uint8_t* blocks, size_t octets, TcpOptions& out) {
  if (octets == 0 || octets % kSackBlock != 0) return;
  out.sack_count = static_cast<uint8_t>(std::min(octets / kSackBlock, out.sack.size()));
  for (size_t i = 0; i < out.sack_count; ++i, blocks += kSackBlock)
    out.sack[i] = {Seq(get32(blocks)), Seq(get32(blocks + 4))};
}

// RFC 7413 §4.1.1: nothing, or an even number of octets from 4 to 16; other lengths count as no option.
[[gnu::cold]] void read_fast_open(const uint8_t* cookie, size_t octets, bool experimental, TcpOptions& out) {
  const bool valid =
      octets % 2 == 0 && octets <= FastOpenCookie::kMost && (octets == 0 || octets >= FastOpenCookie::kLeast);
  if (!valid || (experimental && out.fast_open)) return;
  FastOpenCookie& read = out.fast_open.emplace();
  read.length = static_cast<uint8_t>(octets);
  read.experimental = experimental;
  std::copy_n(cookie, octets, read.octets.begin());
}

// One option of a known or unknown kind, whose length has been checked against the header.
void read_option(const uint8_t* option, uint8_t length, TcpOptions& out) {
  const uint8_t* value = option + 2;
  switch (option[0]) {
    case kMss:
      if (length == kMssLength) out.mss = Mss(get16(value));
      break;
    case kWindowScale:
      if (length == kWindowScaleLength) out.window_scale = WindowScale(value[0]);
      break;
    case kSackPermitted:
      if (length == kSackPermittedLength) out.sack_permitted = true;
      break;
    case kSack:
      read_sack(value, size_t{length} - 2U, out);
      break;
    case kTimestamps:
      if (length == kTimestampsLength) out.timestamps = Timestamps{get32(value), get32(value + 4)};
      break;
    case kUserTimeout:
      if (length == kUserTimeoutLength) out.user_timeout = get16(value);
      break;
    case kFastOpen:
      read_fast_open(value, size_t{length} - 2U, false, out);
      break;
    case kExperimental:
      if (length >= 4 && get16(value) == kFastOpenExid)
        read_fast_open(value + 2, size_t{length} - 4U, true, out);
      break;
    default:  // RFC 9293 §3.1 MUST-6: unknown kinds are passed over
      break;
  }
}

// SACK blocks that the 40 octets have room for.
uint32_t sack_blocks(const TcpOptions& options) {
  const uint32_t room = options.timestamps ? 3 : 4;
  return std::min<uint32_t>(options.sack_count, room);
}

uint8_t* write_timestamps(uint8_t* out, const Timestamps& timestamps) {
  out[0] = kTimestamps;
  out[1] = kTimestampsLength;
  put32(out + 2, timestamps.value);
  put32(out + 6, timestamps.echo_reply);
  return out + kTimestampsLength;
}

uint8_t* write_nops(uint8_t* out, int count) {
  for (; count > 0; --count) *out++ = kNop;
  return out;
}

uint8_t* write_sack_permitted(uint8_t* out) {
  *out++ = kSackPermitted;
  *out++ = kSackPermittedLength;
  return out;
}

uint32_t fast_open_length(const FastOpenCookie& cookie) {
  return (cookie.experimental ? 4U : 2U) + cookie.length;
}

uint32_t padding(uint32_t octets) { return -octets & 3; }

// The padding goes last: middleboxes know the layout that Linux gives this option.
[[gnu::cold]] uint8_t* write_fast_open(uint8_t* out, const FastOpenCookie& cookie) {
  const uint32_t length = fast_open_length(cookie);
  *out++ = cookie.experimental ? kExperimental : kFastOpen;
  *out++ = static_cast<uint8_t>(length);
  if (cookie.experimental) {
    put16(out, kFastOpenExid);
    out += 2;
  }
  out = std::copy_n(cookie.octets.begin(), cookie.length, out);
  return write_nops(out, static_cast<int>(padding(length)));
}

uint8_t* write_syn_options(uint8_t* out, const TcpOptions& options) {
  if (options.mss) {
    out[0] = kMss;
    out[1] = kMssLength;
    put16(out + 2, options.mss->octets());
    out += kMssLength;
  }
  if (options.timestamps) {
    out = options.sack_permitted ? write_sack_permitted(out) : write_nops(out, 2);
    out = write_timestamps(out, *options.timestamps);
  } else if (options.sack_permitted) {
    out = write_sack_permitted(write_nops(out, 2));
  }
  if (options.window_scale) {
    out = write_nops(out, 1);
    *out++ = kWindowScale;
    *out++ = kWindowScaleLength;
    *out++ = options.window_scale->shift();
  }
  if (options.fast_open) out = write_fast_open(out, *options.fast_open);
  return out;
}

}  // namespace

bool parse_tcp_options(std::span<const uint8_t> options, TcpOptions& out) {
  out.clear();
  if (options.empty()) return true;
  const uint8_t* at = options.data();
  const uint8_t* const end = at + options.size();
  if (options.size() == 12 && get32(at) == kAlignedTimestamps) [[likely]] {
    out.timestamps = Timestamps{get32(at + 4), get32(at + 8)};
    return true;
  }
  while (at < end) {
    if (*at == kEnd) return true;
    if (*at == kNop) {
      ++at;
      continue;
    }
    // RFC 9293 §3.1 MUST-7: an illegal length is no reason to fall over; the segment is dropped.
    if (end - at < 2 || at[1] < 2 || at[1] > end - at) return false;
    read_option(at, at[1], out);
    at += at[1];
  }
  return true;
}

uint32_t tcp_options_length(const TcpOptions& options, bool syn) {
  uint32_t length = options.timestamps ? 2 + kTimestampsLength : 0;
  if (syn) {
    if (options.mss) length += kMssLength;
    if (options.sack_permitted && !options.timestamps) length += 2 + kSackPermittedLength;
    if (options.window_scale) length += 1 + kWindowScaleLength;
    if (options.fast_open) {
      const uint32_t octets = fast_open_length(*options.fast_open);
      length += octets + padding(octets);
    }
  } else if (options.sack_count != 0) {
    length += 4 + sack_blocks(options) * kSackBlock;
  }
  return length;
}

uint8_t* write_tcp_options(uint8_t* out, const TcpOptions& options, bool syn) {
  if (syn) return write_syn_options(out, options);
  if (options.timestamps) {
    put32(out, kAlignedTimestamps);
    put32(out + 4, options.timestamps->value);
    put32(out + 8, options.timestamps->echo_reply);
    out += 12;
  }
  if (options.sack_count != 0) {
    const uint32_t blocks = sack_blocks(options);
    out = write_nops(out, 2);
    *out++ = kSack;
    *out++ = static_cast<uint8_t>(2 + blocks * kSackBlock);
    for (uint32_t i = 0; i < blocks; ++i, out += kSackBlock) {
      put32(out, options.sack[i].left.raw());
      put32(out + 4, options.sack[i].right.raw());
    }
  }
  return out;
}

}  // namespace millrace::wire

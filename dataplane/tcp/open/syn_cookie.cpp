#include "tcp/open/syn_cookie.h"

#include <algorithm>
#include <cstring>

#include "tcp/transfer/ecn.h"

namespace millrace::tcp {

namespace {

// Every fourth can stand in a sequence number alone; the ones between need the timestamp. Ethernet's, with
// and without PPPoE or a tunnel, jumbo frames, the defaults of RFC 9293 §3.7.1 and the loopback's.
using MssTable = std::array<uint16_t, 32>;
constexpr MssTable kMssV4 = {48,   88,   128,  172,  216,  296,  376,  456,   536,   724,  900,
                             1100, 1220, 1240, 1280, 1320, 1360, 1380, 1400,  1420,  1440, 1448,
                             1452, 1456, 1460, 1960, 4312, 7960, 8960, 16344, 32768, 65495};
constexpr MssTable kMssV6 = {48,   128,  256,  384,  536,  724,  900,  1100,  1220,  1240, 1260,
                             1300, 1340, 1360, 1370, 1380, 1400, 1410, 1420,  1428,  1432, 1434,
                             1436, 1438, 1440, 1940, 4292, 7940, 8940, 16324, 32748, 65475};
static_assert(std::is_sorted(kMssV4.begin(), kMssV4.end()) && std::is_sorted(kMssV6.begin(), kMssV6.end()));

constexpr const MssTable& table_of(Family family) { return family == Family::V4 ? kMssV4 : kMssV6; }

// The largest entry that is not larger, never more than the peer announced; below the least, the least: the
// stack sends no smaller segments anyhow (negotiation.cpp).
uint8_t mss_index(uint16_t mss, Family family, bool fine) {
  const MssTable& table = table_of(family);
  const auto above = std::upper_bound(table.begin(), table.end(), mss);
  const auto index = static_cast<uint8_t>(std::max<ptrdiff_t>(above - table.begin() - 1, 0));
  return fine ? index : index & ~3U;
}

constexpr uint32_t kTimestampBits = 0xff;
constexpr uint8_t kNoScale = 15;  // RFC 7323 §2.3: 14 is the largest
constexpr unsigned kMacShift = 5;

constexpr uint8_t kEcnBit = 0x80, kSackBit = 0x10;

uint8_t timestamp_bits(const wire::Segment& syn, uint8_t index) {
  const wire::TcpOptions& kept = syn.options;
  const uint8_t scale = kept.window_scale ? std::min<uint8_t>(kept.window_scale->shift(), 14) : kNoScale;
  return static_cast<uint8_t>((is_ecn_setup_syn(syn) ? kEcnBit : 0U) | (index & 3U) << 5 |
                              (kept.sack_permitted ? kSackBit : 0U) | scale);
}

// What of a cookie is not MAC.
struct Content {
  uint8_t mss_bits = 0;        // in the sequence number
  uint8_t timestamp_bits = 0;  // in TSval
  bool timestamps = false;
};

uint32_t mac_of(const KeyRing::Key& key, const wire::FlowAddress& flow, Seq irs, WindowScale our_scale,
                const Content& content) {
  std::array<uint8_t, 44> input{};
  std::memcpy(input.data(), flow.local.address.octets().data(), 16);
  std::memcpy(input.data() + 16, flow.remote.address.octets().data(), 16);
  const auto put = [&input](size_t at, uint32_t value, size_t octets) {
    for (size_t i = 0; i < octets; ++i) input[at + i] = static_cast<uint8_t>(value >> (8 * i));
  };
  put(32, flow.local.port, 2);
  put(34, flow.remote.port, 2);
  put(36, irs.raw(), 4);
  put(40, our_scale.shift(), 1);
  put(41, content.mss_bits, 1);
  put(42, content.timestamp_bits, 1);
  put(43, content.timestamps ? 1 : 0, 1);
  return static_cast<uint32_t>(KeyRing::mac(key, input) >> (32 + kMacShift));
}

uint16_t default_mss(Family family) {
  return (family == Family::V4 ? kDefaultMssV4 : kDefaultMssV6).octets();
}

}  // namespace

void keep_by_cookie(wire::Segment& syn, const TcpParams& params) {
  const Family family = syn.flow.remote.address.family();
  wire::TcpOptions& kept = syn.options;
  if (!params.timestamps) kept.timestamps.reset();
  if (!kept.timestamps) {
    kept.window_scale.reset();
    kept.sack_permitted = false;
    refuse_ecn(syn);
  }
  const bool announced = kept.mss && *kept.mss != Mss(0);
  const uint16_t mss = announced ? kept.mss->octets() : default_mss(family);
  kept.mss = Mss(table_of(family)[mss_index(mss, family, kept.timestamps.has_value())]);
}

Seq cookie_isn(const KeyRing& keys, const wire::Segment& syn, WindowScale our_scale) {
  const Family family = syn.flow.remote.address.family();
  const bool timestamps = syn.options.timestamps.has_value();
  const uint8_t index = mss_index(syn.options.mss.value_or(Mss(0)).octets(), family, timestamps);
  const Content content{.mss_bits = static_cast<uint8_t>(index >> 2),
                        .timestamp_bits = timestamps ? timestamp_bits(syn, index) : uint8_t{0},
                        .timestamps = timestamps};
  const KeyRing::Key& key = keys.current();
  return Seq(mac_of(key, syn.flow, syn.seq, our_scale, content) << kMacShift |
             static_cast<uint32_t>(key.epoch & 3) << 3 | content.mss_bits);
}

uint32_t cookie_timestamp(uint32_t clock, const wire::Segment& syn) {
  const Family family = syn.flow.remote.address.family();
  const uint8_t index = mss_index(syn.options.mss.value_or(Mss(0)).octets(), family, true);
  const uint32_t value = (clock & ~kTimestampBits) | timestamp_bits(syn, index);
  // Never ahead of the clock: what follows must not look older to the peer (RFC 7323 §5.3).
  return static_cast<int32_t>(value - clock) > 0 ? value - (kTimestampBits + 1) : value;
}

std::optional<wire::Segment> syn_of_cookie(const KeyRing& keys, const wire::Segment& ack,
                                           WindowScale our_scale, const TcpParams& params) {
  const uint32_t cookie = (ack.ack - 1).raw();
  const Seq irs = ack.seq - 1;
  Content content{.mss_bits = static_cast<uint8_t>(cookie & 7)};
  content.timestamps = params.timestamps && ack.options.timestamps.has_value();
  if (content.timestamps)
    content.timestamp_bits = static_cast<uint8_t>(ack.options.timestamps->echo_reply & kTimestampBits);
  // RFC 4987 §3.6: nothing but the key vouches for it.
  const bool genuine = std::ranges::any_of(keys.accepted(), [&](const KeyRing::Key& key) {
    return (key.epoch & 3) == (cookie >> 3 & 3) &&
           mac_of(key, ack.flow, irs, our_scale, content) == cookie >> kMacShift;
  });
  if (!genuine) return std::nullopt;

  wire::Segment syn;
  syn.flow = ack.flow;
  syn.seq = irs;
  syn.flags = wire::kSyn;
  syn.window = ack.window;
  const auto index = static_cast<size_t>(content.mss_bits << 2 | (content.timestamp_bits >> 5 & 3));
  syn.options.mss = Mss(table_of(ack.flow.remote.address.family())[index]);
  if (!content.timestamps) return syn;
  syn.options.timestamps = wire::Timestamps{.value = ack.options.timestamps->value, .echo_reply = 0};
  syn.options.sack_permitted = (content.timestamp_bits & kSackBit) != 0;
  if ((content.timestamp_bits & kEcnBit) != 0) syn.flags = syn.flags | wire::kEce | wire::kCwr;
  const auto scale = static_cast<uint8_t>(content.timestamp_bits & 0xf);
  if (scale != kNoScale) syn.options.window_scale = WindowScale(scale);
  return syn;
}

}  // namespace millrace::tcp

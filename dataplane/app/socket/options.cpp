#include "app/socket/options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>

#include "app/socket/tcp_info.h"

namespace millrace::socket {

namespace {

// Numbers of Linux that glibc 2.36 does not name.
constexpr int kSoMeminfo = 55, kTcpInq = 36, kTcpTxDelay = 37;

// A value as getsockopt() gives and setsockopt() takes it.
struct Value {
  uint8_t octets[512] = {};
  socklen_t length = 0;  // while getsockopt() asks: the caller's room

  int as_int() const {
    int value = 0;
    std::memcpy(&value, octets, sizeof value);
    return value;
  }
  template <typename T>
  T as() const {
    T value{};
    std::memcpy(&value, octets, sizeof value);
    return value;
  }
  template <typename T>
  void set(const T& value) {
    static_assert(sizeof(T) <= sizeof octets);
    std::memcpy(octets, &value, sizeof value);
    length = sizeof value;
  }
};

using Getter = int (*)(Socket&, Value&);        // an errno, 0: done
using Setter = int (*)(Socket&, const Value&);  // likewise

struct Option {
  int level;
  int name;
  socklen_t size;  // the least that setsockopt() must bring
  Getter get;      // nullptr: ENOPROTOOPT
  Setter set;      // nullptr: ENOPROTOOPT
};

// ---- the common shapes: a flag or a number of Settings, between bounds

template <auto Member>
int get_number(Socket& socket, Value& value) {
  value.set(static_cast<int>(socket.settings().*Member));
  return 0;
}

// What the shard has, where the socket says nothing.
template <auto Member, auto Default>
int get_or_default(Socket& socket, Value& value) {
  const auto& own = socket.settings().*Member;
  value.set(own ? static_cast<int>(*own) : static_cast<int>(Default(socket.shared().stack.tcp_params())));
  return 0;
}
constexpr auto kKeepAlive = [](const TcpParams& tcp) { return tcp.keepalive; };
constexpr auto kKeepIdle = [](const TcpParams& tcp) { return tcp.keepalive_idle / 1s; };
constexpr auto kKeepInterval = [](const TcpParams& tcp) { return tcp.keepalive_interval / 1s; };
constexpr auto kKeepCount = [](const TcpParams& tcp) { return tcp.keepalive_probes; };
constexpr auto kSynCount = [](const TcpParams& tcp) { return tcp.syn_retries; };
constexpr auto kFinWait2 = [](const TcpParams& tcp) { return tcp.fin_wait_2_timeout / 1s; };
constexpr auto kNoDelay = [](const TcpParams& tcp) { return !tcp.nagle; };
constexpr auto kHopLimit = [](const TcpParams& tcp) { return tcp.hop_limit; };
constexpr auto kTrafficClass = [](const TcpParams& tcp) { return tcp.dscp << 2; };
constexpr auto kDiscover = [](const TcpParams&) { return IP_PMTUDISC_WANT; };

template <auto Member>
int set_flag(Socket& socket, const Value& value) {
  socket.settings().*Member = value.as_int() != 0;
  socket.apply_settings();
  return 0;
}

// Linux pushes what is queued, corked or not.
int set_no_delay(Socket& socket, const Value& value) {
  socket.settings().no_delay = value.as_int() != 0;
  socket.apply_settings();
  if (socket.connection() != nullptr && value.as_int() != 0) socket.connection()->set_cork(false);
  return 0;
}

int set_quick_ack(Socket& socket, const Value& value) {
  socket.settings().quick_ack = value.as_int() != 0;
  if (socket.connection() != nullptr) socket.connection()->set_quick_ack(socket.settings().quick_ack);
  return 0;
}

template <auto Member, int Least, int Most>
int set_number(Socket& socket, const Value& value) {
  const int number = value.as_int();
  if (number < Least || number > Most) return EINVAL;
  socket.settings().*Member =
      static_cast<std::remove_reference_t<decltype(socket.settings().*Member)>>(number);
  socket.apply_settings();
  return 0;
}

// ---- SOL_SOCKET

int get_error(Socket& socket, Value& value) {
  value.set(socket.take_error());
  return 0;
}

int get_linger(Socket& socket, Value& value) {
  value.set(
      ::linger{.l_onoff = socket.settings().linger ? 1 : 0, .l_linger = socket.settings().linger_seconds});
  return 0;
}
int set_linger(Socket& socket, const Value& value) {
  const auto linger = value.as<::linger>();
  socket.settings().linger = linger.l_onoff != 0;
  if (linger.l_onoff != 0) socket.settings().linger_seconds = std::max(0, linger.l_linger);
  socket.apply_settings();
  return 0;
}

template <auto Member>
int get_time(Socket& socket, Value& value) {
  const int64_t micros = (socket.settings().*Member).count();
  value.set(timeval{.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000});
  return 0;
}
template <auto Member>
int set_time(Socket& socket, const Value& value) {
  const auto time = value.as<timeval>();
  if (time.tv_usec < 0 || time.tv_usec >= 1'000'000) return EDOM;
  const int64_t seconds = std::clamp<int64_t>(time.tv_sec, 0, int64_t{1} << 31);
  socket.settings().*Member = Micros(seconds * 1'000'000 + (time.tv_sec < 0 ? 0 : time.tv_usec));
  return 0;
}

// Linux doubles what is asked for and shows the double; the other half is for its bookkeeping.
constexpr int kSmallestSendBuffer = 4608, kSmallestReceiveBuffer = 2304;

int get_send_buffer(Socket& socket, Value& value) {
  value.set(static_cast<int>(std::min<uint32_t>(2 * socket.send_buffer(), INT_MAX)));
  return 0;
}
int set_send_buffer(Socket& socket, const Value& value) {
  const int asked = std::clamp(value.as_int(), 0, 64 << 20);
  socket.settings().send_buffer = static_cast<uint32_t>(std::max(2 * asked, kSmallestSendBuffer) / 2);
  socket.apply_settings();
  return 0;
}
int get_receive_buffer(Socket& socket, Value& value) {
  const uint32_t octets = socket.connection() != nullptr ? socket.connection()->tcb().cold.receive_buffer
                                                         : socket.settings().receive_buffer;
  value.set(static_cast<int>(std::min<uint32_t>(2 * octets, INT_MAX)));
  return 0;
}
int set_receive_buffer(Socket& socket, const Value& value) {
  const int asked = std::clamp(value.as_int(), 0, 64 << 20);
  socket.settings().receive_buffer = static_cast<uint32_t>(std::max(2 * asked, kSmallestReceiveBuffer) / 2);
  socket.apply_settings();
  return 0;
}

int set_low_water(Socket& socket, const Value& value) {
  const int octets = value.as_int();
  socket.settings().receive_low_water = octets < 0 ? INT_MAX : std::max(1, octets);
  return 0;
}

template <int Constant>
int get_constant(Socket&, Value& value) {
  value.set(Constant);
  return 0;
}
int get_domain(Socket& socket, Value& value) {
  value.set(socket.domain());
  return 0;
}
int get_accepts(Socket& socket, Value& value) {
  value.set(socket.listening() ? 1 : 0);
  return 0;
}
int get_meminfo(Socket& socket, Value& value) {
  uint32_t words[9] = {};
  words[0] = socket.readable_bytes();
  words[1] = socket.settings().receive_buffer;
  words[2] = socket.queued_bytes();
  words[3] = socket.send_buffer();
  words[5] = socket.queued_bytes();
  value.set(words);
  return 0;
}
// Linux wants CAP_NET_ADMIN for more; PCP has room for 7, which is the network's own.
int set_priority(Socket& socket, const Value& value) {
  if (value.as_int() < 0 || value.as_int() > 6) return EPERM;
  return set_number<&Settings::priority, 0, 6>(socket, value);
}

// ---- IPPROTO_TCP

int get_max_segment(Socket& socket, Value& value) {
  // RFC 9293 §3.7.1's default until a connection knows better; Linux answers likewise.
  const int asked = socket.settings().max_segment;
  value.set(socket.connection() != nullptr ? int{socket.connection()->tcb().hot.mss}
            : asked != 0                   ? asked
                                           : 536);
  return 0;
}
int set_max_segment(Socket& socket, const Value& value) {
  constexpr int kLeast = 88, kMost = 32767;
  const int octets = value.as_int();
  if (octets != 0 && (octets < kLeast || octets > kMost)) return EINVAL;
  socket.settings().max_segment = octets;
  socket.apply_settings();
  return 0;
}

int get_info(Socket& socket, Value& value) {
  value.set(tcp_info(socket));
  return 0;
}
int get_cc_info(Socket&, Value& value) {
  value.length = 0;  // as Linux answers for NewReno
  return 0;
}

// Linux's names.
struct CongestionName {
  std::string_view name;
  CongestionControl algorithm;
};
constexpr CongestionName kCongestionNames[] = {{"reno", CongestionControl::NewReno},
                                               {"cubic", CongestionControl::Cubic},
                                               {"bbr", CongestionControl::Bbr}};

int get_congestion(Socket& socket, Value& value) {
  constexpr socklen_t kName = 16;  // TCP_CA_NAME_MAX
  const CongestionControl algorithm =
      socket.settings().congestion.value_or(socket.shared().stack.tcp_params().congestion_control);
  const auto* found = std::ranges::find(kCongestionNames, algorithm, &CongestionName::algorithm);
  if (found != std::end(kCongestionNames)) std::memcpy(value.octets, found->name.data(), found->name.size());
  value.length = kName;
  return 0;
}
int set_congestion(Socket& socket, const Value& value) {
  const auto* text = reinterpret_cast<const char*>(value.octets);
  const std::string_view name(text, strnlen(text, std::min<size_t>(value.length, 15)));
  const auto* found = std::ranges::find(kCongestionNames, name, &CongestionName::name);
  if (found == std::end(kCongestionNames)) return ENOENT;
  socket.settings().congestion = found->algorithm;
  socket.apply_settings();
  return 0;
}

int get_not_sent(Socket& socket, Value& value) {
  value.set(socket.settings().not_sent_low_water);
  return 0;
}
int set_not_sent(Socket& socket, const Value& value) {
  socket.settings().not_sent_low_water = value.as<uint32_t>();
  return 0;
}

int set_user_timeout(Socket& socket, const Value& value) {
  const int milliseconds = value.as_int();
  if (milliseconds < 0) return EINVAL;
  socket.settings().user_timeout_ms = static_cast<uint32_t>(milliseconds);
  socket.apply_settings();
  return 0;
}

int set_fast_open(Socket& socket, const Value& value) {
  if (value.as_int() < 0) return EINVAL;
  socket.settings().fast_open_queue = value.as_int();
  socket.apply_settings();
  return 0;
}

int set_fast_open_connect(Socket& socket, const Value& value) {
  if (value.as_int() != 0 && !socket.shared().stack.fast_open_room({})) return EOPNOTSUPP;
  return set_number<&Settings::fast_open_connect, 0, 1>(socket, value);
}

int set_linger2(Socket& socket, const Value& value) {
  const int seconds = std::clamp(value.as_int(), -1, 120);
  socket.settings().linger2_seconds = seconds == 0 ? std::nullopt : std::optional<int>(seconds);
  socket.apply_settings();
  return 0;
}

int set_window_clamp(Socket& socket, const Value& value) {
  constexpr int kLeast = 1152;  // Linux's
  if (value.as_int() < 0 || (value.as_int() == 0 && socket.connection() != nullptr)) return EINVAL;
  socket.settings().window_clamp = value.as_int() == 0 ? 0 : std::max(value.as_int(), kLeast);
  socket.apply_settings();
  return 0;
}

int set_defer_accept(Socket& socket, const Value& value) {
  socket.settings().defer_accept_seconds = std::max(0, value.as_int());
  return 0;
}

int set_hop_limit(Socket& socket, const Value& value) {
  const int hops = value.as_int();
  if (hops < -1 || hops > 255) return EINVAL;
  socket.settings().hop_limit = hops == -1 ? std::nullopt : std::optional<int>(hops);
  socket.apply_settings();
  return 0;
}

// The two bits of ECN are TCP's own (RFC 3168 §6.1), as Linux has it for TCP.
constexpr int kDiffserv = 0xfc;

int set_tos(Socket& socket, const Value& value) {
  socket.settings().tos = value.as_int() & kDiffserv;
  socket.apply_settings();
  return 0;
}
int set_traffic_class(Socket& socket, const Value& value) {
  const int octet = value.as_int();
  if (octet < -1 || octet > 255) return EINVAL;
  socket.settings().traffic_class = octet == -1 ? std::nullopt : std::optional<int>(octet & kDiffserv);
  socket.apply_settings();
  return 0;
}

// Over IPv6 nobody fragments what we send: IPV6_PMTUDISC_DONT cannot be had.
int set_mtu_discover6(Socket& socket, const Value& value) {
  if (value.as_int() == IPV6_PMTUDISC_DONT) return EINVAL;
  return set_number<&Settings::mtu_discover6, IPV6_PMTUDISC_WANT, IPV6_PMTUDISC_OMIT>(socket, value);
}
int set_ttl(Socket& socket, const Value& value) {
  const int ttl = value.as_int();
  if (ttl != -1 && (ttl < 1 || ttl > 255)) return EINVAL;
  socket.settings().ttl = ttl == -1 ? std::nullopt : std::optional<int>(ttl);
  socket.apply_settings();
  return 0;
}

// Linux's unsigned long, or 32 bits of it; all ones: no limit. (0 is none either, for nothing would ever leave.)
int get_max_pacing_rate(Socket& socket, Value& value) {
  const uint64_t rate = socket.settings().max_pacing_rate.value_or(~uint64_t{0});
  if (value.length >= sizeof rate)
    value.set(rate);
  else
    value.set(static_cast<uint32_t>(std::min<uint64_t>(rate, UINT32_MAX)));
  return 0;
}
int set_max_pacing_rate(Socket& socket, const Value& value) {
  const bool wide = value.length >= sizeof(uint64_t);
  const uint64_t rate = wide ? value.as<uint64_t>() : value.as<uint32_t>();
  const bool none = rate == 0 || rate == (wide ? UINT64_MAX : UINT32_MAX);
  socket.settings().max_pacing_rate = none ? std::nullopt : std::optional<uint64_t>(rate);
  socket.apply_settings();
  return 0;
}

// ---- the table

constexpr socklen_t kInt = sizeof(int);
constexpr int kTcp = IPPROTO_TCP;
using S = Settings;

constexpr Option kOptions[] = {
    {SOL_SOCKET, SO_REUSEADDR, kInt, get_number<&S::reuse_address>, set_flag<&S::reuse_address>},
    {SOL_SOCKET, SO_REUSEPORT, kInt, get_number<&S::reuse_port>, set_flag<&S::reuse_port>},
    {SOL_SOCKET, SO_KEEPALIVE, kInt, get_or_default<&S::keep_alive, kKeepAlive>, set_flag<&S::keep_alive>},
    {SOL_SOCKET, SO_OOBINLINE, kInt, get_number<&S::oob_inline>, set_flag<&S::oob_inline>},
    {SOL_SOCKET, SO_LINGER, sizeof(::linger), get_linger, set_linger},
    {SOL_SOCKET, SO_SNDBUF, kInt, get_send_buffer, set_send_buffer},
    {SOL_SOCKET, SO_RCVBUF, kInt, get_receive_buffer, set_receive_buffer},
    {SOL_SOCKET, SO_RCVLOWAT, kInt, get_number<&S::receive_low_water>, set_low_water},
    {SOL_SOCKET, SO_SNDLOWAT, kInt, get_constant<1>, nullptr},
    {SOL_SOCKET, SO_RCVTIMEO, sizeof(timeval), get_time<&S::receive_timeout>, set_time<&S::receive_timeout>},
    {SOL_SOCKET, SO_SNDTIMEO, sizeof(timeval), get_time<&S::send_timeout>, set_time<&S::send_timeout>},
    // No SO_MARK: there are no rules that would look at a mark.
    {SOL_SOCKET, SO_PRIORITY, kInt, get_number<&S::priority>, set_priority},
    {SOL_SOCKET, SO_MAX_PACING_RATE, kInt, get_max_pacing_rate, set_max_pacing_rate},
    {SOL_SOCKET, SO_ERROR, kInt, get_error, nullptr},
    {SOL_SOCKET, SO_TYPE, kInt, get_constant<SOCK_STREAM>, nullptr},
    {SOL_SOCKET, SO_PROTOCOL, kInt, get_constant<IPPROTO_TCP>, nullptr},
    {SOL_SOCKET, SO_DOMAIN, kInt, get_domain, nullptr},
    {SOL_SOCKET, SO_ACCEPTCONN, kInt, get_accepts, nullptr},
    {SOL_SOCKET, kSoMeminfo, kInt, get_meminfo, nullptr},
    {kTcp, TCP_NODELAY, kInt, get_or_default<&S::no_delay, kNoDelay>, set_no_delay},
    {kTcp, TCP_CORK, kInt, get_number<&S::cork>, set_flag<&S::cork>},
    {kTcp, TCP_QUICKACK, kInt, get_number<&S::quick_ack>, set_quick_ack},
    {kTcp, TCP_MAXSEG, kInt, get_max_segment, set_max_segment},
    {kTcp, TCP_KEEPIDLE, kInt, get_or_default<&S::keep_idle_seconds, kKeepIdle>,
     set_number<&S::keep_idle_seconds, 1, 32767>},
    {kTcp, TCP_KEEPINTVL, kInt, get_or_default<&S::keep_interval_seconds, kKeepInterval>,
     set_number<&S::keep_interval_seconds, 1, 32767>},
    {kTcp, TCP_KEEPCNT, kInt, get_or_default<&S::keep_count, kKeepCount>, set_number<&S::keep_count, 1, 127>},
    {kTcp, TCP_SYNCNT, kInt, get_or_default<&S::syn_count, kSynCount>, set_number<&S::syn_count, 1, 127>},
    {kTcp, TCP_LINGER2, kInt, get_or_default<&S::linger2_seconds, kFinWait2>, set_linger2},
    {kTcp, TCP_DEFER_ACCEPT, kInt, get_number<&S::defer_accept_seconds>, set_defer_accept},
    {kTcp, TCP_WINDOW_CLAMP, kInt, get_number<&S::window_clamp>, set_window_clamp},
    {kTcp, TCP_USER_TIMEOUT, kInt, get_number<&S::user_timeout_ms>, set_user_timeout},
    {kTcp, TCP_NOTSENT_LOWAT, kInt, get_not_sent, set_not_sent},
    {kTcp, TCP_CONGESTION, 1, get_congestion, set_congestion},
    {kTcp, TCP_INFO, kInt, get_info, nullptr},
    {kTcp, TCP_CC_INFO, kInt, get_cc_info, nullptr},
    {kTcp, TCP_FASTOPEN, kInt, get_number<&S::fast_open_queue>, set_fast_open},
    {kTcp, TCP_FASTOPEN_CONNECT, kInt, get_number<&S::fast_open_connect>, set_fast_open_connect},
    {kTcp, kTcpInq, kInt, get_number<&S::inquire>, set_number<&S::inquire, 0, 1>},
    {kTcp, kTcpTxDelay, kInt, get_constant<0>, nullptr},
    {IPPROTO_IP, IP_TOS, 1, get_or_default<&S::tos, kTrafficClass>, set_tos},
    {IPPROTO_IP, IP_TTL, 1, get_or_default<&S::ttl, kHopLimit>, set_ttl},
    {IPPROTO_IP, IP_MTU_DISCOVER, 1, get_or_default<&S::mtu_discover, kDiscover>,
     set_number<&S::mtu_discover, IP_PMTUDISC_DONT, IP_PMTUDISC_OMIT>},
    {IPPROTO_IP, IP_FREEBIND, 1, get_number<&S::free_bind>, set_flag<&S::free_bind>},
    {IPPROTO_IP, IP_RECVERR, 1, get_number<&S::receive_errors>, set_flag<&S::receive_errors>},
    {IPPROTO_IPV6, IPV6_V6ONLY, kInt, get_number<&S::v6_only>, set_flag<&S::v6_only>},
    {IPPROTO_IPV6, IPV6_TCLASS, kInt, get_or_default<&S::traffic_class, kTrafficClass>, set_traffic_class},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, kInt, get_or_default<&S::hop_limit, kHopLimit>, set_hop_limit},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, kInt, get_or_default<&S::mtu_discover6, kDiscover>, set_mtu_discover6},
    {IPPROTO_IPV6, IPV6_RECVERR, kInt, get_number<&S::receive_errors6>, set_flag<&S::receive_errors6>},
};

// A socket of IPv4 has no options of IPv6, one of IPv6 has those of IPv4 too, as on Linux.
const Option* find(const Socket& socket, int level, int name) {
  if (level == IPPROTO_IPV6 && socket.domain() == AF_INET) return nullptr;
  const auto* found = std::find_if(std::begin(kOptions), std::end(kOptions), [&](const Option& option) {
    return option.level == level && option.name == name;
  });
  return found == std::end(kOptions) ? nullptr : found;
}

// Linux tells a level that IPv4 does not know from a name, but only to who reads.
int cannot_read(const Socket& socket, int level) {
  const bool known = level == SOL_SOCKET || level == IPPROTO_TCP || level == IPPROTO_IP;
  return known || socket.domain() == AF_INET6 ? ENOPROTOOPT : EOPNOTSUPP;
}

}  // namespace

Outcome get_option(Socket& socket, int level, int name, void* value, socklen_t* length) {
  if (length == nullptr) return Outcome::failed(EFAULT);
  const auto room = static_cast<int>(*length);
  if (room < 0) return Outcome::failed(EINVAL);
  const Option* option = find(socket, level, name);
  if (option == nullptr || option->get == nullptr) return Outcome::failed(cannot_read(socket, level));
  Value answer;
  answer.length = *length;
  if (const int error = option->get(socket, answer); error != 0) return Outcome::failed(error);
  const socklen_t count = std::min(*length, answer.length);
  if (count != 0 && value == nullptr) return Outcome::failed(EFAULT);
  if (count != 0) std::memcpy(value, answer.octets, count);
  *length = count;
  return Outcome::ok();
}

Outcome set_option(Socket& socket, int level, int name, const void* value, socklen_t length) {
  const Option* option = find(socket, level, name);
  if (option == nullptr || option->set == nullptr) return Outcome::failed(ENOPROTOOPT);
  if (length < option->size) return Outcome::failed(EINVAL);
  if (value == nullptr) return Outcome::failed(EFAULT);
  Value given;
  given.length = std::min<socklen_t>(length, sizeof given.octets);
  std::memcpy(given.octets, value, given.length);
  const int error = option->set(socket, given);
  return error == 0 ? Outcome::ok() : Outcome::failed(error);
}

}  // namespace millrace::socket

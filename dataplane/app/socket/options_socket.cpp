// Options of SOL_SOCKET.
#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "app/socket/option.h"

namespace millrace::socket {

namespace {

constexpr int kSoMeminfo = 55;  // which glibc 2.36 does not name

constexpr auto kKeepAlive = [](const TcpParams& tcp) { return tcp.keepalive; };

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

// Linux's unsigned long, or 32 bits of it; all ones: no limit. (0 is none either, for nothing would ever
// leave.)
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
};

}  // namespace

std::span<const Option> socket_options() { return kOptions; }

}  // namespace millrace::socket

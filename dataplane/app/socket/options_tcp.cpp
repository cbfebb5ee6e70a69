// Options of IPPROTO_TCP.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "app/socket/option.h"
#include "app/socket/tcp_info.h"

namespace millrace::socket {

namespace {

constexpr int kTcp = IPPROTO_TCP;
// Numbers of Linux that glibc 2.36 does not name.
constexpr int kTcpInq = 36, kTcpTxDelay = 37;

constexpr auto kKeepIdle = [](const TcpParams& tcp) { return tcp.keepalive_idle / 1s; };
constexpr auto kKeepInterval = [](const TcpParams& tcp) { return tcp.keepalive_interval / 1s; };
constexpr auto kKeepCount = [](const TcpParams& tcp) { return tcp.keepalive_probes; };
constexpr auto kSynCount = [](const TcpParams& tcp) { return tcp.syn_retries; };
constexpr auto kFinWait2 = [](const TcpParams& tcp) { return tcp.fin_wait_2_timeout / 1s; };
constexpr auto kNoDelay = [](const TcpParams& tcp) { return !tcp.nagle; };

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

using S = Settings;

constexpr Option kOptions[] = {
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
};

}  // namespace

std::span<const Option> tcp_options() { return kOptions; }

}  // namespace millrace::socket

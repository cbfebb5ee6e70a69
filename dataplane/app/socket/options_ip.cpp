// Options of IPPROTO_IP and IPPROTO_IPV6.
#include <netinet/in.h>

#include <cerrno>

#include "app/socket/option.h"

namespace millrace::socket {

namespace {

constexpr auto kHopLimit = [](const TcpParams& tcp) { return tcp.hop_limit; };
constexpr auto kTrafficClass = [](const TcpParams& tcp) { return tcp.dscp << 2; };
constexpr auto kDiscover = [](const TcpParams&) { return IP_PMTUDISC_WANT; };

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

using S = Settings;

constexpr Option kOptions[] = {
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

}  // namespace

std::span<const Option> ip_options() { return kOptions; }

}  // namespace millrace::socket

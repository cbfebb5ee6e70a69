#include "control/socket/rows.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "control/socket/methods.h"

namespace millrace::control {

namespace {

constexpr std::array<std::pair<uint8_t, std::string_view>, 8> kFlagNames{{{wire::Flags::kSyn, "SYN"},
                                                                          {wire::Flags::kFin, "FIN"},
                                                                          {wire::Flags::kRst, "RST"},
                                                                          {wire::Flags::kPsh, "PSH"},
                                                                          {wire::Flags::kAck, "ACK"},
                                                                          {wire::Flags::kUrg, "URG"},
                                                                          {wire::Flags::kEce, "ECE"},
                                                                          {wire::Flags::kCwr, "CWR"}}};

void put(json& out, const char* address_key, const char* port_key, const Endpoint& endpoint) {
  out[address_key] = endpoint.address.text();
  out[port_key] = endpoint.port;
}

json options_json(const wire::TcpOptions& options) {
  json out = json::object();
  if (options.mss) out["mss_bytes"] = options.mss->octets();
  if (options.window_scale) out["window_scale"] = options.window_scale->shift();
  if (options.timestamps) {
    out["timestamp_value"] = options.timestamps->value;
    out["timestamp_echo"] = options.timestamps->echo_reply;
  }
  if (options.sack_permitted) out["sack_permitted"] = true;
  if (options.fast_open) out["fast_open_cookie_bytes"] = options.fast_open->length;
  for (uint8_t i = 0; i < options.sack_count && i < options.sack.size(); ++i)
    out["sack"].push_back({options.sack[i].left.raw(), options.sack[i].right.raw()});
  return out;
}

// The readers throw json::exception or std::out_of_range on what is not as written above; trace_row()
// catches.
wire::TcpOptions options_from(const json& in) {
  wire::TcpOptions options;
  if (in.contains("mss_bytes")) options.mss = Mss(in["mss_bytes"].get<uint16_t>());
  if (in.contains("window_scale")) options.window_scale = WindowScale(in["window_scale"].get<uint8_t>());
  if (in.contains("timestamp_value")) {
    options.timestamps =
        wire::Timestamps{in["timestamp_value"].get<uint32_t>(), in.at("timestamp_echo").get<uint32_t>()};
  }
  options.sack_permitted = in.value("sack_permitted", false);
  if (in.contains("fast_open_cookie_bytes"))
    options.fast_open.emplace().length =
        std::min(in["fast_open_cookie_bytes"].get<uint8_t>(), wire::FastOpenCookie::kMost);
  for (const json& block : in.value("sack", json::array())) {
    if (options.sack_count == options.sack.size()) break;
    options.sack[options.sack_count++] = {Seq(block.at(0).get<uint32_t>()), Seq(block.at(1).get<uint32_t>())};
  }
  return options;
}

tcp::State state_from(const std::string& name) {
  for (unsigned i = 0; i < tcp::kStates; ++i)
    if (tcp::name_of(static_cast<tcp::State>(i)) == name) return static_cast<tcp::State>(i);
  throw std::out_of_range("state");
}

wire::Flags flags_from(std::string_view text) {
  wire::Flags flags;
  for (const auto& [bit, name] : kFlagNames)
    if (text.find(name) != std::string_view::npos) flags = flags | wire::Flags(bit);
  return flags;
}

Endpoint endpoint_from(const json& in, const char* address_key, const char* port_key) {
  const auto address = IpAddress::parse(in.at(address_key).get_ref<const std::string&>());
  if (!address) throw std::out_of_range("address");
  return {*address, in.at(port_key).get<uint16_t>()};
}

}  // namespace

std::string flags_text(wire::Flags flags) {
  std::string out;
  for (const auto& [bit, name] : kFlagNames) {
    if ((flags.bits() & bit) == 0) continue;
    if (!out.empty()) out += ',';
    out += name;
  }
  return out.empty() ? "none" : out;
}

json as_json(unsigned shard, const shard::ConnectionRow& row) {
  json out{{"id", std::to_string(shard) + "-" + std::to_string(row.id)},
           {"shard", shard},
           {"state", tcp::name_of(row.state)},
           {"service", row.service},
           {"age_us", row.age.count()},
           {"send_queue_bytes", row.send_queue_bytes},
           {"receive_queue_bytes", row.receive_queue_bytes},
           {"unacknowledged_bytes", row.unacknowledged_bytes},
           {"cwnd_bytes", row.cwnd_bytes},
           {"ssthresh_bytes", row.ssthresh_bytes},
           {"congestion_control", row.congestion_control},
           {"send_window_bytes", row.send_window_bytes},
           {"receive_window_bytes", row.receive_window_bytes},
           {"mss_bytes", row.mss_bytes},
           {"srtt_us", row.srtt.count()},
           {"rttvar_us", row.rttvar.count()},
           {"rto_us", row.rto.count()},
           {"retransmits", row.retransmits},
           {"backoff", row.backoff},
           {"sent_bytes", row.bytes_sent},
           {"received_bytes", row.bytes_received},
           {"timestamps", row.timestamps},
           {"fast_open", row.fast_open},
           {"sack", row.sack},
           {"ecn", row.ecn},
           {"ecn_ce_received", row.ecn_ce_received},
           {"ecn_echoes_received", row.ecn_echoes_received},
           {"ecn_reductions", row.ecn_reductions},
           {"send_scale", row.send_scale},
           {"receive_scale", row.receive_scale}};
  put(out, "local_address", "local_port", row.flow.local);
  put(out, "remote_address", "remote_port", row.flow.remote);
  return out;
}

json as_json(unsigned shard, const shard::ConnectionDetail& detail) {
  json out = as_json(shard, detail.row);
  out.update({{"iss", detail.iss.raw()},
              {"irs", detail.irs.raw()},
              {"snd_una", detail.snd_una.raw()},
              {"snd_nxt", detail.snd_nxt.raw()},
              {"snd_end", detail.snd_end.raw()},
              {"rcv_nxt", detail.rcv_nxt.raw()},
              {"rcv_adv", detail.rcv_adv.raw()},
              {"last_ack_sent", detail.last_ack_sent.raw()},
              {"ts_recent", detail.ts_recent},
              {"largest_send_window_bytes", detail.largest_send_window},
              {"send_buffer_bytes", detail.send_buffer},
              {"receive_buffer_bytes", detail.receive_buffer},
              {"our_mss_bytes", detail.our_mss},
              {"peer_mss_bytes", detail.peer_mss},
              {"timer_in_us", detail.timer_in ? json(detail.timer_in->count()) : json(nullptr)},
              {"heard_ago_us", detail.heard_ago.count()},
              {"retries", detail.retries},
              {"fast_open_result", detail.fast_open},
              {"received_dscp", detail.received_dscp},
              {"active_open", detail.active_open},
              {"fin_queued", detail.fin_queued},
              {"receive_closed", detail.receive_closed},
              {"no_delay", detail.no_delay},
              {"corked", detail.corked}});
  return out;
}

json as_json(unsigned shard, const shard::ListenerRow& row) {
  json out{{"shard", shard},
           {"service", row.name},
           {"half_open", row.half_open},
           {"backlog", row.backlog},
           {"accepted", row.accepted},
           {"open", row.open},
           {"connections_bound", row.connections == 0 ? json(nullptr) : json(row.connections)},
           {"syn_overflows", row.syn_overflows},
           {"accept_overflows", row.accept_overflows},
           {"syn_cookies_sent", row.cookies_sent},
           {"syn_cookies_accepted", row.cookies_accepted},
           {"syn_cookies_rejected", row.cookies_rejected}};
  put(out, "local_address", "local_port", row.local);
  return out;
}

json as_json(unsigned shard, const ip::NeighborRow& row) {
  return {{"shard", shard},
          {"address", row.address.text()},
          {"mac", row.mac.is_zero() ? json(nullptr) : json(row.mac.text())},
          {"state", row.state},
          {"queued_packets", row.queued}};
}

json as_json(unsigned, const ip::AddressRow& row) {
  return {{"address", row.prefix.address.text()}, {"prefix_length", row.prefix.length}, {"state", row.state}};
}

json as_json(unsigned, const ip::RouteRow& row) {
  const auto text = [](const char* said) { return *said == '\0' ? json(nullptr) : json(said); };
  return {{"destination", row.destination.text()},
          {"gateway", row.gateway.is_unspecified() ? json(nullptr) : json(row.gateway.text())},
          {"origin", row.learnt ? "router" : "config"},
          {"preference", text(row.preference)},
          {"state", text(row.state)},
          {"lifetime_us", row.lifetime ? json(row.lifetime->count()) : json(nullptr)}};
}

json as_json(unsigned shard, const shard::TraceRow& row) {
  const wire::Segment& segment = row.segment;
  json out{{"shard", shard},
           {"at_us", row.at.time_since_epoch().count()},
           {"sent", row.sent},
           {"before", tcp::name_of(row.before)},
           {"after", tcp::name_of(row.after)},
           {"seq", segment.seq.raw()},
           {"ack", segment.ack.raw()},
           {"flags", flags_text(segment.flags)},
           {"window_field", segment.window.field()},
           {"urgent_pointer", segment.urgent_pointer},
           {"ecn", segment.ecn},
           {"payload_bytes", segment.payload_length},
           {"options", options_json(segment.options)}};
  put(out, "local_address", "local_port", segment.flow.local);
  put(out, "remote_address", "remote_port", segment.flow.remote);
  return out;
}

std::optional<shard::TraceRow> trace_row(const json& row) try {
  shard::TraceRow out;
  out.at = Instant(Micros(row.at("at_us").get<int64_t>()));
  out.sent = row.at("sent").get<bool>();
  out.before = state_from(row.at("before").get_ref<const std::string&>());
  out.after = state_from(row.at("after").get_ref<const std::string&>());
  wire::Segment& segment = out.segment;
  segment.flow = {endpoint_from(row, "local_address", "local_port"),
                  endpoint_from(row, "remote_address", "remote_port")};
  segment.seq = Seq(row.at("seq").get<uint32_t>());
  segment.ack = Seq(row.at("ack").get<uint32_t>());
  segment.flags = flags_from(row.at("flags").get_ref<const std::string&>());
  segment.window = WireWindow(row.at("window_field").get<uint16_t>());
  segment.urgent_pointer = row.at("urgent_pointer").get<uint16_t>();
  segment.ecn = row.at("ecn").get<uint8_t>();
  segment.payload_length = row.at("payload_bytes").get<uint32_t>();
  segment.options = options_from(row.at("options"));
  return out;
} catch (const json::exception&) {
  return std::nullopt;
} catch (const std::out_of_range&) {
  return std::nullopt;
}

}  // namespace millrace::control

// `conns` in the manner of `ss -tinmo`: a line of addresses and queues, a line of what TCP knows.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/address.h"
#include "control/cli/table.h"
#include "control/cli/views.h"

namespace millrace::control::cli {

namespace {

uint64_t number(const json& row, const char* field) { return row.value(field, uint64_t{0}); }

std::string endpoint_text(const json& row, const char* address, const char* port) {
  const auto text = row.at(address).get<std::string>();
  return text.find(':') == std::string::npos ? fmt::format("{}:{}", text, number(row, port))
                                             : fmt::format("[{}]:{}", text, number(row, port));
}

void add_bytes(std::string& out, const json& row, const char* label, const char* field) {
  if (number(row, field) != 0) out += fmt::format(" {}:{}B", label, number(row, field));
}

// What is zero or unknown is left out, as ss does.
std::string details(const json& row) {
  constexpr uint64_t kNoThreshold =
      1 << 30;  // the largest window there is (RFC 7323 §2.3): slow start has no end
  std::string out = "age:" + duration_text(row.value("age_us", int64_t{0}));
  if (const std::string name = row.value("congestion_control", ""); !name.empty()) out += ' ' + name;
  if (row.value("timestamps", false)) out += " ts";
  if (row.value("sack", false)) out += " sack";
  if (row.value("ecn", false)) out += " ecn";
  if (number(row, "send_scale") != 0 || number(row, "receive_scale") != 0)
    out += fmt::format(" wscale:{},{}", number(row, "send_scale"), number(row, "receive_scale"));
  if (number(row, "rto_us") != 0) out += fmt::format(" rto:{}ms", millis_text(row.at("rto_us")));
  if (number(row, "srtt_us") != 0) {
    out += fmt::format(" rtt:{}/{}ms", millis_text(row.at("srtt_us")),
                       millis_text(row.value("rttvar_us", int64_t{0})));
  }
  if (number(row, "mss_bytes") != 0) out += fmt::format(" mss:{}", number(row, "mss_bytes"));
  add_bytes(out, row, "cwnd", "cwnd_bytes");
  if (number(row, "ssthresh_bytes") < kNoThreshold) add_bytes(out, row, "ssthresh", "ssthresh_bytes");
  add_bytes(out, row, "snd_wnd", "send_window_bytes");
  add_bytes(out, row, "rcv_wnd", "receive_window_bytes");
  add_bytes(out, row, "unacked", "unacknowledged_bytes");
  if (number(row, "retransmits") != 0) out += fmt::format(" retrans:{}", number(row, "retransmits"));
  if (number(row, "ecn_ce_received") != 0) out += fmt::format(" ce:{}", number(row, "ecn_ce_received"));
  if (number(row, "ecn_echoes_received") != 0)
    out += fmt::format(" ece:{} cwr:{}", number(row, "ecn_echoes_received"), number(row, "ecn_reductions"));
  if (number(row, "backoff") != 0) out += fmt::format(" backoff:{}", number(row, "backoff"));
  add_bytes(out, row, "sent", "sent_bytes");
  add_bytes(out, row, "received", "received_bytes");
  return out;
}

}  // namespace

void sort_connections(json& rows, std::string_view key) {
  const auto* found = std::ranges::find(kSortKeys, key, &SortKey::name);
  if (found == std::end(kSortKeys)) return;
  const std::string field(found->field);
  std::stable_sort(rows.begin(), rows.end(), [&](const json& a, const json& b) {
    const json x = a.value(field, json()), y = b.value(field, json());
    return x.is_number() && y.is_number() ? x > y : x < y;
  });
}

std::string connections_text(const json& rows) {
  if (rows.empty()) return "No connections.\n";
  Table table({{"STATE", Align::Left},
               {"RECV-Q", Align::Right},
               {"SEND-Q", Align::Right},
               {"LOCAL", Align::Left},
               {"REMOTE", Align::Left},
               {"SERVICE", Align::Left},
               {"ID", Align::Left}});
  for (const json& row : rows) {
    const auto service = row.value("service", std::string());
    table.add(
        {row.at("state").get<std::string>(), std::to_string(number(row, "receive_queue_bytes")),
         std::to_string(number(row, "send_queue_bytes")), endpoint_text(row, "local_address", "local_port"),
         endpoint_text(row, "remote_address", "remote_port"), service.empty() ? "-" : service,
         row.value("id", std::string())},
        details(row));
  }
  return table.text();
}

std::string connection_title(const json& row) {
  return fmt::format("{} {} {} -> {}", row.value("id", std::string()), row.at("state").get<std::string>(),
                     endpoint_text(row, "local_address", "local_port"),
                     endpoint_text(row, "remote_address", "remote_port"));
}

// One field a line, in the order of the names: what the unit is stands in the name.
std::string connection_text(const json& connection) {
  std::string out = connection_title(connection) + '\n';
  Table table({{"FIELD", Align::Left}, {"VALUE", Align::Left}});
  for (const auto& [name, value] : connection.items()) {
    if (name == "id" || name == "state" || name.ends_with("_address") || name.ends_with("_port")) continue;
    table.add({name, value.is_string() ? value.get<std::string>() : dump(value)});
  }
  return out + table.text();
}

std::string listeners_text(const json& rows) {
  if (rows.empty()) return "Nothing listens.\n";
  Table table({{"SERVICE", Align::Left},
               {"LOCAL", Align::Left},
               {"SHARD", Align::Right},
               {"HALF-OPEN", Align::Right},
               {"BACKLOG", Align::Right},
               {"OVERFLOWS", Align::Right},
               {"COOKIES", Align::Right},
               {"BACK", Align::Right},
               {"ACCEPTED", Align::Right},
               {"OPEN", Align::Right},
               {"REFUSED", Align::Right}});
  for (const json& row : rows) {
    table.add({row.value("service", std::string()), endpoint_text(row, "local_address", "local_port"),
               std::to_string(number(row, "shard")), std::to_string(number(row, "half_open")),
               std::to_string(number(row, "backlog")), std::to_string(number(row, "syn_overflows")),
               std::to_string(number(row, "syn_cookies_sent")),
               std::to_string(number(row, "syn_cookies_accepted")), std::to_string(number(row, "accepted")),
               std::to_string(number(row, "open")), std::to_string(number(row, "accept_overflows"))});
  }
  return table.text();
}

std::string neighbors_text(const json& rows) {
  if (rows.empty()) return "No neighbours are known.\n";
  Table table({{"ADDRESS", Align::Left},
               {"MAC", Align::Left},
               {"STATE", Align::Left},
               {"SHARD", Align::Right},
               {"WAITING", Align::Right}});
  for (const json& row : rows) {
    const json mac = row.value("mac", json());
    table.add({row.at("address").get<std::string>(), mac.is_string() ? mac.get<std::string>() : "-",
               row.value("state", std::string()), std::to_string(number(row, "shard")),
               std::to_string(number(row, "queued_packets"))});
  }
  return table.text();
}

}  // namespace millrace::control::cli

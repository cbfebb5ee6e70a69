// `config get`, `config set`, `reload`, `routes` and `ports` for people.
#include <fmt/format.h>

#include "config/text.h"
#include "control/cli/table.h"
#include "control/cli/views.h"

namespace millrace::control::cli {

namespace {

std::string text_of(const json& row, const char* field) {
  return config::escaped(row.value(field, std::string()));
}

std::string list_of(const json& changes) {
  std::string out;
  for (const json& change : changes) {
    const std::string before = text_of(change, "before"), after = text_of(change, "after");
    out += fmt::format("  {}: {} -> {}\n", text_of(change, "key"), before.empty() ? "(none)" : before,
                       after.empty() ? "(none)" : after);
  }
  return out;
}

std::string joined(const json& words) {
  std::string out;
  for (const json& word : words) out += (out.empty() ? "" : ", ") + word.get<std::string>();
  return out.empty() ? "none" : out;
}

}  // namespace

std::string config_text(const json& rows) {
  Table table({{"KEY", Align::Left}, {"VALUE", Align::Left}, {"CHANGE", Align::Left}, {"FROM", Align::Left}});
  for (const json& row : rows)
    table.add({text_of(row, "key"), text_of(row, "value"), row.value("live", false) ? "live" : "restart",
               text_of(row, "origin")});
  return table.empty() ? "This endpoint does not say how it is configured.\n" : table.text();
}

std::string change_text(const json& reply, bool check) {
  std::string out;
  for (const json& problem : reply.at("problems")) out += config::escaped(problem.get<std::string>()) + '\n';
  if (!out.empty()) return out + "Nothing has changed.\n";
  const json& applied = reply.at("applied");
  const json& restart = reply.at("restart");
  if (!applied.empty())
    out += (check ? "Would change at once:\n" : "Changed, on every shard:\n") + list_of(applied);
  if (!restart.empty()) out += "Needs a restart, and is as it was:\n" + list_of(restart);
  return out.empty() ? "The configuration says what it said before.\n" : out;
}

std::string addresses_text(const json& rows) {
  if (rows.empty()) return "This endpoint has no addresses.\n";
  Table table({{"ADDRESS", Align::Left}, {"STATE", Align::Left}});
  for (const json& row : rows)
    table.add({fmt::format("{}/{}", text_of(row, "address"), row.value("prefix_length", 0)),
               text_of(row, "state")});
  return table.text();
}

std::string routes_text(const json& rows) {
  if (rows.empty()) return "There are no routes.\n";
  Table table({{"DESTINATION", Align::Left},
               {"GATEWAY", Align::Left},
               {"ORIGIN", Align::Left},
               {"PREFERENCE", Align::Left},
               {"STATE", Align::Left},
               {"LIFETIME", Align::Right}});
  for (const json& row : rows) {
    const auto shown = [&](const char* field) { return row.at(field).is_string() ? text_of(row, field) : "-"; };
    const bool learnt = text_of(row, "origin") == "router";
    const json& lifetime = row.at("lifetime_us");
    table.add({text_of(row, "destination"),
               row.at("gateway").is_string() ? text_of(row, "gateway") : "(on the link)", text_of(row, "origin"),
               shown("preference"), shown("state"),
               lifetime.is_number() ? duration_text(lifetime.get<int64_t>()) : learnt ? "forever" : "-"});
  }
  return table.text();
}

std::string ports_text(const json& rows) {
  std::string out;
  for (const json& row : rows) {
    const auto number = [&](const char* field) { return row.value(field, uint64_t{0}); };
    out += fmt::format("{}: {} by driver {}, MAC {}, MTU {}, link {}\n", text_of(row, "name"),
                       text_of(row, "device"), text_of(row, "driver"), text_of(row, "mac"),
                       number("mtu_bytes"), row.value("link_up", false) ? "up" : "down");
    out += fmt::format("  queues     {} of {} receive and {} transmit descriptors\n", number("queues"),
                       number("rx_descriptors"), number("tx_descriptors"));
    out += fmt::format("  bursts     {} of {} were full: more packets were waiting\n", number("rx_full_bursts"),
                       number("rx_bursts"));
    out += fmt::format("  offloads   {}; TCP checksums {}\n", joined(row.value("offloads", json::array())),
                       text_of(row, "tcp_checksum"));
    out += fmt::format("  RSS        {}; first packets where predicted {}, elsewhere {}\n",
                       row.value("rss", false) ? "on" : "off", number("rss_predicted"),
                       number("rss_unpredicted"));
    out += fmt::format("  received   {} packets, {} octets; missed {}, errors {}, without buffer {}\n",
                       number("device_rx_packets"), number("device_rx_bytes"), number("device_rx_missed"),
                       number("device_rx_errors"), number("device_rx_no_buffer"));
    out += fmt::format("  sent       {} packets, {} octets; errors {}\n", number("device_tx_packets"),
                       number("device_tx_bytes"), number("device_tx_errors"));
  }
  return out.empty() ? "This endpoint has no ports.\n" : out;
}

}  // namespace millrace::control::cli

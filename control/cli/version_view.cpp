// `version`: what runs, in a few lines.
#include <fmt/format.h>

#include "control/cli/table.h"
#include "control/cli/views.h"

namespace millrace::control::cli {

namespace {

std::string joined(const json& words) {
  std::string out;
  for (const json& word : words) {
    if (!out.empty()) out += ' ';
    out += word.get<std::string>();
  }
  return out;
}

}  // namespace

std::string version_text(const json& reply) {
  const auto text = [&](const char* field) { return reply.value(field, std::string()); };
  std::string out = fmt::format("Millrace {} (process {}, up {}{})\n", text("version"), reply.value("pid", 0),
                                duration_text(reply.value("uptime_us", int64_t{0})),
                                reply.value("draining", false) ? ", draining" : "");
  if (!text("dpdk").empty()) out += fmt::format("DPDK       {}\n", text("dpdk"));
  if (!text("config").empty()) out += fmt::format("config     {}\n", text("config"));
  out += fmt::format("shards     {}\n", reply.value("shards", 0));
  if (const json addresses = reply.value("addresses", json::array()); !addresses.empty())
    out += fmt::format("addresses  {}\n", joined(addresses));
  for (const json& port : reply.value("ports", json::array())) {
    out += fmt::format("port       {}: {} ({}), {}, MTU {}, queues {}\n", port.value("name", std::string()),
                       port.value("device", std::string()), port.value("driver", std::string()),
                       port.value("mac", std::string()), port.value("mtu_bytes", 0), port.value("queues", 0));
  }
  for (const json& service : reply.value("services", json::array())) {
    out += fmt::format("service    {}: {} on {}\n", service.value("name", std::string()),
                       service.value("kind", std::string()), joined(service.value("listen", json::array())));
  }
  return out;
}

}  // namespace millrace::control::cli

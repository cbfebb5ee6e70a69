// The names and sentences of the application interface's enumerations.
#include <array>
#include <utility>

#include "app/connection.h"
#include "app/handler.h"
#include "app/stack.h"

namespace millrace::app {

std::string_view name_of(CloseReason reason) {
  constexpr std::array<std::string_view, 9> kNames = {"finished",  "reset",          "refused",
                                                      "timed_out", "unreachable",    "aborted",
                                                      "no_memory", "address_in_use", "internal"};
  return kNames[static_cast<size_t>(reason)];
}

std::string_view name_of(SoftError error) {
  constexpr std::array<std::string_view, 10> kNames = {
      "none",       "net_unreachable", "host_unreachable",  "protocol_unreachable", "port_unreachable",
      "prohibited", "time_exceeded",   "parameter_problem", "neighbor_unreachable", "retransmitting"};
  return kNames[static_cast<size_t>(error)];
}

std::string_view name_of(FastOpenResult result) {
  constexpr std::array<std::string_view, 7> kNames = {
      "unused",       "cookie_requested",  "cookie_sent",        "data_acknowledged",
      "data_refused", "syn_retransmitted", "opened_without_data"};
  return kNames[static_cast<size_t>(result)];
}

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kOpenErrors = {{
    {"none", "No error."},
    {"no_route", "No route or no source address leads to the destination."},
    {"no_ports", "Every ephemeral port towards the destination is in use."},
    {"no_memory", "The table of connections is full (memory.connections)."},
    {"address_in_use", "The local endpoint is in use already."},
    {"address_not_ours", "The local address is not configured on this endpoint."},
    {"bad_address", "The address or port cannot be opened: multicast, broadcast, unspecified, or port 0."},
    {"draining", "The endpoint is stopping."},
}};

}  // namespace

std::string_view name_of(OpenError error) { return kOpenErrors[static_cast<size_t>(error)].first; }
std::string_view explain(OpenError error) { return kOpenErrors[static_cast<size_t>(error)].second; }

}  // namespace millrace::app

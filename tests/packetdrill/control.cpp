#include "control.h"

#include <sys/stat.h>

#include <array>
#include <fstream>
#include <sstream>
#include <vector>

namespace millrace::packetdrill {

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

uint64_t number_of(std::string_view text) { return std::strtoull(std::string(text).c_str(), nullptr, 0); }

// How a value of the sysctl becomes one of the key.
using Turn = std::string (*)(std::string_view);

std::string same(std::string_view value) { return std::string(value); }
std::string on_off(std::string_view value) { return number_of(value) != 0 ? "on" : "off"; }
std::string off_on(std::string_view value) { return number_of(value) != 0 ? "off" : "on"; }
std::string seconds(std::string_view value) { return std::to_string(number_of(value)) + "s"; }
std::string milliseconds(std::string_view value) { return std::to_string(number_of(value)) + "ms"; }
template <size_t Index>
std::string word(std::string_view value) {
  const auto words = words_of(value);
  return words.size() > Index ? words[Index] : std::string(value);
}
template <unsigned Bit>
std::string bit(std::string_view value) {
  return (number_of(value) & Bit) != 0 ? "on" : "off";
}
// 0: never, 1: when the queue is full, 2: always.
std::string cookies(std::string_view value) {
  constexpr std::array<const char*, 3> kModes = {"never", "auto", "always"};
  return kModes[std::min<uint64_t>(number_of(value), 2)];
}
// 0: off, 1: asked for, 2: for who asks.
std::string ecn(std::string_view value) {
  constexpr std::array<const char*, 3> kModes = {"off", "on", "passive"};
  return kModes[std::min<uint64_t>(number_of(value), 2)];
}
std::string congestion(std::string_view value) { return value == "reno" ? "newreno" : std::string(value); }

struct Mapping {
  std::string_view sysctl;
  std::string_view key;
  Turn turn;
};

// Linux's names and BSD's. A key that the schema does not have, or not yet, is passed over.
constexpr Mapping kMappings[] = {
    {"net.ipv4.tcp_timestamps", "tcp.timestamps", on_off},
    {"net.ipv4.tcp_window_scaling", "tcp.window_scaling", on_off},
    {"net.ipv4.tcp_sack", "tcp.sack", on_off},
    {"net.ipv4.tcp_dsack", "tcp.dsack", on_off},
    {"net.ipv4.tcp_recovery", "tcp.rack", bit<1>},
    {"net.ipv4.tcp_early_retrans", "tcp.tail_loss_probe", on_off},
    {"net.ipv4.tcp_frto", "tcp.frto", on_off},
    {"net.ipv4.tcp_congestion_control", "tcp.congestion_control", congestion},
    {"net.ipv4.tcp_slow_start_after_idle", "tcp.idle_restart", on_off},
    {"net.ipv4.tcp_ecn", "tcp.ecn", ecn},
    {"net.ipv4.tcp_rmem", "tcp.receive_buffer", word<2>},
    {"net.ipv4.tcp_wmem", "tcp.send_buffer", word<1>},
    {"net.ipv4.tcp_syn_retries", "tcp.syn_retries", same},
    {"net.ipv4.tcp_synack_retries", "tcp.syn_ack_retries", same},
    {"net.ipv4.tcp_retries1", "tcp.report_retries", same},
    {"net.ipv4.tcp_retries2", "tcp.data_retries", same},
    {"net.ipv4.tcp_fin_timeout", "tcp.fin_wait_2_timeout", seconds},
    {"net.ipv4.tcp_keepalive_time", "tcp.keepalive_idle", seconds},
    {"net.ipv4.tcp_keepalive_intvl", "tcp.keepalive_interval", seconds},
    {"net.ipv4.tcp_keepalive_probes", "tcp.keepalive_probes", same},
    {"net.ipv4.tcp_rto_min_us", "tcp.rto_min", [](std::string_view v) { return std::string(v) + "us"; }},
    {"net.ipv4.tcp_syncookies", "tcp.syn_cookies", cookies},
    {"net.ipv4.tcp_abort_on_overflow", "tcp.accept_overflow",
     [](std::string_view v) { return std::string(number_of(v) != 0 ? "reset" : "drop"); }},
    {"net.ipv4.tcp_fastopen", "tcp.fast_open", [](std::string_view v) { return bit<3>(v); }},
    {"net.ipv4.tcp_min_tso_segs", "tcp.push_segments", same},
    {"net.ipv4.tcp_rfc1337", "tcp.time_wait_ignore_rst", on_off},
    {"net.ipv4.tcp_tw_reuse", "tcp.time_wait_reuse", on_off},
    {"net.inet.tcp.delayed_ack", "tcp.quick_ack", off_on},
    {"net.inet.tcp.delacktime", "tcp.delayed_ack", milliseconds},
    {"net.inet.tcp.rfc1323", "tcp.timestamps", on_off},
    {"net.inet.tcp.sack.enable", "tcp.sack", on_off},
    {"net.inet.tcp.recvspace", "tcp.receive_buffer", same},
    {"net.inet.tcp.sendspace", "tcp.send_buffer", same},
    {"net.inet.tcp.msl", "tcp.msl", milliseconds},
    {"kern.ipc.maxsockbuf", "tcp.receive_buffer_max", same},
    {"net.inet.tcp.keepidle", "tcp.keepalive_idle", milliseconds},
    {"net.inet.tcp.keepintvl", "tcp.keepalive_interval", milliseconds},
    {"net.inet.tcp.keepcnt", "tcp.keepalive_probes", same},
    {"net.inet.tcp.always_keepalive", "tcp.keepalive", on_off},
    {"net.inet.tcp.initcwnd_segments", "tcp.initial_window_segments", same},
    {"net.inet.tcp.syncookies", "tcp.syn_cookies", cookies},
};

}  // namespace

bool Control::set(std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, equals);
  bool known = false;
  for (const Mapping& mapping : kMappings) {
    if (mapping.sysctl != name) continue;
    stack_.flags.set(mapping.key, mapping.turn(line.substr(equals + 1)));
    if (name == "net.inet.tcp.rfc1323")
      stack_.flags.set("tcp.window_scaling", mapping.turn(line.substr(equals + 1)));
    known = true;
  }
  // Linux: 0x400 makes every listener one with Fast Open.
  if (name == "net.ipv4.tcp_fastopen")
    stack_.sockets().set_fast_open_queue((number_of(line.substr(equals + 1)) & 0x400) != 0 ? 128 : 0);
  if (known) stack_.apply_settings();
  return known;
}

void Control::command(std::string_view line) {
  if (line == "tcpdrop -s TIME_WAIT") stack_.shard().forget_time_wait();
}

template <typename F>
void Control::read_lines(const char* name, size_t& offset, F&& take) {
  const std::string path = stack_.flags.control_directory + "/" + name;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || static_cast<size_t>(status.st_size) <= offset) return;
  std::ifstream in(path);
  in.seekg(static_cast<std::streamoff>(offset));
  for (std::string line; std::getline(in, line);) take(line);
  offset = static_cast<size_t>(status.st_size);
}

void Control::read() {
  if (stack_.flags.control_directory.empty()) return;
  read_lines("sysctl", sysctl_read_, [this](const std::string& line) { set(line); });
  read_lines("cmd", commands_read_, [this](const std::string& line) { command(line); });
}

namespace {

// TIME_WAIT, as netstat and ss write it.
std::string state_text(tcp::State state) {
  std::string text(tcp::name_of(state));
  for (char& letter : text)
    if (letter == '-') letter = '_';
  return text;
}

}  // namespace

void Control::write() {
  if (stack_.flags.control_directory.empty()) return;
  std::vector<shard::ConnectionRow> rows;
  for (uint64_t cursor = 0;;) {
    cursor = stack_.shard().copy_connections(cursor, 64, rows);
    if (cursor == 0) break;
  }
  std::string text;
  for (const shard::ConnectionRow& row : rows) {
    const bool owned = stack_.sockets().holds(row.flow.local, row.flow.remote);
    text += std::string(row.flow.local.address.is_v4() ? "tcp4" : "tcp6") + (owned ? " 1 " : " 0 ") +
            row.flow.local.address.text() + " " + std::to_string(row.flow.local.port) + " " +
            row.flow.remote.address.text() + " " + std::to_string(row.flow.remote.port) + " " +
            state_text(row.state) + "\n";
  }
  if (text == shown_) return;
  shown_ = text;
  std::ofstream(stack_.flags.control_directory + "/conns") << text;
}

}  // namespace millrace::packetdrill

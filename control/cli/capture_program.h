// A filter in the words of pcap-filter(7), compiled by libpcap on this side of the control socket: the
// endpoint, which may be root, parses no language and looks up no names. Neighbours: dpdk/capture_filter.h
// (runs it).
#pragma once

#include <string>

namespace millrace::control::cli {

// As `tcpdump -ddd` prints it with commas for line ends; empty for an empty filter. Throws Failure.
std::string compile_filter(const std::string& filter);

}  // namespace millrace::control::cli

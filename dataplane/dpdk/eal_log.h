// What DPDK says, kept apart from the terminal: while something is set up its lines are the material of one
// clear sentence, afterwards they go to our log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace millrace::dpdk {

enum class DpdkLevel : uint8_t { Error, Warning, Info, Debug };
// Called on whatever thread speaks; must be thread safe.
using DpdkSink = std::function<void(DpdkLevel, std::string_view line)>;

// Takes DPDK's log over, once in a process; before rte_eal_init.
void capture_dpdk_log();
void set_dpdk_sink(DpdkSink sink);

// A mark in the log, to ask afterwards what went wrong since.
uint64_t dpdk_log_mark();
// The first error since the mark: later ones are what followed from it. Empty: none.
std::string dpdk_error_since(uint64_t mark);

// While it lives, what is written to standard output and error goes into memory: EAL prints its usage there.
class StandardStreamCapture {
 public:
  StandardStreamCapture();
  ~StandardStreamCapture();
  StandardStreamCapture(const StandardStreamCapture&) = delete;
  StandardStreamCapture& operator=(const StandardStreamCapture&) = delete;
  std::string first_line();

 private:
  int file_;
  int saved_out_;
  int saved_error_;
};

}  // namespace millrace::dpdk

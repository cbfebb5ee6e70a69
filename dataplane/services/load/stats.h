// What a generator has done and met: written by its lcore, read by any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/handler.h"
#include "app/stack.h"
#include "base/counters.h"
#include "services/load/histogram.h"

namespace millrace::services::load {

// X(Name, "name", "sentence")
#define MILLRACE_LOAD_ERRORS(X)                                                                      \
  X(Refused, "refused", "The server answered a SYN with RST, or ICMP said that nobody is there.")    \
  X(Reset, "reset", "The server reset a connection.")                                                \
  X(TimedOut, "timed_out", "Retransmissions were exhausted: the server does not answer.")            \
  X(Unreachable, "unreachable", "As timed_out, and no neighbour answered or ICMP reported trouble.") \
  X(Ended, "ended", "The server closed a connection that was to go on.")                             \
  X(Malformed, "malformed", "What came back is no response of the protocol, or not to our request.") \
  X(Status, "status", "An HTTP response had a status of 400 or more.")                               \
  X(NoRoute, "no_route", "No route or no source address leads to the target.")                       \
  X(NoPorts, "no_ports", "Every source port towards the target is in use.")                          \
  X(TableFull, "table_full", "The table of connections is full (memory.connections).")               \
  X(NoOpen, "no_open", "A connection could not be opened for another reason.")                       \
  X(NoMemory, "no_memory", "No memory was left to go on with a connection.")                         \
  X(Internal, "internal", "A connection ended by a defect of ours.")

enum class LoadError : uint8_t {
#define MILLRACE_NAME(Name, name, sentence) Name,
  MILLRACE_LOAD_ERRORS(MILLRACE_NAME)
#undef MILLRACE_NAME
};

struct LoadErrorInfo {
  LoadError error;
  std::string_view name;
  std::string_view help;
};

inline constexpr auto kLoadErrorInfos = std::to_array<LoadErrorInfo>({
#define MILLRACE_INFO(Name, name, sentence) {LoadError::Name, name, sentence},
    MILLRACE_LOAD_ERRORS(MILLRACE_INFO)
#undef MILLRACE_INFO
});

LoadError error_of(app::CloseReason reason);
LoadError error_of(app::OpenError error);

struct alignas(64) Stats {
  Counter opens;  // tried
  Counter established;
  Counter completed;  // connections that did what they were for, and were closed
  Counter requests;   // handed to the stack
  Counter responses;
  Counter unanswered;      // requests whose connection ended first
  Counter bytes_sent;      // payload; of a stream, what the server has acknowledged
  Counter bytes_received;  // payload
  std::array<Counter, kLoadErrorInfos.size()> errors;
  // Gauges.
  Counter open;     // established now
  Counter pending;  // requests under way
  Counter behind;   // microseconds that the open loop lags behind its intention

  Histogram latency;  // of requests; of one-shot connections the whole of it, or of the handshake alone
  Histogram connect;  // from SYN to ESTABLISHED

  void error(LoadError which) { errors[static_cast<size_t>(which)].add(); }
};

}  // namespace millrace::services::load

// What the options of one level are made of: a value, how it is read and set, and the common shapes.
// Neighbours: options.h, options_socket.cpp, options_tcp.cpp, options_ip.cpp (a table each).
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "app/socket/socket.h"

namespace millrace::socket {

// A value as getsockopt() gives and setsockopt() takes it.
struct Value {
  uint8_t octets[512] = {};
  socklen_t length = 0;  // while getsockopt() asks: the caller's room

  int as_int() const {
    int value = 0;
    std::memcpy(&value, octets, sizeof value);
    return value;
  }
  template <typename T>
  T as() const {
    T value{};
    std::memcpy(&value, octets, sizeof value);
    return value;
  }
  template <typename T>
  void set(const T& value) {
    static_assert(sizeof(T) <= sizeof octets);
    std::memcpy(octets, &value, sizeof value);
    length = sizeof value;
  }
};

using Getter = int (*)(Socket&, Value&);        // an errno, 0: done
using Setter = int (*)(Socket&, const Value&);  // likewise

struct Option {
  int level;
  int name;
  socklen_t size;  // the least that setsockopt() must bring
  Getter get;      // nullptr: ENOPROTOOPT
  Setter set;      // nullptr: ENOPROTOOPT
};

inline constexpr socklen_t kInt = sizeof(int);

// The options of SOL_SOCKET, IPPROTO_TCP, and IPPROTO_IP with IPPROTO_IPV6.
std::span<const Option> socket_options();
std::span<const Option> tcp_options();
std::span<const Option> ip_options();

// ---- the common shapes: a flag or a number of Settings, between bounds

template <auto Member>
int get_number(Socket& socket, Value& value) {
  value.set(static_cast<int>(socket.settings().*Member));
  return 0;
}

// What the shard has, where the socket says nothing.
template <auto Member, auto Default>
int get_or_default(Socket& socket, Value& value) {
  const auto& own = socket.settings().*Member;
  value.set(own ? static_cast<int>(*own) : static_cast<int>(Default(socket.shared().stack.tcp_params())));
  return 0;
}

template <auto Member>
int set_flag(Socket& socket, const Value& value) {
  socket.settings().*Member = value.as_int() != 0;
  socket.apply_settings();
  return 0;
}

template <auto Member, int Least, int Most>
int set_number(Socket& socket, const Value& value) {
  const int number = value.as_int();
  if (number < Least || number > Most) return EINVAL;
  socket.settings().*Member =
      static_cast<std::remove_reference_t<decltype(socket.settings().*Member)>>(number);
  socket.apply_settings();
  return 0;
}

template <int Constant>
int get_constant(Socket&, Value& value) {
  value.set(Constant);
  return 0;
}

}  // namespace millrace::socket

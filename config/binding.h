// Ties a key to the field of Settings that it fills: `field<&Settings::tcp, &TcpParams::msl>()`. Included by
// the table alone (config/keys.cpp).
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "config/schema.h"

namespace millrace::config::binding {

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

template <typename T>
void assign(T& to, const Value& value) {
  if constexpr (std::is_same_v<T, Micros>) {
    to = Micros(static_cast<int64_t>(std::get<uint64_t>(value)));
  } else if constexpr (std::is_same_v<T, bool>) {
    to = std::get<bool>(value);
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    to = static_cast<T>(std::get<uint64_t>(value));
  } else if constexpr (IsOptional<T>::value) {
    assign(to.emplace(), value);
  } else if constexpr (std::is_same_v<T, Endpoints>) {
    const Endpoints& more = std::get<Endpoints>(value);
    to.insert(to.end(), more.begin(), more.end());
  } else if constexpr (std::is_same_v<T, LcoreList>) {
    to = std::get<LcoreList>(value);
  } else if constexpr (IsVector<T>::value) {
    assign(to.emplace_back(), value);
  } else {
    to = std::get<T>(value);
  }
}

template <typename T>
std::vector<Value> values_of(const T& from) {
  if constexpr (std::is_same_v<T, Micros>) {
    return {Value(static_cast<uint64_t>(from.count()))};
  } else if constexpr (std::is_same_v<T, bool>) {
    return {Value(from)};
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    return {Value(static_cast<uint64_t>(from))};
  } else if constexpr (IsOptional<T>::value) {
    return from ? values_of(*from) : std::vector<Value>{};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return from.empty() ? std::vector<Value>{} : std::vector<Value>{Value(from)};
  } else if constexpr (std::is_same_v<T, Endpoints>) {
    return from.empty() ? std::vector<Value>{} : std::vector<Value>{Value(from)};
  } else if constexpr (std::is_same_v<T, LcoreList>) {
    return {Value(from)};
  } else if constexpr (IsVector<T>::value) {
    std::vector<Value> all;
    for (const auto& element : from) all.emplace_back(element);
    return all;
  } else {
    return {Value(from)};
  }
}

template <typename T>
constexpr uint64_t capacity_of() {
  if constexpr (IsOptional<T>::value)
    return capacity_of<typename T::value_type>();
  else if constexpr (std::is_same_v<T, Micros>)
    return static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    return std::numeric_limits<T>::max();
  else
    return 0;
}

template <typename Class, typename Member>
Member member_type(Member Class::*);

// A field of one of the structs that Settings holds once.
template <auto Struct, auto Field>
constexpr Binding field() {
  using T = decltype(member_type(Field));
  return {[](Settings& settings, std::string_view, const Value& value) {
            assign(settings.*Struct.*Field, value);
          },
          [](const Settings& settings, std::string_view) { return values_of(settings.*Struct.*Field); },
          capacity_of<T>()};
}

// A list that stands in Settings itself.
template <auto List>
constexpr Binding list() {
  return {[](Settings& settings, std::string_view, const Value& value) { assign(settings.*List, value); },
          [](const Settings& settings, std::string_view) { return values_of(settings.*List); }, 0};
}

// The element of a named list with this name: ports, services. The first key of an instance makes it.
template <auto List>
auto& element(Settings& settings, std::string_view instance) {
  auto& elements = settings.*List;
  for (auto& known : elements)
    if (known.name == instance) return known;
  auto& made = elements.emplace_back();
  made.name = std::string(instance);
  return made;
}

// Reads what `field` picks from that element; nothing where there is none.
template <auto List, typename Field>
std::vector<Value> values_of_element(const Settings& settings, std::string_view instance, Field field) {
  for (const auto& known : settings.*List)
    if (known.name == instance) return values_of(field(known));
  return {};
}

// A field of each element.
template <auto List, auto Field>
constexpr Binding named() {
  using T = decltype(member_type(Field));
  return {[](Settings& settings, std::string_view instance, const Value& value) {
            assign(element<List>(settings, instance).*Field, value);
          },
          [](const Settings& settings, std::string_view instance) {
            return values_of_element<List>(
                settings, instance, [](const auto& from) -> const auto& { return from.*Field; });
          },
          capacity_of<T>()};
}

// A field of a struct in each element.
template <auto List, auto Struct, auto Field>
constexpr Binding nested() {
  using T = decltype(member_type(Field));
  return {[](Settings& settings, std::string_view instance, const Value& value) {
            assign(element<List>(settings, instance).*Struct.*Field, value);
          },
          [](const Settings& settings, std::string_view instance) {
            return values_of_element<List>(
                settings, instance, [](const auto& from) -> const auto& { return from.*Struct.*Field; });
          },
          capacity_of<T>()};
}

}  // namespace millrace::config::binding

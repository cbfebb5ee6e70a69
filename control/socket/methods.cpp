#include "control/socket/methods.h"

#include <algorithm>
#include <cctype>

#include "config/text.h"
#include "tcp/state.h"

namespace millrace::control {

namespace {

std::string unknown_param(const MethodInfo& method, std::string_view given) {
  std::vector<std::string> known;
  for (const Param& param : method.params) known.emplace_back(param.name);
  std::string message =
      "'" + std::string(method.name) + "' takes no parameter " + config::quoted(given) + ".";
  return message + suggestion(given, std::move(known));
}

bool integer_within(const json& value, int64_t min, int64_t max) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    return number <= static_cast<uint64_t>(max) && static_cast<int64_t>(number) >= min;
  }
  return value.is_number_integer() && value.get<int64_t>() >= min && value.get<int64_t>() <= max;
}

bool text_within(const json& value, int64_t min, int64_t max) {
  if (!value.is_string()) return false;
  const auto size = static_cast<int64_t>(value.get_ref<const std::string&>().size());
  return size >= min && size <= max;
}

bool fits(const Param& param, const json& value) {
  switch (param.type) {
    case ParamType::Integer:
      return integer_within(value, param.min, param.max);
    case ParamType::Text:
      return text_within(value, param.min, param.max);
    case ParamType::Boolean:
      return value.is_boolean();
    case ParamType::State:
      return text_within(value, param.min, param.max) &&
             canonical_state(value.get_ref<const std::string&>()).has_value();
  }
  return false;
}

std::string_view name_of(ParamType type) {
  switch (type) {
    case ParamType::Integer:
      return "integer";
    case ParamType::Text:
      return "text";
    case ParamType::Boolean:
      return "boolean";
    case ParamType::State:
      return "state";
  }
  return "";
}

json as_json(const Param& param) {
  json out{
      {"name", param.name}, {"type", name_of(param.type)}, {"doc", param.doc}, {"required", param.required}};
  if (param.type == ParamType::Integer) {
    out["min"] = param.min;
    out["max"] = param.max;
  }
  return out;
}

}  // namespace

std::string suggestion(std::string_view given, std::vector<std::string> known) {
  const std::string_view nearest = config::nearest(given, known);
  return nearest.empty() ? std::string() : " Did you mean '" + std::string(nearest) + "'?";
}

const MethodInfo* find_method(std::string_view name) {
  const auto* found = std::ranges::find(kMethods, name, &MethodInfo::name);
  return found == kMethods.end() ? nullptr : found;
}

std::optional<std::string_view> canonical_state(std::string_view text) {
  std::string wanted(text);
  std::ranges::transform(wanted, wanted.begin(),
                         [](unsigned char c) { return c == '_' ? '-' : static_cast<char>(std::toupper(c)); });
  for (unsigned i = 0; i < tcp::kStates; ++i) {
    const std::string_view name = tcp::name_of(static_cast<tcp::State>(i));
    if (name == wanted) return name;
  }
  return std::nullopt;
}

std::string describe(const Param& param) {
  switch (param.type) {
    case ParamType::Integer:
      return "an integer from " + std::to_string(param.min) + " to " + std::to_string(param.max);
    case ParamType::Text:
      return "a string of " + std::to_string(param.min) + " to " + std::to_string(param.max) + " octets";
    case ParamType::Boolean:
      return "true or false";
    case ParamType::State:
      return "the name of a TCP state, such as ESTABLISHED or TIME-WAIT";
  }
  return "";
}

std::optional<Error> check_params(const MethodInfo& method, const json& params) {
  for (const auto& [name, value] : params.items()) {
    const auto param = std::ranges::find(method.params, name, &Param::name);
    if (param == method.params.end()) return Error{ErrorCode::BadParams, unknown_param(method, name)};
    if (!fits(*param, value)) {
      return Error{ErrorCode::BadParams, "'" + name + "' is " + describe(*param) + "; given was " +
                                             config::shortened(dump(value)) + "."};
    }
  }
  for (const Param& param : method.params)
    if (param.required && !params.contains(param.name))
      return Error{ErrorCode::BadParams,
                   "'" + std::string(method.name) + "' needs '" + std::string(param.name) + "'."};
  return std::nullopt;
}

json methods_as_json() {
  json out = json::array();
  for (const MethodInfo& method : kMethods) {
    json params = json::array(), reply = json::array();
    for (const Param& param : method.params) params.push_back(as_json(param));
    for (const Field& field : method.reply) reply.push_back({{"name", field.name}, {"doc", field.doc}});
    out.push_back({{"name", method.name},
                   {"doc", method.doc},
                   {"params", std::move(params)},
                   {"reply", std::move(reply)}});
  }
  return out;
}

}  // namespace millrace::control

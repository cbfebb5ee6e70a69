#include "control/cli/arguments.h"

#include <algorithm>
#include <string>

namespace millrace::control::cli {

namespace {

const MethodInfo& info_of(Method method) {
  return *std::ranges::find(kMethods, method, &MethodInfo::method);
}

int print(Call& call, const json& value, int indent) {
  call.world.out << value.dump(indent, ' ', false, json::error_handler_t::replace) << '\n';
  return kOk;
}

}  // namespace

int print_json(Call& call, const json& value) { return print(call, value, 2); }
int print_json_line(Call& call, const json& value) { return print(call, value, -1); }

json params_from(const Call& call, Method method) {
  json params = json::object();
  const MethodInfo& info = info_of(method);
  for (const Param& param : info.params) {
    const std::string name(param.name);
    if (name == "limit" || name == "cursor" || call.options.count(name) == 0) continue;
    if (param.type == ParamType::Boolean) {
      params[name] = true;
    } else if (param.type == ParamType::Integer) {
      params[name] = call.options[name].as<int64_t>();
    } else {
      params[name] = call.options[name].as<std::string>();
    }
  }
  if (const auto wrong = check_params(info, params)) throw Failure(kUsage, wrong->message);
  return params;
}

int64_t bounded(const Call& call, const char* name, int64_t min, int64_t max) {
  const auto value = call.options[name].as<int64_t>();
  if (value >= min && value <= max) return value;
  throw Failure(kUsage, "--" + std::string(name) + " is from " + std::to_string(min) + " to " +
                            std::to_string(max) + "; given was " + std::to_string(value) + ".");
}

bool each_row(Call& call, Method method, size_t limit, const std::function<void(json&&)>& take,
              const std::function<void(json& params)>& renew) {
  json params = params_from(call, method);
  for (size_t taken = 0; taken < limit;) {
    params["limit"] = std::min(limit - taken, kRowsPerReply);
    if (renew) renew(params);
    json reply = call.client.call(info_of(method).name, params);
    for (json& row : reply.at("rows")) {
      take(std::move(row));
      ++taken;
    }
    if (reply.at("next").is_null()) return false;
    params["cursor"] = reply.at("next");
  }
  return true;
}

}  // namespace millrace::control::cli

// Requests of the control socket, good ones and what becomes of them under mutation: none may end the
// process, and each answer is one line of JSON.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "request.h"

namespace millrace::control {
namespace {

// One request a method, with every parameter that it takes.
std::vector<std::string> seeds() {
  std::vector<std::string> out;
  for (const MethodInfo& method : kMethods) {
    json params = json::object();
    for (const Param& param : method.params) {
      const std::string name(param.name);
      if (param.type == ParamType::Integer) params[name] = param.min;
      if (param.type == ParamType::Boolean) params[name] = true;
      if (param.type == ParamType::State) params[name] = "ESTABLISHED";
      if (param.type == ParamType::Text) params[name] = "0-4294967296";
      if (name == "filter") params[name] = "state = established and not (rtt > 10ms or remote = 10.0.0.0/8)";
      if (name == "cursor") params[name] = "0.5";
      if (name.ends_with("_address")) params[name] = "10.0.0.2";
    }
    out.push_back(dump({{"id", 1}, {"method", method.name}, {"params", params}}));
  }
  return out;
}

TEST(FuzzRequest, EverySeed_IsAnswered) {
  SilentEndpoint endpoint;
  for (const std::string& seed : seeds()) take_request(endpoint, seed);
}

TEST(FuzzRequest, MutatedSeeds_AreAnswered) {
  SilentEndpoint endpoint;
  const std::vector<std::string> good = seeds();
  std::mt19937 random(66);
  for (int round = 0; round < 40'000; ++round) {
    std::string line = good[random() % good.size()];
    for (unsigned edits = 1 + random() % 6; edits > 0; --edits) {
      const size_t at = random() % line.size();
      switch (random() % 4) {
        case 0:
          line[at] = static_cast<char>(random());
          break;
        case 1:
          line.erase(at, 1 + random() % 4);
          break;
        case 2:
          line.insert(at, std::string(1 + random() % 40, "[{\"\\0:,9\xff"[random() % 9]));
          break;
        default:
          line.insert(at, good[random() % good.size()].substr(random() % 20));
          break;
      }
      if (line.empty()) line = "{";
    }
    take_request(endpoint, line);
  }
}

}  // namespace
}  // namespace millrace::control

// Every service of the endpoint, declared once: command line, validation and reference read this table.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "services/result.h"
#include "services/service.h"

namespace millrace::services {

struct ServiceParams {
  std::string kind;                        // a name of service_kinds()
  std::string name;                        // the user's own word for it, for messages; empty: the kind
  std::string directory;                   // http: where the files are; empty: the built-in page
  uint64_t directory_bytes = 64ULL << 20;  // http: what the files may hold together
};

// Makes one object a shard; what the objects share (the files of a site) is loaded once and read-only.
using ServiceMaker = std::function<std::unique_ptr<Service>()>;

struct ServiceKind {
  std::string_view kind;
  std::string_view doc;  // one sentence
  bool takes_directory;
  Result<ServiceMaker> (*prepare)(const ServiceParams&);
};

std::span<const ServiceKind> service_kinds();

// Checks `params`, loads what there is to load, and returns the maker: call it once a shard.
Result<ServiceMaker> prepare_service(const ServiceParams& params);

// prepare_service() for a single shard.
Result<std::unique_ptr<Service>> make_service(const ServiceParams& params);

}  // namespace millrace::services

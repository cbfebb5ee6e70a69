#include "control/endpoint/services.h"

#include "control/process/error.h"

namespace millrace::control {

std::string_view kind_name(config::ServiceKind kind) {
  switch (kind) {
    case config::ServiceKind::Http:
      return "http";
    case config::ServiceKind::Echo:
      return "echo";
    case config::ServiceKind::Discard:
      return "discard";
    case config::ServiceKind::Chargen:
      return "chargen";
    case config::ServiceKind::Rpc:
      return "rpc";
  }
  return "";
}

std::vector<PreparedService> prepare_services(const config::Settings& settings) {
  std::vector<PreparedService> all;
  for (const config::ServiceSettings& service : settings.services) {
    services::Result<services::ServiceMaker> maker =
        services::prepare_service({.kind = std::string(kind_name(service.kind)),
                                   .name = service.name,
                                   .directory = service.directory,
                                   .directory_bytes = service.directory_bytes});
    if (!maker) throw StartError(maker.error());
    all.push_back({&service, std::move(*maker)});
  }
  return all;
}

}  // namespace millrace::control

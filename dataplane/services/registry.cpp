#include "services/registry.h"

#include <array>

#include "services/chargen.h"
#include "services/discard.h"
#include "services/echo.h"
#include "services/http.h"
#include "services/http_site.h"
#include "services/rpc.h"

namespace millrace::services {

namespace {

template <typename T>
Result<ServiceMaker> prepare_plain(const ServiceParams&) {
  return ServiceMaker([]() -> std::unique_ptr<Service> { return std::make_unique<T>(); });
}

Result<ServiceMaker> prepare_http(const ServiceParams& params) {
  std::shared_ptr<const HttpSite> site = HttpSite::built_in();
  if (!params.directory.empty()) {
    auto loaded = HttpSite::load(params.directory, params.directory_bytes);
    if (!loaded) return Error{loaded.error()};
    site = *loaded;
  }
  return ServiceMaker([site]() -> std::unique_ptr<Service> { return std::make_unique<Http>(site); });
}

constexpr std::array<ServiceKind, 5> kKinds{{
    {"http", "Serves the files of a directory, or a built-in page, over HTTP/1.1 (RFC 9110, RFC 9112).", true,
     prepare_http},
    {"echo", "Sends back what it receives (RFC 862).", false, prepare_plain<Echo>},
    {"discard", "Throws away what it receives (RFC 863).", false, prepare_plain<Discard>},
    {"chargen", "Sends rotating lines of characters as fast as the peer's window lets it (RFC 864).", false,
     prepare_plain<Chargen>},
    {"rpc", "Answers requests of any size by responses of any size, after work that the request asks for.",
     false, prepare_plain<Rpc>},
}};

std::string known_kinds() {
  std::string names;
  for (const ServiceKind& kind : kKinds) {
    if (!names.empty()) names += ", ";
    names += kind.kind;
  }
  return names;
}

}  // namespace

std::span<const ServiceKind> service_kinds() { return kKinds; }

Result<ServiceMaker> prepare_service(const ServiceParams& params) {
  const std::string& label = params.name.empty() ? params.kind : params.name;
  for (const ServiceKind& kind : kKinds) {
    if (kind.kind != params.kind) continue;
    if (!params.directory.empty() && !kind.takes_directory)
      return Error{"service '" + label + "': " + params.kind + " takes no directory; leave it out"};
    auto made = kind.prepare(params);
    if (!made) return Error{"service '" + label + "': " + made.error()};
    return made;
  }
  return Error{"service '" + label + "': there is no kind '" + params.kind + "'; choose one of " +
               known_kinds()};
}

Result<std::unique_ptr<Service>> make_service(const ServiceParams& params) {
  auto maker = prepare_service(params);
  if (!maker) return Error{maker.error()};
  return (*maker)();
}

}  // namespace millrace::services

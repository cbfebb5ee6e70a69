// The HTTP service on an lcore: http_server.h put on connections.
#pragma once

#include <memory>

#include "services/http_server.h"
#include "services/service.h"

namespace millrace::services {

class Http final : public Service {
 public:
  // `site` is shared between shards.
  explicit Http(std::shared_ptr<const HttpSite> site, const HttpLimits& limits = {});

  void set_wall_clock(std::chrono::sys_seconds at) override { server_.set_wall_clock(at); }
  const HttpServer& server() const { return server_; }

  void on_established(app::Connection& connection) override;
  void on_readable(app::Connection& connection) override;
  void on_writable(app::Connection& connection) override;
  void on_peer_finished(app::Connection& connection) override;
  void on_closed(app::Connection& connection, app::CloseReason reason) override;

 private:
  HttpServer server_;
};

}  // namespace millrace::services

// The echo service, RFC 862: what comes in goes out again. It consumes only what the send buffer takes, so a
// peer that does not read finds its own window closed.
#pragma once

#include "services/service.h"

namespace millrace::services {

class Echo final : public Service {
 public:
  void on_readable(app::Connection& connection) override;
  void on_writable(app::Connection& connection) override;
  void on_peer_finished(app::Connection& connection) override;
};

}  // namespace millrace::services

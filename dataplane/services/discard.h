// The discard service, RFC 863: what comes in is thrown away; nothing goes out.
#pragma once

#include "services/service.h"

namespace millrace::services {

class Discard final : public Service {
 public:
  void on_readable(app::Connection& connection) override;
  void on_peer_finished(app::Connection& connection) override;
};

}  // namespace millrace::services

#include "services/echo.h"

#include "app/connection.h"

namespace millrace::services {

namespace {

void copy_back(app::Connection& connection) {
  for (;;) {
    const auto run = connection.readable();
    if (run.empty()) return;
    const uint32_t sent = connection.send(run);
    connection.consume(sent);
    if (sent < run.size()) return;  // on_writable goes on
  }
}

}  // namespace

void Echo::on_readable(app::Connection& connection) { copy_back(connection); }
void Echo::on_writable(app::Connection& connection) { copy_back(connection); }

// Everything has been consumed, and so queued: the FIN follows it.
void Echo::on_peer_finished(app::Connection& connection) { connection.close(); }

}  // namespace millrace::services

#include "services/discard.h"

#include "app/connection.h"

namespace millrace::services {

void Discard::on_readable(app::Connection& connection) { connection.consume(connection.readable_bytes()); }

void Discard::on_peer_finished(app::Connection& connection) { connection.close(); }

}  // namespace millrace::services

// getsockopt() and setsockopt(). Neighbours: option.h (the tables), settings.h, tcp_info.h.
#pragma once

#include <sys/socket.h>

#include "app/socket/outcome.h"
#include "app/socket/socket.h"

namespace millrace::socket {

Outcome get_option(Socket& socket, int level, int name, void* value, socklen_t* length);
Outcome set_option(Socket& socket, int level, int name, const void* value, socklen_t length);

}  // namespace millrace::socket

// A program that runs on an lcore and answers whoever connects. Every shard has its own object, used on that
// shard's lcore alone; registry.h makes them by name.
#pragma once

#include <chrono>

#include "app/handler.h"
#include "app/program.h"

namespace millrace::services {

class Service : public app::Handler {
 public:
  // The time of day, for protocols that tell it: the dataplane reads no clock, so control posts it about once
  // a second through the shard's mailbox. A service that was never told sends no dates.
  virtual void set_wall_clock(std::chrono::sys_seconds) {}
  // What of the service acts by itself; null: nothing. Lives as long as the service.
  virtual app::Program* program() { return nullptr; }
};

}  // namespace millrace::services

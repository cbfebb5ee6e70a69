// A program that runs on an lcore and answers whoever connects. Every shard has its own object, used on that
// shard's lcore alone; registry.h makes them by name.
#pragma once

#include <chrono>

#include "app/handler.h"
#include "app/program.h"
#include "base/counter.h"

namespace millrace::services {

class Service : public app::Handler {
 public:
  // The time of day, for protocols that tell it: the dataplane reads no clock, so control posts it about once
  // a second through the shard's mailbox. A service that was never told sends no dates.
  virtual void set_wall_clock(std::chrono::sys_seconds) {}
  // What of the service acts by itself; null: nothing. Lives as long as the service.
  virtual app::Program* program() { return nullptr; }
  // Where requests are counted from now on, by services that know of them; `counter` outlives the service.
  void count_requests(Counter& counter) { requests_ = &counter; }

 protected:
  void note_requests(uint64_t count) { requests_->add(count); }

 private:
  Counter uncounted_;
  Counter* requests_ = &uncounted_;
};

}  // namespace millrace::services

// A protocol as the generator sees it: the octets of requests, and where the responses end in what comes
// back. One object a generator; a connection is known by its slot.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "services/load/params.h"

namespace millrace::services::load {

// What a run of received octets amounted to.
struct Progress {
  uint32_t responses = 0;
  uint32_t bad_statuses = 0;  // among them
  bool last = false;          // the server has said that it closes now
  bool malformed = false;
};

class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  uint32_t request_bytes() const { return request_bytes_; }
  // Requests that requests() gives at once.
  uint32_t batch() const { return batch_; }

  // The slot has a new connection.
  virtual void begin(uint32_t slot) = 0;
  // The octets of `count` requests (at most batch()), the `first` of the connection and those behind it;
  // valid until the next call.
  virtual std::span<const uint8_t> requests(uint32_t slot, uint32_t first, uint32_t count) = 0;
  // Takes all of `run`.
  virtual Progress read(uint32_t slot, std::span<const uint8_t> run) = 0;
  // The server has sent its FIN. True: that was the end of a response.
  virtual bool finish(uint32_t slot) {
    static_cast<void>(slot);
    return false;
  }

 protected:
  void set_request_bytes(uint32_t octets);

 private:
  uint32_t request_bytes_ = 1;
  uint32_t batch_ = 1;
};

// Null where the protocol has no responses.
std::unique_ptr<Exchange> make_exchange(const Params& params);

}  // namespace millrace::services::load

// libFuzzer's way into request.h.
#include <cstddef>
#include <cstdint>

#include "request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static millrace::control::SilentEndpoint endpoint;
  millrace::control::take_request(endpoint, {reinterpret_cast<const char*>(data), size});
  return 0;
}

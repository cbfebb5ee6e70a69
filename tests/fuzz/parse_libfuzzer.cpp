// libFuzzer's way in (clang, -DMILLRACE_FUZZERS=ON). The first octet says whether checksums are taken as
// good. Neighbour: parse.h.
#include "parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  millrace::fuzz::check({data + 1, size - 1},
                        data[0] % 2 != 0 ? millrace::RxChecksum::Good : millrace::RxChecksum::Unknown);
  return 0;
}

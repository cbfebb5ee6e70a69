// Assertions of our own invariants. What a peer sends never reaches one.
#pragma once

namespace millrace {

[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace millrace

// MILLRACE_CHECK aborts in tests and debug builds (MILLRACE_CHECKS); release builds leave it out.
#ifdef MILLRACE_CHECKS
#define MILLRACE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::millrace::check_failed(#condition, __FILE__, __LINE__))
#else
#define MILLRACE_CHECK(condition) static_cast<void>(0)
#endif

if(MILLRACE_DPDK)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(DPDK REQUIRED IMPORTED_TARGET libdpdk>=22.11)
  millrace_bench(capture ROOMS dpdk)
  target_link_libraries(bench_capture PRIVATE PkgConfig::DPDK)  # its mbufs are made by hand
endif()

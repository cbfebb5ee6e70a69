# `cmake --install`: the programs, the library with its headers under include/millrace, a CMake package and a pkg-config
# file. The rooms are an order for those who build Millrace; those who use it see two archives: millrace, and
# millrace_dpdk, which is the part that needs DPDK.
include(CMakePackageConfigHelpers)

set(library_rooms base wire flow timer cc recovery ip tcp app app_socket services shard sim)
set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/millrace)
set(header_directory ${CMAKE_INSTALL_INCLUDEDIR}/millrace)

# millrace_archive(NAME ROOMS ...): one archive of the rooms' objects.
function(millrace_archive name)
  add_library(${name} STATIC)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  foreach(room IN LISTS ARGN)
    if(NOT TARGET millrace_${room})
      continue()
    endif()
    get_target_property(type millrace_${room} TYPE)
    if(type STREQUAL STATIC_LIBRARY)
      target_sources(${name} PRIVATE $<TARGET_OBJECTS:millrace_${room}>)
    endif()
    if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/dataplane/${room})  # a room inside a room comes with the outer one
      install(DIRECTORY ${PROJECT_SOURCE_DIR}/dataplane/${room} DESTINATION ${header_directory}
              FILES_MATCHING PATTERN "*.h")
    endif()
  endforeach()
  target_compile_features(${name} INTERFACE cxx_std_20)
  target_include_directories(${name} INTERFACE $<INSTALL_INTERFACE:${header_directory}>)
  install(TARGETS ${name} EXPORT millraceTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()

millrace_archive(millrace_library ${library_rooms})
set_target_properties(millrace_library PROPERTIES OUTPUT_NAME millrace EXPORT_NAME millrace)
set(MILLRACE_PC_REQUIRES libsodium)
set(MILLRACE_PC_LIBS -lmillrace)
if(MILLRACE_DPDK)
  millrace_archive(millrace_library_dpdk dpdk)
  set_target_properties(millrace_library_dpdk PROPERTIES OUTPUT_NAME millrace_dpdk EXPORT_NAME dpdk)
  target_link_libraries(millrace_library_dpdk INTERFACE millrace_library)
  string(APPEND MILLRACE_PC_REQUIRES ", libdpdk")
  set(MILLRACE_PC_LIBS "-lmillrace_dpdk -lmillrace")
endif()

install(EXPORT millraceTargets NAMESPACE millrace:: DESTINATION ${package_directory})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/millraceConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/millraceConfig.cmake
  INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/millraceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH MILLRACE_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/millrace.pc.in ${CMAKE_CURRENT_BINARY_DIR}/millrace.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/millraceConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/millraceConfigVersion.cmake
        DESTINATION ${package_directory})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/millrace.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS millrace_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET millracectl)
  install(TARGETS millracectl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

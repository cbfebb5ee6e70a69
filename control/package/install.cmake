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

# Man pages and the completions of shells, which the programs write themselves.
set(pages_directory ${CMAKE_BINARY_DIR}/share)
file(MAKE_DIRECTORY ${pages_directory})
set(page_files)
# millrace_page(FILE DESTINATION TARGET WORDS...): what TARGET writes when it is given WORDS.
function(millrace_page file destination target)
  add_custom_command(OUTPUT ${pages_directory}/${file}
    COMMAND sh -c "\"$@\" > \"$0\"" ${pages_directory}/${file} $<TARGET_FILE:${target}> ${ARGN}
    DEPENDS ${target} VERBATIM)
  set(page_files ${page_files} ${pages_directory}/${file} PARENT_SCOPE)
  install(FILES ${pages_directory}/${file} DESTINATION ${destination})
endfunction()

# Both shells look for a file by a name of their own.
function(millrace_completions program target)
  millrace_page(bash/${program} ${CMAKE_INSTALL_DATADIR}/bash-completion/completions ${target} completion bash)
  millrace_page(zsh/_${program} ${CMAKE_INSTALL_DATADIR}/zsh/site-functions ${target} completion zsh)
  set(page_files ${page_files} PARENT_SCOPE)
endfunction()

file(MAKE_DIRECTORY ${pages_directory}/bash ${pages_directory}/zsh)
millrace_page(millrace.1 ${CMAKE_INSTALL_MANDIR}/man1 millrace_program man)
millrace_page(millrace.conf.5 ${CMAKE_INSTALL_MANDIR}/man5 millrace_program man millrace.conf.5)
millrace_completions(millrace millrace_program)
if(TARGET millracectl)
  millrace_page(millracectl.1 ${CMAKE_INSTALL_MANDIR}/man1 millracectl man)
  millrace_completions(millracectl millracectl)
endif()
add_custom_target(millrace_pages ALL DEPENDS ${page_files})

# `millrace demo`: a library of its own, for it needs no DPDK; the program and the tests link it.
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(nlohmann_json REQUIRED)

add_library(millrace_demo STATIC demo.cpp demo_scenarios.cpp demo_stage.cpp)
# A root that shows this folder as control/ and nothing else of the project.
set(demo_root ${CMAKE_BINARY_DIR}/rooms/demo)
file(MAKE_DIRECTORY ${demo_root})
file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${demo_root}/control SYMBOLIC)
target_include_directories(millrace_demo PUBLIC $<BUILD_INTERFACE:${demo_root}>)
target_link_libraries(millrace_demo
  PUBLIC millrace_sim
  PRIVATE millrace_options millrace_config Boost::program_options nlohmann_json::nlohmann_json)
# GCC 12 sees a null dereference in boost::program_options::typed_value that is not there.
set_source_files_properties(demo.cpp PROPERTIES COMPILE_OPTIONS -Wno-null-dereference)

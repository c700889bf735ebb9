# find_package(graphc): targets graphc::graphc (static) and, where graphc was installed by CMake, graphc::shared.
# Beside the sources, as in the Python package (graphc.get_cmake_dir()), the library is built with the host.
include(CMakeFindDependencyMacro)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_dependency(Threads)

if(EXISTS "${CMAKE_CURRENT_LIST_DIR}/graphcTargets.cmake")
  include("${CMAKE_CURRENT_LIST_DIR}/graphcTargets.cmake")
elseif(NOT TARGET graphc::graphc)
  enable_language(CXX)
  include("${CMAKE_CURRENT_LIST_DIR}/sources.cmake")
  add_library(graphc STATIC ${GRAPHC_SOURCES})
  add_library(graphc::graphc ALIAS graphc)
  target_compile_features(graphc PUBLIC cxx_std_17)
  target_compile_options(graphc PRIVATE -O2 ${GRAPHC_OPTIONS})
  target_include_directories(graphc PUBLIC "${GRAPHC_ROOT}/csrc/include" PRIVATE ${GRAPHC_INCLUDES})
  target_link_libraries(graphc PUBLIC Threads::Threads ${CMAKE_DL_LIBS})
  set_target_properties(graphc PROPERTIES POSITION_INDEPENDENT_CODE ON)
endif()

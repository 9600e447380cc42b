# What every folder uses: one set of flags, encap_library(), encap_test().
add_library(encap_flags INTERFACE)
target_compile_features(encap_flags INTERFACE c_std_17)
target_include_directories(encap_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(encap_flags INTERFACE _GNU_SOURCE
  ENCAP_VERSION="${PROJECT_VERSION}")
target_compile_options(encap_flags INTERFACE
  -Wall -Wextra -Wshadow -Wvla -Wundef -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wpointer-arith
  -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum
  -fno-common -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

# encap_library(<name> [USES ...]): every .c below this folder, one static
# library. Asserts stay on in every build type: they guard our own invariants.
function(encap_library name)
  cmake_parse_arguments(A "" "" "USES;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.c)
  foreach(pattern IN LISTS A_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX ${pattern})
  endforeach()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${A_USES} PRIVATE encap_flags)
endfunction()

# encap_test(<file> LABEL unit|sim|lint|golden USES ...): one program, one test.
function(encap_test file)
  cmake_parse_arguments(A "" "LABEL;TIMEOUT" "USES;ARGS" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  get_filename_component(name ${file} NAME_WE)
  add_executable(${name} ${file})
  target_link_libraries(${name} PRIVATE ${A_USES} encap_flags)
  add_test(NAME ${A_LABEL}.${name} COMMAND ${name} ${A_ARGS})
  set_tests_properties(${A_LABEL}.${name} PROPERTIES
    LABELS ${A_LABEL} TIMEOUT ${A_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()

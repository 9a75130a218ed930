# sr_flatbuffers(library schema): compiles schemas/<schema>.fbs into ${CMAKE_BINARY_DIR}/generated/<schema>_generated.h
# for the sources of a library.
function(sr_flatbuffers library schema)
  set(source ${CMAKE_SOURCE_DIR}/schemas/${schema}.fbs)
  set(header ${CMAKE_BINARY_DIR}/generated/${schema}_generated.h)
  get_filename_component(folder ${header} DIRECTORY)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${SR_FLATC} --cpp -o ${folder} ${source}
    DEPENDS ${source}
    COMMENT "flatc ${schema}.fbs"
    VERBATIM)
  target_sources(${library} PRIVATE ${header})
endfunction()

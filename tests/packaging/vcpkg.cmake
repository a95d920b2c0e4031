# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
# Stands in for vcpkg, which cannot be had without a network: cmake -P with PORT_DIR, FEATURES, BUILD (a build of the project, whose
# files are installed), CURRENT_BUILDTREES_DIR and CURRENT_PACKAGES_DIR. It configures for real, holds the port to what vcpkg
# holds it to, and does with the installed files what vcpkg does.
cmake_minimum_required(VERSION 3.25)
set(PORT jobmode)

function(vcpkg_check_features)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" OUT_FEATURE_OPTIONS FEATURES)
    set(options "")
    while(arg_FEATURES)
        list(POP_FRONT arg_FEATURES feature option)
        set(known_${feature} ON)
        if(feature IN_LIST FEATURES)
            list(APPEND options -D${option}=ON)
        else()
            list(APPEND options -D${option}=OFF)
        endif()
    endwhile()
    foreach(feature IN LISTS FEATURES)
        if(NOT known_${feature})
            message(FATAL_ERROR "the port does nothing with its feature ${feature}")
        endif()
    endforeach()
    set(${arg_OUT_FEATURE_OPTIONS} ${options} PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" SOURCE_PATH "OPTIONS;MAYBE_UNUSED_VARIABLES")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    execute_process(
        COMMAND ${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B ${CURRENT_BUILDTREES_DIR} -G Ninja -DCMAKE_BUILD_TYPE=Release
            -DBUILD_SHARED_LIBS=OFF ${arg_OPTIONS}
        OUTPUT_VARIABLE output ERROR_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
    # CMake lists the options that it gave to nobody; a port with such an option has a wrong name for it.
    if(output MATCHES "Manually-specified variables were not used by the project:(.*)")
        string(REGEX MATCHALL "[A-Z][A-Z_0-9]+" unused "${CMAKE_MATCH_1}")
        list(REMOVE_ITEM unused ${arg_MAYBE_UNUSED_VARIABLES})
        if(unused)
            message(FATAL_ERROR "options that the project does not know: ${unused}")
        endif()
    endif()
endfunction()

function(vcpkg_cmake_install)
    foreach(prefix ${CURRENT_PACKAGES_DIR} ${CURRENT_PACKAGES_DIR}/debug)
        execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix}
            OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    endforeach()
    if(NOT tool IN_LIST FEATURES)
        file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/bin ${CURRENT_PACKAGES_DIR}/debug/bin)
    endif()
endfunction()

# The CMake package goes to share/jobmode, two levels below the prefix.
function(vcpkg_cmake_config_fixup)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" CONFIG_PATH "")
    file(GLOB files ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/*.cmake)
    if(NOT files)
        message(FATAL_ERROR "there is no CMake package in ${arg_CONFIG_PATH}")
    endif()
    foreach(file IN LISTS files)
        file(READ ${file} content)
        string(REGEX REPLACE "(CMAKE_CURRENT_LIST_DIR}/)[./]+/" "\\1../../" content "${content}")
        string(REGEX REPLACE "(\nget_filename_component\\(_IMPORT_PREFIX \"\\\${_IMPORT_PREFIX}\" PATH\\))+"
            "\\1\\1" content "${content}")
        cmake_path(GET file FILENAME name)
        file(WRITE ${CURRENT_PACKAGES_DIR}/share/${PORT}/${name} "${content}")
    endforeach()
    foreach(prefix ${CURRENT_PACKAGES_DIR} ${CURRENT_PACKAGES_DIR}/debug)
        cmake_path(GET arg_CONFIG_PATH PARENT_PATH parent)
        file(REMOVE_RECURSE ${prefix}/${parent})
    endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
    if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/lib/pkgconfig/jobmode.pc)
        message(FATAL_ERROR "there is no jobmode.pc where vcpkg looks for it")
    endif()
endfunction()

function(vcpkg_copy_tools)
    cmake_parse_arguments(PARSE_ARGV 0 arg AUTO_CLEAN "" TOOL_NAMES)
    foreach(name IN LISTS arg_TOOL_NAMES)
        file(INSTALL ${CURRENT_PACKAGES_DIR}/bin/${name} DESTINATION ${CURRENT_PACKAGES_DIR}/tools/${PORT}
            USE_SOURCE_PERMISSIONS)
    endforeach()
    if(arg_AUTO_CLEAN)
        file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/bin ${CURRENT_PACKAGES_DIR}/debug/bin)
    endif()
endfunction()

function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" FILE_LIST)
    file(INSTALL ${arg_FILE_LIST} DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT} RENAME copyright)
endfunction()

include(${PORT_DIR}/portfile.cmake)

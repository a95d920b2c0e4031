# What `cmake --install` puts where, in three components: runtime (the library), development and tool; and the Debian
# packages made of them.
include(CMakePackageConfigHelpers)

set(JOBMODE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/jobmode)

# Each kind of library is jobmode::jobmode to its user; the CMake package includes the targets of one of them.
foreach(kind IN LISTS JOBMODE_KINDS)
    install(TARGETS ${jobmode_${kind}} EXPORT jobmode-${kind}
        LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
        ARCHIVE COMPONENT development)
    install(EXPORT jobmode-${kind} NAMESPACE jobmode:: FILE jobmode-${kind}-targets.cmake
        DESTINATION ${JOBMODE_CMAKE_DIR} COMPONENT development)
endforeach()
install(DIRECTORY include/jobmode DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

if("static" IN_LIST JOBMODE_KINDS)
    set(JOBMODE_REQUIRES_PRIVATE "openssl >= 3.0")
    set(JOBMODE_LIBS_PRIVATE "-lboost_json -lboost_url")
endif()
configure_package_config_file(cmake/jobmode-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/jobmode-config.cmake
    INSTALL_DESTINATION ${JOBMODE_CMAKE_DIR} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/jobmode-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/jobmode-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/jobmode-config-version.cmake
    DESTINATION ${JOBMODE_CMAKE_DIR} COMPONENT development)

# Found from where the file lies, so that an installation can be moved.
set(JOBMODE_PKGCONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH JOBMODE_PREFIX_FROM_PKGCONFIG /${JOBMODE_PKGCONFIG_DIR} /)
configure_file(cmake/jobmode.pc.in ${CMAKE_CURRENT_BINARY_DIR}/jobmode.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/jobmode.pc DESTINATION ${JOBMODE_PKGCONFIG_DIR} COMPONENT development)

set(JOBMODE_RUNTIME_PACKAGE libjobmode${JOBMODE_SOVERSION})
if("shared" IN_LIST JOBMODE_KINDS)
    install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${JOBMODE_RUNTIME_PACKAGE} RENAME copyright
        COMPONENT runtime)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libjobmode-dev RENAME copyright COMPONENT development)

if(JOBMODE_BUILD_TOOL)
    install(TARGETS jobmode_tool RUNTIME COMPONENT tool)
    install(DIRECTORY ${JOBMODE_MAN_DIR}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tool)
    install(FILES ${JOBMODE_COMPLETIONS_DIR}/jobmode
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tool)
    # Debian keeps the folder named after the site for the site.
    set(zsh_folder site-functions)
    if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND EXISTS /etc/debian_version)
        set(zsh_folder vendor-completions)
    endif()
    install(FILES ${JOBMODE_COMPLETIONS_DIR}/_jobmode
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${zsh_folder} COMPONENT tool)
    install(FILES ${JOBMODE_COMPLETIONS_DIR}/jobmode.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT tool)
    install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/jobmode RENAME copyright COMPONENT tool)
endif()

if(NOT PROJECT_IS_TOP_LEVEL)
    return()
endif()

# The package preset makes the build that these are meant for: shared, below /usr.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME jobmode)
set(CPACK_PACKAGE_CONTACT "The jobmode authors <jobmode@localhost>" CACHE STRING "Who maintains the packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_CURRENT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_COMPONENTS_ALL development)
set(same_version "(= ${PROJECT_VERSION})")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libjobmode-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "The C++20 library's headers, its CMake package and its pkg-config file.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libboost1.81-dev | libboost-dev (>= 1.81)")
if("shared" IN_LIST JOBMODE_KINDS)
    list(APPEND CPACK_COMPONENTS_ALL runtime)
    string(PREPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${JOBMODE_RUNTIME_PACKAGE} ${same_version}, ")
    set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${JOBMODE_RUNTIME_PACKAGE})
    set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
    set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "The C++20 library: asks an AhsayCBS backup server which backup jobs ran, and how each was started.")
endif()
if("static" IN_LIST JOBMODE_KINDS)
    string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
        ", libboost-json1.81-dev | libboost-json-dev (>= 1.81), libboost-url1.81-dev | libboost-url-dev (>= 1.81), libssl-dev")
endif()
if(JOBMODE_BUILD_TOOL)
    list(APPEND CPACK_COMPONENTS_ALL tool)
    set(CPACK_DEBIAN_TOOL_PACKAGE_NAME jobmode)
    set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION net)
    set(CPACK_COMPONENT_TOOL_DESCRIPTION "The program: asks for every user and day which backup jobs ran, and finds the backups that silently stopped.")
endif()
include(CPack)

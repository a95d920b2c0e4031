# What `cmake --install` puts where, in three components: runtime (the library), development and tool.
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
if(JOBMODE_BUILD_BULK)
    install(TARGETS jobmode_bulk EXPORT jobmode-bulk ARCHIVE COMPONENT development)
    install(EXPORT jobmode-bulk NAMESPACE jobmode:: FILE jobmode-bulk-targets.cmake
        DESTINATION ${JOBMODE_CMAKE_DIR} COMPONENT development)
endif()
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

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)

if(JOBMODE_BUILD_TOOL)
    install(TARGETS jobmode_tool RUNTIME COMPONENT tool)
    install(DIRECTORY ${JOBMODE_MAN_DIR}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tool)
    install(FILES ${JOBMODE_COMPLETIONS_DIR}/jobmode
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tool)
    set(JOBMODE_ZSH_COMPLETIONS_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING
        "Where zsh's completions go; distributions have a folder of their own")
    install(FILES ${JOBMODE_COMPLETIONS_DIR}/_jobmode
        DESTINATION ${JOBMODE_ZSH_COMPLETIONS_DIR} COMPONENT tool)
    install(FILES ${JOBMODE_COMPLETIONS_DIR}/jobmode.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT tool)
endif()

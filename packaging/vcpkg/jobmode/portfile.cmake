# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
# An overlay port: it builds the folder that it lies in. A registry's port differs in one thing, where the source comes from:
# vcpkg_from_git() or its like in place of this line, with the place and the hash of a release.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS feature_options
    FEATURES
        tool JOBMODE_BUILD_TOOL
)
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        ${feature_options}
        -DJOBMODE_BUILD_BENCH=OFF
        -DJOBMODE_BUILD_EXAMPLES=OFF
        -DJOBMODE_BUILD_TESTS=OFF
        -DJOBMODE_WITH_NATS=OFF
    MAYBE_UNUSED_VARIABLES
        # Without the program, nobody asks for it.
        JOBMODE_WITH_NATS
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/jobmode)
vcpkg_fixup_pkgconfig()
if("tool" IN_LIST FEATURES)
    vcpkg_copy_tools(TOOL_NAMES jobmode AUTO_CLEAN)
endif()

file(REMOVE_RECURSE
    "${CURRENT_PACKAGES_DIR}/debug/include"
    "${CURRENT_PACKAGES_DIR}/debug/share"
    "${CURRENT_PACKAGES_DIR}/share/doc"
)
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")

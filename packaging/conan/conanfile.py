# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
# `conan create packaging/conan` builds the folder that this lies in. For a server that fetches its sources itself,
# export_sources() is replaced with a source() that says where a release is.
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.1"


class Jobmode(ConanFile):
    name = "jobmode"
    description = "Client for AhsayCBS's ListBackupJobMode API: a C++20 coroutine library and a program"
    license = "BSL-1.0"
    topics = ("ahsay", "backup", "coroutines", "asio")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], "tool": [True, False]}
    default_options = {"shared": False, "fPIC": True, "tool": False}
    implements = ["auto_shared_fpic"]

    @property
    def _checkout(self):
        return os.path.join(self.recipe_folder, os.pardir, os.pardir)

    def set_version(self):
        text = load(self, os.path.join(self._checkout, "CMakeLists.txt"))
        self.version = re.search(r"project\(jobmode VERSION ([0-9.]+)", text).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "docs/*", "include/*", "src/*"):
            copy(self, pattern, self._checkout, self.export_sources_folder)

    def requirements(self):
        self.requires("boost/[>=1.81.0 <2]", transitive_headers=True)
        self.requires("openssl/[>=3.0 <4]")
        if self.options.tool:
            # Of the program alone: nobody who links the library sees them.
            self.requires("cli11/[>=2.3 <3]", visible=False)
            self.requires("fmt/[>=9.1]", visible=False)
            self.requires("sqlite3/[>=3.40]", visible=False)

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("jobmode is for Linux only so far")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["JOBMODE_BUILD_TOOL"] = bool(self.options.tool)
        for part in ("BENCH", "EXAMPLES", "TESTS"):
            toolchain.cache_variables[f"JOBMODE_BUILD_{part}"] = False
        if self.options.tool:
            toolchain.cache_variables["JOBMODE_WITH_NATS"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        # Conan writes both of these itself, for whatever generator is asked for.
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))

    def package_info(self):
        self.cpp_info.libs = ["jobmode"]
        self.cpp_info.requires = ["boost::headers", "boost::json", "boost::url", "openssl::ssl", "openssl::crypto"]
        self.cpp_info.system_libs = ["pthread"]
        self.cpp_info.set_property("cmake_file_name", "jobmode")
        self.cpp_info.set_property("cmake_target_name", "jobmode::jobmode")
        self.cpp_info.set_property("pkg_config_name", "jobmode")

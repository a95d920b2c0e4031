#!/usr/bin/env python3
# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""The vcpkg port and the Conan recipe, as far as they go without a network.  usage: recipes_test.py BUILD FOLDER

Neither vcpkg nor Conan can be had: what they would do is stood in for, and everything that calls for CMake is done by the real
one. BUILD is a build of the project, whose files are installed; FOLDER is worked in.
"""

import fnmatch
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import types
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD, WORK = (os.path.abspath(argument) for argument in sys.argv[1:3])


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def cmake(*arguments):
    ended = subprocess.run(
        ["cmake", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if ended.returncode:
        raise AssertionError(f"cmake {' '.join(arguments)}\n{ended.stdout}")
    return ended.stdout


def project_version():
    return re.search(r"^project\(jobmode VERSION ([0-9.]+)", read("CMakeLists.txt"), re.MULTILINE).group(1)


def empty(name):
    folder = os.path.join(WORK, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def list_of_files(folder):
    return sorted(os.path.relpath(os.path.join(top, name), folder) for top, _, names in os.walk(folder) for name in names)


def find_package_in(prefix, name, *options):
    """Somebody else's project finds the library below the prefix, and there alone."""
    output = cmake(
        "-S", os.path.join(ROOT, "tests", "consumer"), "-B", empty(name), "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", *options
    )
    assert "Configuring done" in output


class Versions(unittest.TestCase):
    def test_the_debian_packages_have_the_projects_version(self):
        self.assertEqual(re.match(r"jobmode \(([^)]+)\)", read("debian", "changelog")).group(1), project_version())

    def test_the_debian_librarys_name_has_the_version_of_its_abi(self):
        abi = ".".join(project_version().split(".")[:2])
        self.assertIn(f"\nPackage: libjobmode{abi}\n", read("debian", "control"))
        self.assertTrue(os.path.exists(os.path.join(ROOT, "debian", f"libjobmode{abi}.install")))

    def test_the_manual_pages_are_of_the_day_of_the_last_change(self):
        date = re.search(r"JOBMODE_VERSION_DATE (\S+)\)", read("CMakeLists.txt")).group(1)
        changed = re.search(r"^ -- .*>  \w+, (\d+) (\w+) (\d+) ", read("debian", "changelog"), re.MULTILINE).groups()
        months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
        self.assertEqual(date, f"{changed[2]}-{months.index(changed[1]) + 1:02}-{int(changed[0]):02}")


class VcpkgPort(unittest.TestCase):
    folder = os.path.join(ROOT, "packaging", "vcpkg", "jobmode")

    def setUp(self):
        self.manifest = json.loads(read(self.folder, "vcpkg.json"))

    def dependencies(self, *features):
        listed = list(self.manifest["dependencies"])
        for feature in features:
            listed += self.manifest["features"][feature]["dependencies"]
        return {entry if isinstance(entry, str) else entry["name"] for entry in listed}

    def test_the_manifest_is_one(self):
        self.assertEqual(self.manifest["version"], project_version())
        self.assertEqual(self.manifest["name"], os.path.basename(self.folder))
        known = {"name", "version", "description", "license", "supports", "dependencies", "features"}
        self.assertLessEqual(self.manifest.keys(), known)
        names = [entry for feature in ([], ["tool"]) for entry in self.dependencies(*feature)]
        for name in [*names, *self.manifest["features"]]:
            self.assertRegex(name, r"^[a-z0-9]+(-[a-z0-9]+)*$")
        entries = self.manifest["dependencies"]
        for entry in (entry for entry in entries if isinstance(entry, dict)):
            self.assertLessEqual(entry.keys(), {"name", "host", "version>="})
        for helper in ("vcpkg-cmake", "vcpkg-cmake-config"):
            self.assertIn({"name": helper, "host": True}, entries)

    def test_every_library_of_boosts_that_is_included_is_a_dependency(self):
        included = set()
        for folder, _, files in (entry for top in ("include", "src") for entry in os.walk(os.path.join(ROOT, top))):
            for name in files:
                included |= set(re.findall(r"#include <boost/(\w+)", read(folder, name)))
        # <boost/version.hpp> is a part of this one.
        included = {"config" if name == "version" else name for name in included}
        listed = {name for name in self.dependencies("tool") if name.startswith("boost-")}
        self.assertEqual({"boost-" + name.replace("_", "-") for name in included}, listed)

    def test_every_other_package_that_cmake_looks_for_is_a_dependency(self):
        text = read("CMakeLists.txt")
        ports = {"OpenSSL": "openssl", "CLI11": "cli11", "fmt": "fmt", "SQLite3": "sqlite3"}
        wanted = set(re.findall(r"find_package\((\w+)[^)]*REQUIRED", text)) - {"Threads", "Boost"}
        self.assertEqual(wanted, ports.keys())
        self.assertLessEqual(set(ports.values()), self.dependencies("tool"))
        self.assertIn("openssl", self.dependencies())

    def run_port(self, *features):
        name = "-".join(["vcpkg", *features])
        packages = os.path.join(empty(name), "packages")
        cmake(
            f"-DPORT_DIR={self.folder}",
            f"-DFEATURES={';'.join(features)}",
            f"-DBUILD={BUILD}",
            f"-DCURRENT_BUILDTREES_DIR={os.path.join(WORK, name, 'build')}",
            f"-DCURRENT_PACKAGES_DIR={packages}",
            "-P",
            os.path.join(ROOT, "tests", "packaging", "vcpkg.cmake"),
        )
        for needed in ("copyright", "usage", "jobmode-config.cmake"):
            self.assertTrue(os.path.exists(os.path.join(packages, "share", "jobmode", needed)), needed)
        for unwanted in ("bin", "debug/bin", "debug/include", "debug/share", "lib/cmake", "debug/lib/cmake"):
            self.assertFalse(os.path.exists(os.path.join(packages, unwanted)), unwanted)
        tool = os.path.join(packages, "tools", "jobmode", "jobmode")
        self.assertEqual(os.path.exists(tool), "tool" in features)
        self.no_absolute_path(packages)
        find_package_in(packages, name + "-found", f"-Djobmode_DIR={packages}/share/jobmode")

    def no_absolute_path(self, packages):
        for folder, _, files in os.walk(packages):
            for file in (file for file in files if file.endswith((".cmake", ".pc", "usage", ".hpp"))):
                text = read(folder, file)
                for place in (ROOT, BUILD, packages):
                    self.assertNotIn(place, text, os.path.join(folder, file))

    def test_the_port_builds_the_library(self):
        self.run_port()

    def test_the_port_builds_the_program(self):
        self.run_port("tool")


class Values:
    """Something with whatever members it is given."""

    def __init__(self, **members):
        self.__dict__.update(members)


class StandIn:
    """What of Conan the recipe uses. CMake's part runs the real one, on the exported sources."""

    def __init__(self):
        self.generated = []
        stand_in = self

        class ConanFile:
            def __init__(self):
                self.required = {}
                self.cpp_info = Values(properties={})
                self.cpp_info.set_property = self.cpp_info.properties.__setitem__

            def requires(self, reference, **traits):
                self.required[reference.split("/")[0]] = Values(range=reference.split("/")[1], **traits)

        class Generator:
            def __init__(self, recipe):
                self.cache_variables = {}
                recipe.generators_used = [*getattr(recipe, "generators_used", []), self]

            def generate(self):
                stand_in.generated.append(self)

        class CMakeDeps(Generator):
            pass

        class CMakeToolchain(Generator):
            pass

        class CMake:
            def __init__(self, recipe):
                self.recipe = recipe

            def configure(self):
                options = [
                    f"-D{name}={'ON' if value else 'OFF'}"
                    for generator in stand_in.generated
                    for name, value in generator.cache_variables.items()
                ]
                shared = "ON" if self.recipe.options.shared else "OFF"
                output = cmake(
                    "-S", self.recipe.source_folder, "-B", self.recipe.build_folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    f"-DBUILD_SHARED_LIBS={shared}", *options,
                )  # fmt: skip
                if "not used by the project" in output:
                    raise AssertionError(output)

            def build(self):
                pass

            def install(self):
                cmake("--install", BUILD, "--prefix", self.recipe.package_folder)

        def copy(_, pattern, source, target):
            copied = []
            for folder, _, files in os.walk(source):
                for file in files:
                    path = os.path.relpath(os.path.join(folder, file), source)
                    if fnmatch.fnmatch(path, pattern):
                        os.makedirs(os.path.dirname(os.path.join(target, path)), exist_ok=True)
                        copied.append(shutil.copy(os.path.join(folder, file), os.path.join(target, path)))
            return copied

        class ConanInvalidConfiguration(Exception):
            pass

        self.refusal = ConanInvalidConfiguration
        self.modules = {
            "conan": {"ConanFile": ConanFile},
            "conan.errors": {"ConanInvalidConfiguration": ConanInvalidConfiguration},
            "conan.tools": {},
            "conan.tools.build": {"check_min_cppstd": self.check_min_cppstd},
            "conan.tools.cmake": {
                "CMake": CMake, "CMakeDeps": CMakeDeps, "CMakeToolchain": CMakeToolchain, "cmake_layout": lambda recipe: None,
            },
            "conan.tools.files": {
                "copy": copy,
                "load": lambda _, path: read(path),
                "rmdir": lambda _, path: shutil.rmtree(path, ignore_errors=True),
            },
        }  # fmt: skip

    def check_min_cppstd(self, recipe, least):
        if int(recipe.settings.compiler.cppstd) < least:
            raise self.refusal("C++20 is needed")

    def load_recipe(self):
        for name, members in self.modules.items():
            module = types.ModuleType(name)
            module.__dict__.update(members)
            sys.modules[name] = module
        path = os.path.join(ROOT, "packaging", "conan", "conanfile.py")
        spec = importlib.util.spec_from_file_location("conanfile", path)
        module = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode = True
        spec.loader.exec_module(module)
        return module.Jobmode


class ConanRecipe(unittest.TestCase):
    def recipe(self, **options):
        self.stand_in = StandIn()
        recipe = self.stand_in.load_recipe()()
        recipe.settings = Values(os="Linux", compiler=Values(cppstd="20"))
        self.assertEqual(recipe.options.keys(), recipe.default_options.keys())
        for name, value in options.items():
            self.assertIn(value, recipe.options[name])
        recipe.options = Values(**recipe.default_options | options)
        recipe.recipe_folder = os.path.join(ROOT, "packaging", "conan")
        return recipe

    def test_its_version_is_the_projects(self):
        recipe = self.recipe()
        recipe.set_version()
        self.assertEqual((recipe.name, recipe.version), ("jobmode", project_version()))

    def test_other_systems_and_older_standards_are_refused(self):
        recipe = self.recipe()
        recipe.validate()
        recipe.settings.os = "Windows"
        self.assertRaises(self.stand_in.refusal, recipe.validate)
        recipe.settings = Values(os="Linux", compiler=Values(cppstd="17"))
        self.assertRaises(self.stand_in.refusal, recipe.validate)

    def create(self, name, **options):
        """What `conan create` does, in its order."""
        recipe = self.recipe(**options)
        top = empty("conan-" + name)
        recipe.export_sources_folder = recipe.source_folder = os.path.join(top, "source")
        recipe.build_folder = os.path.join(top, "build")
        recipe.package_folder = os.path.join(top, "package")
        recipe.set_version()
        recipe.export_sources()
        for folder in ("cmake", "include", "src"):
            exported = os.path.join(recipe.export_sources_folder, folder)
            self.assertEqual(list_of_files(exported), list_of_files(os.path.join(ROOT, folder)))
        # In Conan's cache, the folder that the recipe came from is gone.
        recipe.recipe_folder = os.path.join(top, "nowhere")
        recipe.requirements()
        recipe.validate()
        recipe.layout()
        recipe.generate()
        self.assertEqual(recipe.generators_used, self.stand_in.generated)
        recipe.build()
        recipe.package()
        recipe.package_info()
        self.assertTrue(os.path.exists(os.path.join(recipe.package_folder, "licenses", "LICENSE")))
        self.assertTrue(os.path.exists(os.path.join(recipe.package_folder, "include", "jobmode", "client.hpp")))
        for folder in ("cmake", "pkgconfig"):
            self.assertFalse(os.path.exists(os.path.join(recipe.package_folder, "lib", folder)))
        for library in recipe.cpp_info.libs:
            self.assertTrue(os.path.exists(os.path.join(recipe.package_folder, "lib", f"lib{library}.a")))
        # Conan demands that what a user gets to see is used by package_info(), and what that uses is required.
        seen = {name for name, traits in recipe.required.items() if getattr(traits, "visible", True)}
        self.assertEqual({use.split("::")[0] for use in recipe.cpp_info.requires}, seen)
        self.assertTrue(recipe.required["boost"].transitive_headers)
        self.assertEqual(recipe.cpp_info.properties["cmake_target_name"], "jobmode::jobmode")
        return recipe

    def test_it_makes_the_static_library(self):
        self.assertEqual(set(self.create("static").required), {"boost", "openssl"})

    def test_it_makes_the_shared_library_and_the_program(self):
        recipe = self.create("shared", shared=True, tool=True)
        self.assertEqual(set(recipe.required), {"boost", "openssl", "cli11", "fmt", "sqlite3"})
        self.assertTrue(os.path.exists(os.path.join(recipe.package_folder, "bin", "jobmode")))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

"""`cmake --install`, and a program of somebody else built on what it installed: by CMake package and by pkg-config."""

import os
import subprocess
import tempfile
import unittest

BUILD = os.environ["MILLRACE_BUILD"]

PROGRAM = """
#include <cstdio>
#include "app/handler.h"
#include "base/entropy.h"
#include "shard/shard.h"

int main() {
  millrace::HeapPool pool(64, 2048);
  millrace::SeededEntropy entropy(1);
  millrace::shard::Shard shard({}, millrace::wire::Checksum::Software, pool, entropy, millrace::Instant{});
  std::printf("%u connections\\n", shard.connections());
}
"""

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
find_package(millrace REQUIRED)
add_executable(consumer main.cpp)
target_link_libraries(consumer PRIVATE millrace::millrace)
"""


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.prefix = os.path.join(cls.directory.name, "prefix")
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.source = os.path.join(cls.directory.name, "consumer")
        os.mkdir(cls.source)
        for name, text in (("main.cpp", PROGRAM), ("CMakeLists.txt", PROJECT)):
            with open(os.path.join(cls.source, name), "w") as file:
                file.write(text)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def test_programs_run_where_they_are_installed(self):
        self.assertIn("millrace", run(os.path.join(self.prefix, "bin", "millrace"), "--version"))

    def test_man_pages_and_completions_are_installed(self):
        for path, text in (("share/man/man1/millrace.1", ".TH MILLRACE 1 "), ("share/man/man1/millracectl.1", ".TH MILLRACECTL 1 "),
                           ("share/man/man5/millrace.conf.5", ".TH MILLRACE.CONF 5 "),
                           ("share/bash-completion/completions/millrace", "complete -F _millrace millrace"),
                           ("share/bash-completion/completions/millracectl", "complete -F _millracectl millracectl"),
                           ("share/zsh/site-functions/_millrace", "#compdef millrace"),
                           ("share/zsh/site-functions/_millracectl", "#compdef millracectl")):
            with open(os.path.join(self.prefix, path), encoding="utf-8") as file:
                self.assertIn(text, file.read(), path)

    def test_cmake_package(self):
        build = os.path.join(self.directory.name, "build")
        run("cmake", "-S", self.source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        self.assertEqual(run(os.path.join(build, "consumer")), "0 connections\n")

    def test_pkg_config(self):
        found = [root for root, _, files in os.walk(self.prefix) if "millrace.pc" in files]
        environment = dict(os.environ, PKG_CONFIG_PATH=found[0])
        flags = run("pkg-config", "--cflags", "--libs", "millrace", env=environment).split()
        program = os.path.join(self.directory.name, "by-pkg-config")
        run("c++", "-std=c++20", os.path.join(self.source, "main.cpp"), "-o", program, *flags)
        self.assertEqual(run(program), "0 connections\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""Every block of code in README.md and docs is typed as it is written.  usage: blocks_test.py COMPILER PROGRAM FOLDER

Shell blocks are typed at the prompt of bash and of zsh, against the simulated server where they name a server of the reader's;
C++ blocks are compiled. A block that is new must be given its place here. FOLDER is worked in. Exit code 77: a shell is missing.
"""

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPILER, PROGRAM, WORK = sys.argv[1], *(os.path.abspath(argument) for argument in sys.argv[2:4])
PASSWORD = "system1"
# How each shell is begun: as a reader's, without what this machine's user has set.
SHELLS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
# For a machine that does much else.
PATIENCE = 300

# Blocks that another test runs, and which: each by its file, and its place among the file's shell blocks.
ELSEWHERE = {
    ("README.md", 0): "the demonstration, and the command that runs this test",
    ("docs/install.md", 0): "tests/packages",
    ("docs/install.md", 1): "tests/consumer",
    ("docs/install.md", 2): "tests/packaging",
    ("docs/library.md", 0): "examples/run_all",
    ("docs/library.md", 1): "tests/consumer",
}


def pages():
    return ["README.md"] + sorted("docs/" + name for name in os.listdir(os.path.join(ROOT, "docs")) if name.endswith(".md"))


def blocks(page, language):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return re.findall(rf"^```{language}\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)


def unused_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def made_fit(text, *ports):
    """A block with ports of this moment's, which waits for its servers for as long as they need."""
    mine = {port: str(unused_port()) for port in ports}
    for port in ports:
        if port not in text:
            raise AssertionError(f"the block has no port {port}")
    text = re.sub("|".join(ports), lambda found: mine[found.group()], text)
    reached = "; ".join(f"socket.create_connection(('127.0.0.1', {port}))" for port in mine.values())
    waiting = f'until python3 -c "import socket; {reached}" 2>/dev/null; do sleep 0.1; done'
    if "sleep 1\n" not in text:
        raise AssertionError("the block does not wait")
    return text.replace("sleep 1\n", waiting + "\n")


class Prompt:
    """A shell on a terminal, at whose prompt lines are typed."""

    def __init__(self, shell, folder, environment):
        self.said = ""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execvpe(SHELLS[shell][0], SHELLS[shell], environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            os.close(self.terminal)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child, signal.SIGHUP)
        os.waitpid(self.child, 0)

    def read_until(self, pattern):
        ends_at = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.said)):
            ready, _, _ = select.select([self.terminal], [], [], max(0, ends_at - time.monotonic()))
            if not ready:
                raise AssertionError(f"it did not say {pattern}:\n{self.said}")
            try:
                self.said += os.read(self.terminal, 65536).decode("utf-8", "replace")
            except OSError as gone:
                raise AssertionError(f"the shell ended:\n{self.said}") from gone
        return found

    def type(self, text):
        """Types a block, with what it asks for, and gives back what was said; it must succeed to the end."""
        for line in text.splitlines():
            os.write(self.terminal, line.encode() + b"\n")
            if line.startswith("read "):
                self.answer()
        # What is typed has the word in two parts, so that its echo is not taken for the answer.
        os.write(self.terminal, b"echo \"status\"\"-is $?.\"\n")
        status = self.read_until(r"status-is (\d+)\.").group(1)
        if status != "0":
            raise AssertionError(f"exit code {status}:\n{self.said}")
        said, self.said = self.said, ""
        return said

    def answer(self):
        # The shell must be reading before the password is typed, or the line goes to the prompt.
        ends_at = time.monotonic() + PATIENCE
        # A prompt turns off echo and takes single keys; `read -s` turns off echo and takes a line.
        while termios.tcgetattr(self.terminal)[3] & (termios.ECHO | termios.ICANON) != termios.ICANON:
            if time.monotonic() > ends_at:
                raise AssertionError(f"it did not ask:\n{self.said}")
            ready, _, _ = select.select([self.terminal], [], [], 0.05)
            if ready:
                self.said += os.read(self.terminal, 65536).decode("utf-8", "replace")
        os.write(self.terminal, PASSWORD.encode() + b"\n")


@contextlib.contextmanager
def simulated_server(folder):
    port_file, ca_file = os.path.join(folder, "port"), os.path.join(folder, "server.pem")
    command = [PROGRAM, "serve", "--port", "0", "--port-file", port_file, "--ca-file", ca_file, "--users", "30", "--days", "30"]
    with open(os.path.join(folder, "serve.log"), "w", encoding="utf-8") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        ends_at = time.monotonic() + PATIENCE
        while not (os.path.exists(port_file) and os.path.getsize(port_file)):
            if server.poll() is not None or time.monotonic() > ends_at:
                raise AssertionError("the simulated server did not start")
            time.sleep(0.05)
        with open(port_file, encoding="utf-8") as file:
            yield file.read().strip(), ca_file
    finally:
        server.terminate()
        server.wait()


class TypedInAShell:
    """The same for each shell."""

    shell = ""

    def setUp(self):
        self.folder = os.path.join(WORK, self.shell + "-" + self._testMethodName)
        shutil.rmtree(self.folder, ignore_errors=True)
        # Where a reader has what the blocks name: a clone that was built.
        os.makedirs(os.path.join(self.folder, "build", "release"))
        os.symlink(PROGRAM, os.path.join(self.folder, "build", "release", "jobmode"))
        self.environment = {
            "PATH": os.path.dirname(PROGRAM) + ":" + os.environ["PATH"] + ":/usr/sbin",
            "HOME": self.folder,
            "TERM": "dumb",
            "PS1": "$ ",
        }

    def prompt(self, **environment):
        return Prompt(self.shell, self.folder, {**self.environment, **environment})

    def test_readme(self):
        text = made_fit(blocks("README.md", "sh")[1], "8443")
        # As many as a test needs.
        text = text.replace("--users 300", "--users 20")
        self.assertIn("--users 20", text)
        with self.prompt() as prompt:
            prompt.type(text)
        with open(os.path.join(self.folder, "june.html"), encoding="utf-8") as page:
            self.assertIn("customer-0001", page.read())

    def test_crawl_and_monitoring(self):
        crawl, pin = blocks("docs/crawl.md", "sh")
        report, silent, check_file, check = blocks("docs/monitoring.md", "sh")
        with simulated_server(self.folder) as (port, ca_file):
            # The reader's system trusts the reader's server.
            with self.prompt(SSL_CERT_FILE=ca_file) as prompt:

                def typed(text):
                    mine = text.replace("https://cbs.example.com", f"https://localhost:{port}").replace("--sys-user api", "--sys-user system")
                    return prompt.type(mine.replace("cbs.example.com:443", f"localhost:{port}"))

                said = typed(crawl)
                self.assertRegex(said, r"2024-06-26T11:33:52 .*manual")
                self.assertNotIn(PASSWORD, said)
                typed(report)
                # The crawl is of long ago.
                self.assertIn("as of 2024-06-30", typed(silent.replace("\n", " || true\n")))
                self.assertRegex(typed(check_file.replace("\n", " || true\n")), r"JOBMODE .*as of 2024-06-30")
                # Which verdict it is depends on the day on which this runs.
                self.assertIn("JOBMODE ", typed(check.replace("\n", " || true\n")))
                self.assertRegex(typed(pin), r"(?m)^[A-Za-z0-9+/]{43}=\s*$")
        with open(os.path.join(self.folder, "june.ndjson"), encoding="utf-8") as records:
            self.assertGreater(len([json.loads(line) for line in records]), 100)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "june.html")))

    @unittest.skipUnless(shutil.which("nats-server", path=os.environ["PATH"] + ":/usr/sbin"), "there is no nats-server")
    def test_fleet(self):
        if b"plan" not in subprocess.run([PROGRAM, "--help"], stdout=subprocess.PIPE, check=True).stdout:
            self.skipTest("built without libnats")
        (text,) = blocks("docs/fleet.md", "sh")
        text = made_fit(text, "8443", "4222").replace("--users 1000", "--users 10")
        self.assertIn("--users 10", text)
        with self.prompt() as prompt:
            prompt.type(text)
        with open(os.path.join(self.folder, "build", "fleet", "june.ndjson"), encoding="utf-8") as records:
            self.assertGreater(sum(1 for _ in records), 100)


class Bash(TypedInAShell, unittest.TestCase):
    shell = "bash"


class Zsh(TypedInAShell, unittest.TestCase):
    shell = "zsh"


class Blocks(unittest.TestCase):
    def test_each_shell_block_has_its_test(self):
        typed = {("README.md", 1), ("docs/crawl.md", 0), ("docs/crawl.md", 1), ("docs/fleet.md", 0)}
        typed |= {("docs/monitoring.md", place) for place in range(4)}
        self.assertFalse(typed & ELSEWHERE.keys())
        there = {(page, place) for page in pages() for place in range(len(blocks(page, "sh")))}
        self.assertEqual(there, typed | ELSEWHERE.keys())

    def test_no_comment_stands_in_a_shell_block(self):
        # At its prompt zsh takes one for a word.
        for page in pages():
            for block in blocks(page, "sh"):
                self.assertNotRegex(block, r"(?m)(^|\s)#", page)

    def test_each_cpp_block_compiles(self):
        for page in pages():
            for place, block in enumerate(blocks(page, "cpp")):
                with self.subTest(page=page, place=place):
                    command = [COMPILER, "-std=c++20", "-fsyntax-only", "-Wall", "-Werror", "-Wno-mismatched-new-delete"]
                    command += ["-I", os.path.join(ROOT, "include"), "-x", "c++", "-"]
                    ended = subprocess.run(command, input=block, capture_output=True, text=True, check=False)
                    self.assertEqual(ended.returncode, 0, ended.stderr)


if not all(shutil.which(shell) for shell in SHELLS):
    print("bash and zsh must be there")
    sys.exit(77)
unittest.main(argv=sys.argv[:1], verbosity=2)

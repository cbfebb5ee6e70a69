"""The pages, references and completions that millrace and millracectl write of themselves.

usage: manual_test.py --source DIR --programs DIR
"""

import argparse
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

SOURCE = PROGRAMS = ""
PAGES = [("millrace", []), ("millrace", ["millrace.conf.5"]), ("millracectl", [])]
REFERENCES = [("millrace", "control/millrace.md"), ("millracectl", "control/cli/millracectl.md")]

# What is typed, with tabs; and the words that the program is given.
TYPED = [
    ("millrace ser\t", "serve"),
    ("millrace config che\t", "config check"),
    ("millrace serve --hu\tof\t", "serve --huge-pages off"),
    ("millrace config reference --format=ma\t", "config reference --format=markdown"),
    ("millrace serve --set tcp.msl\t5s", "serve --set tcp.msl=5s"),
    ("millrace demo --seed 7 lost-f\t", "demo --seed 7 lost-fin"),
    ("millrace man mill\t", "man millrace.conf.5"),
    ("millrace completion zs\t", "completion zsh"),
    ("millrace config check on\t", "config check only.conf"),
    ("millracectl neigh\t", "neighbors"),
    ("millracectl conns --sort rt\t", "conns --sort rtt"),
    ("millracectl config se\ttcp.msl\t5s", "config set tcp.msl 5s"),
    ("millracectl --socket on\tlog deb\t", "--socket only.conf log debug"),
    ("millracectl help drai\t", "help drain"),
]


def written(program, *words):
    done = subprocess.run([os.path.join(PROGRAMS, program), *words], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{program} {words}: {done.returncode} {done.stderr}")
    return done.stdout


class Pages(unittest.TestCase):
    def test_committed_references_are_the_generated_ones(self):
        for program, path in REFERENCES:
            with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
                self.assertEqual(file.read(), written(program, "man", "--format", "markdown"),
                                 f"out of date: run `{program} man --format markdown > {path}`")

    def test_man_pages_are_without_complaint(self):
        for program, words in PAGES:
            with tempfile.NamedTemporaryFile("w", suffix=".5" if words else ".1") as page:
                page.write(written(program, "man", *words))
                page.flush()
                done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page.name], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (0, ""), f"{program} {words}")

    def test_man_pages_tell_of_every_command(self):
        for program, command in (("millrace", "doctor [OPTIONS]"), ("millrace", "config check [OPTIONS] FILE"),
                                 ("millracectl", "conn [OPTIONS] ID")):
            shown = subprocess.run(["mandoc", "-T", "ascii"], input=written(program, "man"), capture_output=True, text=True,
                                   check=True).stdout
            self.assertIn(f"{program} {command}", re.sub(".\b", "", shown))  # bold is struck twice

    def test_wrong_words_are_refused(self):
        for words in (["man", "none.7"], ["man", "--format", "html"], ["completion", "fish"], ["completion"]):
            for program in ("millrace", "millracectl"):
                done = subprocess.run([os.path.join(PROGRAMS, program), *words], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (2, ""), (program, words))
                self.assertTrue(done.stderr.startswith(f"{program} {words[0]}: "), done.stderr)


class Shell:
    """An interactive shell on a terminal, in a folder of its own, that has read what is in `setup`."""

    def __init__(self, words, setup):
        self.directory = tempfile.TemporaryDirectory()
        for name, text in (("setup", setup), ("only.conf", "")):
            with open(os.path.join(self.directory.name, name), "w", encoding="utf-8") as file:
                file.write(text)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(self.directory.name)
            os.execvpe(words[0], words, {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": self.directory.name,
                                         "HISTFILE": "/dev/null"})
        self.seen = ""
        self.type(". ./setup\n")
        self.wait_for("set up.")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, *texts, seconds=60):
        """What came, from the first of the texts on, up to a line's end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for text in texts:
                at = self.seen.find(text)
                if at >= 0 and "\n" in self.seen[at:]:
                    line, self.seen = self.seen[at:].split("\n", 1)
                    return line.strip()
            if select.select([self.terminal], [], [], 0.2)[0]:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        raise AssertionError(f"none of {texts} within {seconds} s: {self.seen!r}")

    def close(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)
        self.directory.cleanup()


def setup_of(shell):
    """The completions, and in place of the programs what shows the words that they would be given."""
    lines = ["PS1='$ '"]
    if shell == "zsh":
        lines += ["autoload -Uz compinit", "compinit -D -u", "unsetopt zle_bracketed_paste"]
    for program in ("millrace", "millracectl"):
        lines += [f"{program}() {{ echo \"given\"\":<$*>\"; }}", written(program, "completion", shell)]
    return "\n".join(lines + ["echo 'set'\" up.\""]) + "\n"


class Completion(unittest.TestCase):
    def complete(self, shell, *options):
        if shutil.which(shell) is None:
            self.fail(f"{shell} is missing: apt-get install {shell}")
        terminal = Shell([shell, *options], setup_of(shell))
        self.addCleanup(terminal.close)
        for typed, words in TYPED:
            with self.subTest(typed):
                # The line ends once the shell has shown what it made of the tabs.
                for part in typed.split("\t")[:-1]:
                    terminal.type(part + "\t")
                    time.sleep(0.3)
                terminal.type(typed.split("\t")[-1] + "\n")
                given = terminal.wait_for("given:<").removesuffix(">").rstrip()
                # zsh joins a long option and its value.
                self.assertEqual(given.replace("--huge-pages=", "--huge-pages "), f"given:<{words}")

    def test_bash(self):
        self.complete("bash", "--norc", "--noprofile", "-i")

    def test_zsh(self):
        self.complete("zsh", "-f", "-i")


def main():
    global SOURCE, PROGRAMS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True)
    parser.add_argument("--programs", required=True)
    given, rest = parser.parse_known_args()
    SOURCE, PROGRAMS = given.source, given.programs
    unittest.main(argv=["manual_test.py", *rest], verbosity=2)


if __name__ == "__main__":
    main()

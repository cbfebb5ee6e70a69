"""What one cell of the table puts on the host: namespaces, processes, a directory; leaving the scene takes all away.

Neighbours: whatever builds in it, as endpoint/links.py and paths/kernel.py. Python's standard library alone.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
START_SECONDS = 20


class BenchError(Exception):
    """A sentence for the user: what went wrong and where."""


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def tail(text, lines=3):
    return " / ".join(line for line in text.strip().splitlines()[-lines:])


class Program:
    """A process whose output goes to files; `name` is what errors call it."""

    def __init__(self, name, words, directory, stdin=subprocess.DEVNULL):
        self.name = name
        self.paths = [os.path.join(directory, f"{name}.{kind}") for kind in ("out", "err")]
        with open(self.paths[0], "w", encoding="utf-8") as out, open(self.paths[1], "w", encoding="utf-8") as err:
            # A session of its own: the terminal's Ctrl-C is for us, who then end it in order.
            self.process = subprocess.Popen(words, stdin=stdin, stdout=out, stderr=err, text=True,
                                            start_new_session=True, preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self.process.pid

    def said(self, which=0):
        with open(self.paths[which], encoding="utf-8", errors="replace") as file:
            return file.read()

    def complaint(self):
        return tail(self.said(1)) or tail(self.said(0)) or "it said nothing"

    def wait_for(self, condition, what):
        """Until condition() holds; an error when the program ends before, or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended with {self.process.returncode} before {what}: {self.complaint()}")
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name}: no {what} within {START_SECONDS} s: {self.complaint()}")
            time.sleep(0.02)

    def cpu_seconds(self):
        """User and system time of all threads so far."""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def end(self, seconds=8):
        if self.process.poll() is None:
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=seconds)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()


class Scene:
    """Use as a context manager. Two namespaces, `server` and `client`, each with its own CPU."""

    count = 0

    def __init__(self, settings):
        Scene.count += 1
        self.settings = settings
        self.name = f"mrbench-{os.getpid()}-{Scene.count}"
        self.cpu = {"server": settings.cpus[0], "client": settings.cpus[1]}
        self.cleaning = contextlib.ExitStack()
        self.directory = None

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="mrbench-")
        self.cleaning.callback(shutil.rmtree, self.directory, ignore_errors=True)
        try:
            for side in ("server", "client"):
                self.cleaning.callback(self.ip, "netns", "delete", self.namespace(side), check=False)
                self.ip("netns", "add", self.namespace(side))
                self.ip("-n", self.namespace(side), "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """A second Ctrl-C waits until all is taken down."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            self.cleaning.close()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def namespace(self, side):
        return f"{self.name}-{side}"

    def path(self, name):
        return os.path.join(self.directory, name)

    @staticmethod
    def ip(*words, check=True):
        done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise BenchError(f"`ip {' '.join(words)}` failed: {tail(done.stderr)}")
        return done.stdout

    def run(self, side, *words):
        """A short command inside a namespace."""
        done = subprocess.run(["ip", "netns", "exec", self.namespace(side), *words], check=False, capture_output=True,
                              text=True, timeout=20)
        if done.returncode != 0:
            raise BenchError(f"`{' '.join(words)}` failed: {tail(done.stderr)}")

    def file_prefix(self, name):
        """EAL's name for a process; what it leaves in /run/dpdk goes with the scene."""
        prefix = f"{self.name}-{name}"
        self.cleaning.callback(shutil.rmtree, f"/run/dpdk/{prefix}", ignore_errors=True)
        return prefix

    def start(self, name, namespace, cpu, words, pinned=True, stdin=subprocess.DEVNULL):
        """A program on the CPU of a side. One whose lcores pin themselves is not pinned here: its other threads would
        share their CPU. `ip netns exec` becomes the program, so the pid is the program's."""
        command = ["ip", "netns", "exec", self.namespace(namespace), "nice", "-n", str(self.settings.nice)]
        if pinned:
            command += ["taskset", "-c", str(self.cpu[cpu])]
        program = Program(name, [*command, *words], self.directory, stdin)
        self.cleaning.callback(program.end)
        return program

"""What the tests of this folder stand on: a network namespace of their own, and `millrace serve` in it."""

import ctypes
import glob
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = os.environ.get("MILLRACE_BUILD", "")
MILLRACE = os.path.join(BUILD, "bin", "millrace")
MILLRACECTL = os.path.join(BUILD, "bin", "millracectl")
START_SECONDS = 60  # sanitizers on a busy machine
CLONE_NEWNET = 0x40000000


def sh(*words, check=True):
    return subprocess.run(words, check=check, capture_output=True, text=True)


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Namespace:
    """A network namespace, and sockets in it for this process."""

    count = 0

    def __init__(self):
        Namespace.count += 1
        self.name = f"mr-{os.getpid()}-{Namespace.count}"
        sh("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        self.sockets = []

    def ip(self, *words):
        return sh("ip", "-n", self.name, *words)

    def run(self, *words, check=True):
        return sh("ip", "netns", "exec", self.name, *words, check=check)

    def interfaces(self):
        lines = self.ip("-o", "link").stdout.splitlines()
        return {line.split(": ")[1].split("@")[0] for line in lines}

    def socket(self, *kind, timeout=10):
        """A socket that lives in the namespace; this process stays where it is."""
        libc = ctypes.CDLL(None, use_errno=True)
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            libc.setns(there, CLONE_NEWNET)
            made = socket.socket(*kind)
        finally:
            libc.setns(home, CLONE_NEWNET)
            os.close(home)
            os.close(there)
        made.settimeout(timeout)
        self.sockets.append(made)
        return made

    def connect(self, address, port, timeout=10):
        stream = self.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, timeout=timeout)
        stream.connect((address, port))
        return stream

    def ping(self, address):
        """Whether an echo request of 64 octets comes back."""
        payload = bytes(64)
        if ":" in address:
            kind, request, reply = (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6), 128, 129
        else:
            kind, request, reply = (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP), 8, 0
        message = struct.pack("!BBHHH", request, 0, 0, 0x4d52, 1) + payload
        message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]  # ICMPv6: the kernel's
        with self.socket(*kind) as raw:
            raw.sendto(message, (address, 0))
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                got = raw.recv(2048)
                got = got if ":" in address else got[(got[0] & 15) * 4:]
                if got[0] == reply and got[4:] == message[4:]:
                    return True
        return False

    def close(self):
        for opened in self.sockets:
            opened.close()
        sh("ip", "netns", "del", self.name, check=False)


class Serve:
    """One `millrace serve` in a namespace, with a control socket and a file prefix of its own."""

    count = 0

    def __init__(self, namespace, *args, prefix=(), directory=None, file_prefix=None):
        Serve.count += 1
        self.namespace = namespace
        self.directory = directory or tempfile.mkdtemp(prefix="mr-")
        self.socket = os.path.join(self.directory, "control.sock")
        self.file_prefix = file_prefix or f"mrtest{os.getpid()}x{Serve.count}"
        self.output = ""
        words = ["ip", "netns", "exec", namespace.name, *prefix, MILLRACE, "serve",
                 "--control-socket", self.socket, "--file-prefix", self.file_prefix,
                 "--set", "memory.rx_mbufs=8192", "--set", "memory.tx_mbufs=8192", *args]
        # `ip netns exec` becomes the program: the pid is the endpoint's.
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_ready(self):
        out = self.process.stdout.fileno()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not select.select([out], [], [], 0.1)[0]:
                continue
            text = os.read(out, 65536).decode()
            self.output += text
            if self.output.endswith("ready\n"):
                return self
            if text == "":
                break
        self.process.kill()
        raise AssertionError(f"not ready: {self.output}{self.process.stderr.read()}")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            user, system = file.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=START_SECONDS):
        """Exit code and standard error; fails when it takes longer."""
        try:
            _, errors = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, errors = self.process.communicate()
            raise AssertionError(f"did not end within {seconds} s: {errors}") from None
        return self.process.returncode, errors

    def stop(self):
        if self.process.poll() is None:
            self.signal()
        return self.wait()

    def left_behind(self):
        """Names of what should have gone."""
        found = [self.socket] if os.path.lexists(self.socket) else []
        for pattern in (f"/run/dpdk/{self.file_prefix}", f"/dev/hugepages/*{self.file_prefix}*",
                        f"/tmp/dpdk/{self.file_prefix}"):
            found += glob.glob(pattern)
        return found + [name for name in self.namespace.interfaces() if name.startswith("mrt")]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        for directory in (self.directory, f"/run/dpdk/{self.file_prefix}"):
            shutil.rmtree(directory, ignore_errors=True)


TAP = ("--vdev", "net_tap0,iface=mrt0", "--address", "10.99.0.2/24", "--address", "fd99::2/64", "--huge-pages", "off")


class DaemonTest(unittest.TestCase):
    def setUp(self):
        self.namespace = Namespace()
        self.addCleanup(self.namespace.close)

    def serve(self, *args, **more):
        serve = Serve(self.namespace, *args, **more)
        self.addCleanup(serve.close)
        return serve

    def serve_tap(self, *args, **more):
        """An endpoint on a TAP whose kernel end has addresses in the same prefixes."""
        serve = self.serve(*TAP, *args, **more).wait_ready()
        self.namespace.ip("address", "add", "10.99.0.1/24", "dev", "mrt0")
        self.namespace.ip("address", "add", "fd99::1/64", "dev", "mrt0", "nodad")
        return serve

    def assert_page(self, *urls):
        for url in urls:
            page = self.namespace.run("curl", "-g", "-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}",
                                      url, check=False)
            self.assertEqual((page.stdout, page.stderr), ("200", ""), url)


def main():
    if os.geteuid() != 0:
        sys.exit("these tests make network namespaces and TAP interfaces: run them as root")
    missing = [tool for tool in ("ip", "curl", "ethtool", "setpriv") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}; apt-get install iproute2 curl ethtool util-linux")
    if not os.access(MILLRACE, os.X_OK):
        sys.exit(f"no program {MILLRACE}; set MILLRACE_BUILD to a build directory")
    unittest.main(verbosity=2)

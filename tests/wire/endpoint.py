"""An endpoint under test: `millrace serve` on a device in a network namespace of its own, the kernel as its peer.

Neighbours: links.py (what it serves on), wire_test.py and survival_test.py (what is asked of it). Python's standard library alone.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from links import LINKS

OURS4, KERNEL4 = "10.0.0.2", "10.0.0.1"
OURS6, KERNEL6 = "2001:db8::2", "2001:db8::1"


class Endpoint:
    """Use as a context manager. `link` is a name of links.LINKS."""

    def __init__(self, programs, link, settings=(), services=(), mtu=1500):
        self.programs = programs
        self.settings, self.services = list(settings), list(services)
        self.namespace = f"millrace-wire-{os.getpid()}-{link}"
        self.peer_namespace = self.namespace  # where the kernel's TCP is
        self.work = tempfile.mkdtemp(prefix="millrace-wire-")
        self.socket = os.path.join(self.work, "control.sock")
        self.log = os.path.join(self.work, "serve.log")
        self.file_prefix = os.path.basename(self.work)
        self.process = None
        self.mtu = mtu
        self.link = LINKS[link](self, mtu)
        self.device = self.link.kernel
        port = self.link.vdev.partition(",")[0]
        self.settings += [f"port.{port}.{key}" for key in (f"mtu={mtu}", *self.link.port_settings)]

    def run(self, *command, check=True, namespace=None, **options):
        """Runs a command inside the namespace."""
        return subprocess.run(["ip", "netns", "exec", namespace or self.namespace, *command], check=check,
                              capture_output=True, text=True, **options)

    def run_at_peer(self, *command, **options):
        return self.run(*command, namespace=self.peer_namespace, **options)

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.status = self.stop()
        self.link.close()
        subprocess.run(["ip", "netns", "delete", self.namespace], capture_output=True, check=False)
        if kind is not None and os.path.exists(self.log):
            print(f"--- millrace serve said:\n{self.said()}---")
        for directory in (self.work, os.path.join("/run/dpdk", self.file_prefix)):
            shutil.rmtree(directory, ignore_errors=True)

    def _start(self):
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        self.run("ip", "link", "set", "lo", "up")
        self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0", check=False)
        self.link.prepare()
        self.serve()
        self.link.ready()
        self.run_at_peer("ip", "address", "add", f"{KERNEL4}/24", "dev", self.device)
        self.run_at_peer("ip", "address", "add", f"{KERNEL6}/64", "dev", self.device, "nodad", check=self.mtu >= 1280)
        self.run_at_peer("ip", "link", "set", self.device, "up")
        self.wait_for_link()

    def wait_for_link(self):
        """Until ours is up. The kernel asks three times in three seconds for our MAC address, and then connect() fails
        with EHOSTUNREACH; a peer process may take longer to come and agree."""
        deadline = time.monotonic() + 120
        while not all(port["link_up"] for port in self.ask("ports")["rows"]):
            if time.monotonic() > deadline:
                raise RuntimeError("the link was not up within 120 s")
            time.sleep(0.05)

    def serve(self):
        """Starts the endpoint, which then is ready."""
        command = ["ip", "netns", "exec", self.namespace, os.path.join(self.programs, "millrace"), "serve",
                   "--vdev", self.link.vdev, "--address", f"{OURS4}/24",
                   *(["--address", f"{OURS6}/64"] if self.mtu >= 1280 else []),  # RFC 8200 §5
                   "--file-prefix", self.file_prefix, "--set", f"control.socket={self.socket}"]
        for service in self.services:
            command += ["--service", service]
        for setting in self.settings:
            command += ["--set", setting]
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.link.spawned()
        self._wait_until_ready()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def crash(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def _wait_until_ready(self):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            text = self.said()
            if "\nready\n" in text:
                return
            if self.process.poll() is not None:
                raise RuntimeError(f"millrace serve ended with {self.process.returncode}: {text}")
            time.sleep(0.05)
        raise RuntimeError("millrace serve was not ready within 120 s")

    def stop(self):
        """SIGTERM; returns the exit status, or None when it had to be killed."""
        if self.process is None:
            return None
        status = self.process.poll()
        if status is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        return status

    def ask(self, *command):
        """millracectl --json COMMAND, parsed."""
        reply = subprocess.run([os.path.join(self.programs, "millracectl"), "--socket", self.socket, "--json", *command],
                               check=True, capture_output=True, text=True, timeout=60)
        return json.loads(reply.stdout)

    def lose(self, share):
        """The kernel drops this share of what it receives from us and of what it sends to us."""
        for tool in ("iptables", "ip6tables"):
            for chain, direction in (("INPUT", "-i"), ("OUTPUT", "-o")):
                self.run(tool, "-A", chain, direction, self.device, "-p", "tcp", "-m", "statistic", "--mode", "random",
                         "--probability", str(share), "-j", "DROP")

    def silence(self):
        """The kernel drops everything on the device from now on: the peer has vanished."""
        for chain, direction in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self.run("iptables", "-A", chain, direction, self.device, "-j", "DROP")

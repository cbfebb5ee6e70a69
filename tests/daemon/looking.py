"""Looking at an endpoint under load: a client of the control socket, and `millrace serve` and `millrace load` joined by
shared memory. Neighbours: sight_test.py, million_test.py."""

import json
import os
import socket
import subprocess
import tempfile
import time

import harness

CPUS = sorted(os.sched_getaffinity(0))
PATIENCE_SECONDS = 30  # for one answer, on a machine that others use as well


class Client:
    """A client of the control socket that keeps its connection, and how long each answer took."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_SECONDS)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.hello = json.loads(self.lines.readline())
        self.seconds = []

    def ask(self, method, **params):
        begun = time.monotonic()
        reply = self.try_to_ask(method, params)
        # An lcore may have lost its CPU to others; `stats` needs none.
        while method != "stats" and reply.get("error", {}).get("code") == "timed_out" \
                and time.monotonic() < begun + PATIENCE_SECONDS:
            reply = self.try_to_ask(method, params)
        self.seconds.append(time.monotonic() - begun)
        if "result" not in reply:
            raise AssertionError(f"{method} {params}: {reply}")
        return reply["result"]

    def try_to_ask(self, method, params):
        self.socket.sendall(json.dumps({"id": 1, "method": method, "params": params}).encode() + b"\n")
        return json.loads(self.lines.readline())

    def counters(self):
        return self.ask("stats")["total"]["counters"]

    def close(self):
        self.lines.close()
        self.socket.close()


class LookingTest(harness.DaemonTest):
    def serve_memif(self, *args):
        directory = tempfile.mkdtemp(prefix="mr-")
        return self.serve("--vdev", f"net_memif0,role=server,id=0,socket={directory}/link.sock", "--huge-pages", "off",
                          "--address", "10.98.0.2/24", "--lcores", str(CPUS[0]), "--service", "http:80", *args,
                          directory=directory).wait_ready()

    def load(self, serve, *args):
        words = ["ip", "netns", "exec", serve.namespace.name, harness.MILLRACE, "load",
                 "--vdev", f"net_memif0,role=client,id=0,socket={serve.directory}/link.sock", "--huge-pages", "off",
                 "--file-prefix", serve.file_prefix + "l", "--control-socket", f"{serve.directory}/load.sock",
                 "--address", "10.98.0.1/24", "--lcores", str(CPUS[-1]), "--log-level", "error", "--json", "--quiet", *args]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        process.communicate()

    def client(self, serve):
        made = Client(serve.socket)
        self.addCleanup(made.close)
        return made

    def wait_for(self, what, condition, seconds=2 * PATIENCE_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

"""The other end of a link that has no kernel behind it: DPDK's testpmd forwards every frame between that link and a
veth, on whose far side the kernel's TCP is.

Neighbours: links.py (which devices), endpoint.py (who starts it). Python's standard library alone.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time

TESTPMD = "dpdk-testpmd"


class Forwarder:
    def __init__(self, namespace, vdev, interface, frame=1514):
        self.namespace, self.vdev = namespace, vdev
        self.work = tempfile.mkdtemp(prefix="millrace-fwd-")
        # Apart, or messages would stand amid the prompt that is waited for.
        self.output, self.log = (os.path.join(self.work, name) for name in ("stdout", "stderr"))
        self.prefix = os.path.basename(self.work)
        # A window's burst from the kernel arrives while this process waits for a CPU.
        self.other = f"net_af_packet0,iface={interface},blocksz=65536"
        self.room = []
        if frame > 1514:
            self.other += ",framesz=16384,framecnt=512"
            self.room = ["--mbuf-size=16640"]
        else:
            self.other += ",framesz=2048,framecnt=8192"
        self.process = None

    def start(self):
        command = ["ip", "netns", "exec", self.namespace, TESTPMD, "--no-pci", "--no-huge", "-m", "384", "--no-telemetry",
                   "--no-shconf", "--file-prefix", self.prefix, "--lcores", "0@0,1@0", "--vdev", self.vdev,
                   "--vdev", self.other, "--", "-i", "--auto-start", "--forward-mode=io", "--total-num-mbufs=12288",
                   "--no-lsc-interrupt", "--disable-link-check", *self.room]
        with open(self.output, "w", encoding="utf-8") as output, open(self.log, "w", encoding="utf-8") as log:
            # `ip netns exec` becomes the program: the pid is testpmd's.
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=log, text=True)
        self.wait_for("testpmd>")
        return self

    def said(self):
        with open(self.output, encoding="utf-8", errors="replace") as output:
            return output.read()

    def wait_for(self, text, count=1):
        deadline = time.monotonic() + 120
        while self.said().count(text) < count:
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"testpmd did not say {text!r}: {self.said()}{log.read()}")
            time.sleep(0.05)

    def command(self, *lines):
        for line in lines:
            before = self.said().count("testpmd>")
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            self.wait_for("testpmd>", before + 1)

    def port_down(self):
        self.command("stop", "port stop 0")

    def port_up(self):
        self.command("port start 0", "start")

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process = None

    def restart(self):
        self.kill()
        self.start()

    def close(self):
        self.kill()
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.rmtree(os.path.join("/run/dpdk", self.prefix), ignore_errors=True)


def missing():
    return [] if shutil.which(TESTPMD) else [f"{TESTPMD} (apt-get install dpdk-dev)"]

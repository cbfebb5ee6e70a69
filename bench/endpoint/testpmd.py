"""The bare driver: DPDK's testpmd at both ends of a link, which is the most that the link carries.

Neighbours: links.py (the devices), measures.py (kind frames). Python's standard library alone.
"""

import re
import subprocess
import time

from scene import BenchError

PROMPT = "testpmd>"
HUGE_PAGE_MIB = 768


def huge_page_words(free_mib):
    """--in-memory leaves no file in /dev/hugepages; vhost needs its memory in few pieces."""
    if free_mib >= 2 * HUGE_PAGE_MIB:
        return ["--in-memory", "--single-file-segments", "-m", str(HUGE_PAGE_MIB)]
    return ["--no-huge", "-m", str(HUGE_PAGE_MIB)]


def last_rate(text, direction):
    """Frames a second since the statistics were shown before."""
    found = re.findall(rf"{direction}-pps:\s+(\d+)", text)
    if not found:
        raise BenchError("testpmd showed no rate")
    return int(found[-1])


class Testpmd:
    def __init__(self, scene, link, side, mode, octets=64):
        cpu = scene.cpu[side]
        device = link.vdev[side] + (",rsize=13" if "net_memif" in link.vdev[side] else "")
        # By lines: its prompt is not buffered, and would be there before the answer that it follows.
        words = ["stdbuf", "-oL", "dpdk-testpmd", "--no-pci", "--no-telemetry",
                 *huge_page_words(scene.settings.free_huge_mib), "--file-prefix", scene.file_prefix(f"testpmd-{side}"),
                 "--lcores", f"0@{cpu},1@{cpu}", "--vdev", device, "--", "-i", "--auto-start",
                 f"--forward-mode={mode}", f"--txpkts={octets}", "--total-num-mbufs=32768", "--no-lsc-interrupt",
                 "--disable-link-check"]
        self.program = scene.start(f"testpmd-{side}", link.place[side], side, words, pinned=False,
                                   stdin=subprocess.PIPE)
        self.program.wait_for(lambda: PROMPT in self.program.said(), "its prompt")

    def command(self, line):
        """What testpmd answers to it."""
        before = self.program.said()
        self.program.process.stdin.write(line + "\n")
        self.program.process.stdin.flush()
        self.program.wait_for(lambda: self.program.said().count(PROMPT) > before.count(PROMPT), f"answer to {line!r}")
        return self.program.said()[len(before):]

    def rate(self, seconds, direction):
        self.command("show port stats 0")
        time.sleep(seconds)
        return last_rate(self.command("show port stats 0"), direction)

    def quit(self):
        self.program.process.stdin.write("quit\n")
        self.program.process.stdin.flush()
        self.program.end()


def measure_frames(scene, link, measure, settings):
    """Frames that came back (macswap) or that arrived (one way), on the wire's far side from where they were sent."""
    modes = {"back": ("macswap", "flowgen"), "there": ("rxonly", "txonly")}[measure.direction]
    server = Testpmd(scene, link, "server", modes[0])
    link.join()
    client = Testpmd(scene, link, "client", modes[1], measure.octets)
    time.sleep(settings.warm_up_s)
    receiver = client if measure.direction == "back" else server
    frames_per_s = receiver.rate(settings.seconds, "Rx")
    for end in (client, server):
        end.quit()
    if frames_per_s == 0:
        raise BenchError("testpmd received no frame: the link carries none between these two")
    return {"mpps": frames_per_s / 1e6, "gbit_per_s": frames_per_s * measure.octets * 8 / 1e9}

"""The rounds: every pair once a measure, A B C A B C, so that what disturbs the machine disturbs all alike.

Neighbours: scene.py, links.py, servers.py, clients.py, testpmd.py. Python's standard library alone.
"""

import subprocess
import sys
import time

import clients
import servers
from links import LINKS
from scene import BenchError, Scene
from testpmd import measure_frames


def start_server(scene, link, pair, settings):
    if pair.server in ("millrace", "before"):
        return servers.start_millrace(scene, link, settings, pair.server)
    if pair.server == "kernel":
        return servers.start_kernel(scene, link, settings)
    return servers.start_outside(scene, link, settings.outside[pair.server].command)


def measure_cell(pair, measure, settings):
    """One figure set of one pair, in a scene of its own."""
    with Scene(settings) as scene:
        kernel = {side for side in LINKS[pair.link].kernel_ends if kernel_is_at(side, pair, settings)}
        link = LINKS[pair.link](scene, kernel)
        link.prepare()
        if measure.kind == "frames":
            return clients.Result(measure_frames(scene, link, measure, settings))
        server = start_server(scene, link, pair, settings)
        link.join()
        return clients.measure_load(scene, link, server, pair.client, measure, settings)


def kernel_is_at(side, pair, settings):
    """Whether a side speaks by the kernel's TCP: an outside program does unless it is told of the device."""
    name, outside = {"server": (pair.server, settings.outside), "client": (pair.client, settings.outside_clients)}[side]
    return name == "kernel" or (name in outside and not outside[name].bypasses)


class Progress:
    """A line a cell on standard error."""

    def __init__(self, cells):
        self.cells, self.done, self.start = cells, 0, time.monotonic()

    def before(self, round_number, rounds, measure, pair):
        left = "?"
        if self.done:
            seconds = (time.monotonic() - self.start) / self.done * (self.cells - self.done)
            left = f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
        print(f"round {round_number} of {rounds}, {self.done + 1}/{self.cells}, about {left} left: {measure.name}: {pair}",
              file=sys.stderr, flush=True)
        self.done += 1


def attempt(pair, measure, settings):
    """A cell that fails is part of the result, and the others go on."""
    try:
        return measure_cell(pair, measure, settings)
    except (BenchError, subprocess.TimeoutExpired, OSError) as error:
        print(f"  failed: {error}", file=sys.stderr, flush=True)
        return error if isinstance(error, BenchError) else BenchError(str(error))


def run_rounds(rows, measures, settings):
    """({(measure's name, pair): [Result or BenchError a round]}, whether it was interrupted)"""
    plan = [(measure, pair) for measure in measures for pair in rows if settings.takes(pair, measure)]
    taken = {(measure.name, pair): [] for measure, pair in plan}
    progress = Progress(len(plan) * settings.rounds)
    try:
        for round_number in range(1, settings.rounds + 1):
            for measure, pair in plan:
                progress.before(round_number, settings.rounds, measure, pair)
                taken[measure.name, pair].append(attempt(pair, measure, settings))
    except KeyboardInterrupt:
        return taken, True
    return taken, False

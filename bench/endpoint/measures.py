"""What is measured, in which units, and who stands against whom: the rows and blocks of the table.

Python's standard library alone.
"""

from dataclasses import dataclass

from links import LINKS


@dataclass(frozen=True)
class Figure:
    key: str
    title: str


@dataclass(frozen=True)
class Measure:
    """`kind`: rps, cps, bulk or frames. The first figure is the one that ratios and plots are of."""

    name: str
    title: str
    kind: str
    figures: tuple
    connections: int = 1
    direction: str = ""  # of bulk: up or down; of frames: there (one way) or back (macswap)
    octets: int = 0      # of a frame, without its FCS
    open_loop: bool = False


LATENCY = (Figure("p50_us", "p50 us"), Figure("p99_us", "p99 us"), Figure("p99_9_us", "p99.9 us"))
REQUESTS = (Figure("per_s", "requests/s"), Figure("cpu_s_per_million", "server CPU s/10^6"), *LATENCY)
CONNECTIONS = (Figure("per_s", "connections/s"), Figure("cpu_s_per_million", "server CPU s/10^6"), *LATENCY)
BULK = (Figure("gbit_per_s", "Gbit/s"), Figure("cpu_s_per_gigabyte", "server CPU s/GB"))
OPEN_LOOP = (*LATENCY, Figure("per_s", "requests/s"), Figure("cpu_s_per_million", "server CPU s/10^6"))
BACK = (Figure("mpps", "Mpps each way"), Figure("gbit_per_s", "Gbit/s each way"))
THERE = (Figure("gbit_per_s", "Gbit/s"), Figure("mpps", "Mpps"))


def plural(count):
    return f"{count} connection{'s' if count > 1 else ''}"


MEASURES = {measure.name: measure for measure in (
    *(Measure(f"cps-{n}", f"connections/s, one request each, {plural(n)}", "cps", CONNECTIONS, n) for n in (1, 64, 400)),
    *(Measure(f"rps-{n}", f"requests/s, {plural(n)}", "rps", REQUESTS, n)
      for n in (1, 8, 64, 400, 10000)),
    *(Measure(f"bulk-{way}-{n}", f"bulk {way}, {plural(n)}", "bulk", BULK, n, way)
      for way in ("down", "up") for n in (1, 16)),
    Measure("latency-rate", "latency at a fixed rate, 64 connections", "rps", OPEN_LOOP, 64, open_loop=True),
    Measure("frames-64", "bare driver, frames of 64 octets there and back", "frames", BACK, direction="back", octets=64),
    Measure("frames-1514", "bare driver, frames of 1514 octets there and back", "frames", BACK, direction="back",
            octets=1514),
    Measure("frames-1514-up", "bare driver, frames of 1514 octets one way", "frames", THERE, direction="there",
            octets=1514),
)}
QUICK_MEASURES = ("cps-64", "rps-1", "rps-64", "bulk-down-1", "frames-64", "frames-1514-up")


@dataclass(frozen=True)
class Pair:
    server: str
    link: str
    client: str

    def takes(self, measure):
        if measure.kind == "frames" or "testpmd" in (self.server, self.client):
            return measure.kind == "frames" and self.server == self.client == "testpmd"
        if measure.open_loop:
            return self.client == "millrace"
        return True

    def __str__(self):
        return f"{self.server}, {self.link}, {self.client}"


def pairs(links, before=False):
    """Who stands against whom on these links, ours first; `before`: an earlier build of ours too."""
    ours = ("millrace", "before") if before else ("millrace",)
    made = []
    for link in links:
        kernel = LINKS[link].kernel_ends
        if LINKS[link].device:
            made += [Pair(server, link, "millrace") for server in ours]
            if "client" in kernel:
                made += [Pair(server, link, "kernel") for server in ours]
            if "server" in kernel:
                made.append(Pair("kernel", link, "millrace"))
            made.append(Pair("testpmd", link, "testpmd"))
        else:
            made.append(Pair("kernel", link, "kernel"))
    return made


def baseline(pair, rows, outside=()):
    """What a row is compared with: ours with its earlier build; else an outside server on the same link with the same
    client, else the kernel with the same client, on the same link where it is there. None for the baselines themselves."""
    if pair.server in ("testpmd", "kernel"):
        return None
    others = [] if pair.server in outside else outside
    kernel_links = (pair.link, "af_packet", "af_xdp", "veth", "veth_plain")
    candidates = [Pair("before", pair.link, pair.client)] if pair.server == "millrace" else []
    candidates += [Pair(name, pair.link, pair.client) for name in others]
    candidates += [Pair("kernel", link, pair.client) for link in kernel_links]
    return next((candidate for candidate in candidates if candidate in rows), None)

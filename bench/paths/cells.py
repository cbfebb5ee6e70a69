"""Which experiments there are, and what theory allows each of them. Python's standard library alone.

A cell is a path, what is wrong with it, and the controllers of the flows that share it. Neighbours: run, figures.py.
"""

import itertools
import math
from dataclasses import dataclass, field

FRAME = 1514         # octets of a full frame on the link, which is what its rate counts
PAYLOAD = 1448       # octets of data in it: timestamps are on
MIN_QUEUE = 32       # frames
RATES = (10**6, 10**8, 10**10)
RTTS_US = (100, 10_000, 100_000)
QUICK_SEGMENTS, FULL_SEGMENTS = 60_000, 400_000
QUICK_FRAMES_IN_FLIGHT = 20_000  # a path that holds more is not for the quick form


@dataclass(frozen=True)
class Weather:
    """What is wrong with a path, in both directions. {reorder_by}: half the round trip, three frames at least."""

    name: str
    impairments: str = ""
    loss: float = 0.0


WEATHERS = (
    Weather("clean"),
    Weather("loss 0.1 %", "loss=0.1%", 0.001),
    Weather("loss 1 %", "loss=1%", 0.01),
    Weather("loss 5 %", "loss=5%", 0.05),
    Weather("reordering 1 %", "reorder=1%,reorder-by={reorder_by}us"),
    Weather("duplication 10 %", "duplicate=10%"),
)
CLEAN = WEATHERS[0]


def rate_text(rate):
    return f"{rate // 10**9} Gbit/s" if rate >= 10**9 else f"{rate // 10**6} Mbit/s"


@dataclass(frozen=True)
class Path:
    rate: int     # bit/s
    rtt_us: int   # both ways, without queue
    weather: Weather = CLEAN

    def __str__(self):
        return f"{rate_text(self.rate)}, {self.rtt_us / 1000:g} ms, {self.weather.name}"

    @property
    def frame_us(self):
        return FRAME * 8e6 / self.rate

    @property
    def frames_in_flight(self):
        """The bandwidth-delay product."""
        return self.rtt_us / self.frame_us

    @property
    def queue_frames(self):
        """A bandwidth-delay product, drop-tail."""
        return max(MIN_QUEUE, math.ceil(self.frames_in_flight))

    @property
    def allows(self):
        """Octets of data a second, were the sender perfect."""
        return self.rate / 8 * PAYLOAD / FRAME * (1 - self.weather.loss)

    def link(self):
        by = max(self.rtt_us // 2, math.ceil(3 * self.frame_us))
        wrong = self.weather.impairments.format(reorder_by=by)
        return ",".join([f"rate={self.rate}", f"delay={self.rtt_us // 2}us", f"limit={self.queue_frames}"] + [wrong] * bool(wrong))


def window_of(controller, path, rtt_s):
    """Segments in flight on average at random loss, where theory tells; infinity where it does not."""
    loss = path.weather.loss
    if not loss:
        return math.inf
    reno = math.sqrt(1.5 / loss)  # Mathis et al. 1997, an increase of one segment a round trip
    if controller == "newreno":
        return reno
    if controller == "cubic":  # RFC 9438 §5.1 (figure 5), C = 0.4, beta = 0.7; never less than Reno (§4.3)
        return max(reno, (0.4 * 3.7 / 1.2) ** 0.25 * (rtt_s / loss) ** 0.75)
    return math.inf


@dataclass(frozen=True)
class Cell:
    kind: str                   # path, share or outage
    path: Path
    flows: tuple                # names of controllers
    warm_up_us: int
    limit_us: int
    segments: int = 0           # 0: no limit
    stagger_us: int = 0
    outage_us: int = 0
    seeds: tuple = field(default=(1,))

    @property
    def name(self):
        flows = ", ".join(f"{len(list(same))} {flow}" if len(self.flows) > 1 else flow
                          for flow, same in itertools.groupby(self.flows))
        outage = f", {self.outage_us / 1e6:g} s of outage" if self.outage_us else ""
        return f"{flows}: {self.path}{outage}"

    def words(self, seed):
        """For bench_paths."""
        link = self.path.link()
        return ["--there", link, "--back", link, "--flows", ",".join(self.flows), "--warm-up", str(self.warm_up_us),
                "--limit", str(self.limit_us), "--stagger", str(self.stagger_us), "--outage", str(self.outage_us),
                "--seed", str(seed), *(["--segments", str(self.segments)] if self.segments else [])]

    def theory(self, queue_us):
        """Octets of data a second that the controller can reach here, with this time in the queue."""
        rtt_s = (self.path.rtt_us + queue_us) / 1e6 + self.path.frame_us / 1e6
        window = sum(window_of(flow, self.path, rtt_s) for flow in self.flows)
        return min(self.path.allows, window * PAYLOAD / rtt_s)


def path_cells(controllers, quick):
    """One flow. Measured after slow start: from 30 round trips (200 frames at least) on, until so many segments have
    arrived or so many round trips have passed (and some seconds: time-outs take a fifth of one, however short the path)."""
    made = []
    for controller, weather, rate, rtt in itertools.product(controllers, WEATHERS, RATES, RTTS_US):
        path = Path(rate, rtt, weather)
        full_rate = not weather.loss
        if quick and full_rate and path.frames_in_flight > QUICK_FRAMES_IN_FLIGHT:
            continue
        round_us = max(rtt, path.frame_us)
        segments = max(QUICK_SEGMENTS if quick else FULL_SEGMENTS, math.ceil(20 * path.frames_in_flight))
        made.append(Cell("path", path, (controller,), warm_up_us=math.ceil(max(30 * round_us, 200 * path.frame_us)),
                         limit_us=math.ceil(max((2000 if quick else 10_000) * round_us, 10e6 if quick else 60e6)),
                         segments=segments))
    return made


def share_cells(controllers, quick):
    """Two and ten flows of a kind, then each two kinds against each other."""
    places = (Path(20 * 10**6, 20_000),) if quick else (Path(20 * 10**6, 20_000), Path(10**8, 10_000), Path(10**8, 100_000))
    mixes = [(controller,) * count for controller in controllers for count in (2, 10)]
    mixes += [(one,) * count + (other,) * count for one, other in itertools.combinations(controllers, 2) for count in (1, 5)]
    return [Cell("share", path, flows, warm_up_us=40_000_000, limit_us=120_000_000, stagger_us=7 * path.rtt_us + 1234)
            for path in places for flows in mixes]


def outage_cells(controllers, quick):
    places = (Path(20 * 10**6, 20_000),) if quick else (Path(20 * 10**6, 20_000), Path(10**8, 100_000))
    return [Cell("outage", path, (controller,), warm_up_us=5_000_000, limit_us=10_000_000, outage_us=outage)
            for path in places for controller in controllers for outage in (1_000_000, 10_000_000)]


def cells(controllers, quick):
    return path_cells(controllers, quick) + share_cells(controllers, quick) + outage_cells(controllers, quick)

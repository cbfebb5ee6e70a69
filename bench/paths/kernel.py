"""`run --kernel`: ours as sender beside this machine's kernel as sender, over the same emulated cable in real time, to the
kernel as receiver. Python's standard library alone.

Each transfer has a scene of its own: `server` (on the emulator's TAP: ours by AF_PACKET, or the kernel) - wire_linkem -
`client` (kernel_peer, which reads chargen). They take turns, so that what disturbs the machine disturbs both. Neighbour: cells.py.
"""

import json
import math
import os
import signal
import statistics
import subprocess
import sys

import cells
from scene import BenchError, Scene
from stats import short
from tables import aligned, markdown_table

# What user space can emulate in real time: not 0.1 ms, and not 10 Gbit/s.
RATES = (10**6, 10**8)
RTTS_US = (10_000, 100_000)
KERNEL_NAMES = {"newreno": "reno"}  # others are called as ours
WARM_UP_S = 2.0
ENOUGH = 0.95
# Student's t, one-sided 95 %, by degrees of freedom.
T95 = (None, 6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833)


def kernel_knows():
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control", encoding="utf-8") as file:
        return file.read().split()


def plan(controllers):
    known = kernel_knows()
    paths = [cells.Path(rate, rtt, weather) for weather in cells.WEATHERS for rate in RATES for rtt in RTTS_US]
    return [cells.Cell("kernel", path, (controller,), 0, 0) for controller in controllers
            if KERNEL_NAMES.get(controller, controller) in known for path in paths]


def start_ours(scene, cell, settings):
    words = [settings.program_of("millrace"), "serve", "--vdev", "net_af_packet0,iface=mrs", "--address", "10.0.0.2/24",
             "--service", "chargen:19", "--lcores", str(scene.cpu["server"]), "--file-prefix", scene.file_prefix("server"),
             "--control-socket", scene.path("control.sock"), "--set", f"tcp.congestion_control={cell.flows[0]}"]
    server = scene.start("server", "server", "server", words, pinned=False)
    server.wait_for(lambda: "\nready\n" in server.said(), "its line `ready`")


def start_kernel(scene, cell, settings):
    name = KERNEL_NAMES.get(cell.flows[0], cell.flows[0])
    server = scene.start("server", "server", "server", [settings.program_of("kernel_peer"), "serve", "10.0.0.2", name])
    server.wait_for(lambda: "ready" in server.said(), "its line `ready`")


def start_cable(scene, cell, ours, seed, settings):
    """Where ours is the sender this kernel's end of its TAP is only a plug: it has no address and says nothing."""
    link = cell.path.link()
    words = [settings.program_of("wire_linkem"), f"tap:mrs@{scene.namespace('server')}", f"tap:mrk@{scene.namespace('client')}",
             "--there", link, "--back", link, "--seed", str(seed)]
    cable = scene.start("cable", "server", "client", words)
    cable.wait_for(lambda: "ready" in cable.said(), "its line `ready`")
    for side, interface, address in (("client", "mrk", "10.0.0.1"), ("server", "mrs", None if ours else "10.0.0.2")):
        scene.run(side, "sysctl", "-eqw", f"net.ipv6.conf.{interface}.disable_ipv6=1")
        if address:
            scene.ip("-n", scene.namespace(side), "address", "add", f"{address}/24", "dev", interface)
        scene.ip("-n", scene.namespace(side), "link", "set", interface, "up", *([] if address else ["arp", "off"]))
    return cable


def transfer(cell, ours, seed, settings):
    """{goodput in octets/s, segments, retransmitted, spurious} of one transfer."""
    with Scene(settings) as scene:
        cable = start_cable(scene, cell, ours, seed, settings)
        (start_ours if ours else start_kernel)(scene, cell, settings)
        words = [settings.program_of("kernel_peer"), "pull", "10.0.0.2", "1", str(round(WARM_UP_S * 1000)),
                 str(round(settings.seconds * 1000))]
        client = scene.start("client", "client", "client", words)
        try:
            client.process.wait(timeout=settings.seconds + WARM_UP_S + 60)
        except subprocess.TimeoutExpired:
            raise BenchError("the client did not end") from None
        if client.process.returncode != 0:
            raise BenchError(f"the client ended with {client.process.returncode}: {client.complaint()}")
        told = json.loads(client.said())
        cable.process.send_signal(signal.SIGTERM)
        cable.process.wait(timeout=10)
        tally = json.loads(cable.said().splitlines()[-1])["there"]
        return {"rate": told["octets"] / told["elapsed_s"], "segments": tally["data_segments"],
                "retransmitted": tally["retransmitted"], "spurious": tally["spurious"]}


def lower_bound(ratios):
    """Of the mean ratio, with 95 % confidence; nothing with less than two."""
    logs = [math.log(ratio) for ratio in ratios if ratio > 0]
    if len(logs) < 2:
        return None
    t = T95[len(logs) - 1] if len(logs) <= len(T95) else 1.7
    return math.exp(statistics.mean(logs) - t * statistics.stdev(logs) / math.sqrt(len(logs)))


def percent(rounds, key):
    return 100 * sum(one[key] for one in rounds) / max(1, sum(one["segments"] for one in rounds))


def significantly_more(ours, kernels):
    """Whether so many spurious retransmissions of ours come with less than 5 % if both send as many a segment."""
    mine, all_of_them = (sum(one["spurious"] for one in rounds) for rounds in (ours, ours + kernels))
    segments = [sum(one["segments"] for one in rounds) for rounds in (ours, ours + kernels)]
    share = segments[0] / max(1, segments[1])
    chance = sum(math.comb(all_of_them, many) * share**many * (1 - share)**(all_of_them - many)
                 for many in range(mine, all_of_them + 1))
    return mine > 0 and chance < 0.05


def row_of(cell, ours, kernels):
    ratios = [one["rate"] / other["rate"] for one, other in zip(ours, kernels)]
    bound = lower_bound(ratios)
    return {"name": cell.name, "ours": ours, "kernel": kernels, "ratios": ratios, "ratio": statistics.median(ratios),
            "bound": bound, "spurious": percent(ours, "spurious"), "kernel_spurious": percent(kernels, "spurious"),
            "retransmitted": percent(ours, "retransmitted"), "kernel_retransmitted": percent(kernels, "retransmitted"),
            "short": bound is not None and (bound < ENOUGH or significantly_more(ours, kernels))}


HEAD = ("path", "kernel Mbit/s", "ours Mbit/s", "ratio", "95 % bound", "retransmitted %: kernel", "ours",
        "spurious %: kernel", "ours", "")


def words_of(row):
    def megabits(rounds):
        return short(statistics.median(one["rate"] for one in rounds) * 8 / 1e6)
    return [row["name"], megabits(row["kernel"]), megabits(row["ours"]), f"{row['ratio']:.3f}",
            "-" if row["bound"] is None else f"{row['bound']:.3f}", f"{row['kernel_retransmitted']:.2f}",
            f"{row['retransmitted']:.2f}", f"{row['kernel_spurious']:.3f}", f"{row['spurious']:.3f}",
            "short" if row["short"] else ""]


def run_cells(chosen, settings):
    rows = []
    for number, cell in enumerate(chosen, 1):
        print(f"{number} of {len(chosen)}: {cell.name}", file=sys.stderr, flush=True)
        ours, kernels = [], []
        for seed in range(1, settings.seeds + 1):
            kernels.append(transfer(cell, False, seed, settings))
            ours.append(transfer(cell, True, seed, settings))
        rows.append(row_of(cell, ours, kernels))
        print("  " + "  ".join(words_of(rows[-1])[1:]), file=sys.stderr, flush=True)
    return rows


def check_host(settings):
    if os.geteuid() != 0:
        raise BenchError("network namespaces and devices need root: sudo bench/paths/run --kernel")
    for name in ("millrace", "kernel_peer", "wire_linkem"):
        if not os.access(settings.program_of(name), os.X_OK):
            raise BenchError(f"no program {settings.program_of(name)}: build everything of the release preset")


def text(rows):
    return "\n".join(aligned([list(HEAD), *(words_of(row) for row in rows)])) + "\n"


def markdown(rows):
    return "\n".join(markdown_table(list(HEAD), [words_of(row) for row in rows])) + "\n"

"""The command line: what is measured, how often, and what is needed for it. Python's standard library alone."""

import argparse
import os
import re
import shutil

from clients import CLIENT_NAMES
from links import LINKS
from measures import MEASURES, QUICK_MEASURES, Pair, pairs
from scene import BenchError
from servers import SERVER_NAMES, fill

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUICK_LINKS = ("memif", "af_packet", "veth")
PACKAGES = {"ip": "iproute2", "ethtool": "ethtool", "sysctl": "procps", "dpdk-testpmd": "dpdk-dev", "wrk": "wrk",
            "taskset": "util-linux"}

EXAMPLES = """\
A row of the table is a server, a link and a client, one core each: `millrace` is ours (millrace serve, millrace load),
`before` the server of an earlier build (--before), `kernel` is the kernel's TCP (a small epoll server, wrk), `testpmd` is the bare driver.

--outside commands may name {socket} {device} {address} {port} {cpu} {directory}; --outside-client instead of {directory}
{connections} {seconds} {measure}. {device} is what DPDK takes as --vdev; on memif and vhost a server listens on {socket}. A
command that names neither speaks by the kernel's TCP, which has {address} on af_packet, af_xdp, veth and veth_plain (a
client on tap too).

examples:
  sudo bench/endpoint/run --quick
  sudo bench/endpoint/run --json now.json --markdown now.md --svg plots
  sudo bench/endpoint/run --links memif,vhost --measures rps-64,cps-64,frames-64 --rounds 9
  sudo bench/endpoint/run --measures latency-rate --rate 100000
  sudo bench/endpoint/run --links memif --before ../millrace-1.2/build/release/bin --history bench/endpoint/history.jsonl
  sudo bench/endpoint/run --links veth --measures rps-64 \\
      --outside 'python@veth=python3 -m http.server --directory {directory} {port}'
  sudo bench/endpoint/run --links memif --outside 'other@memif=/opt/other/httpd --memif {socket} --cpu {cpu}'

exit status: 0 all was measured, 1 something failed, 2 the command line or the host will not do"""


class UsageError(Exception):
    """A sentence for the user."""


class Outside:
    """NAME[@LINK]=COMMAND; `placeholders` are what COMMAND may name."""

    def __init__(self, text, placeholders):
        found = re.fullmatch(r"(\w[\w.-]*)(?:@(\w+))?=(.+)", text, re.DOTALL)
        if found is None:
            raise UsageError(f"{text!r} is not NAME=COMMAND or NAME@LINK=COMMAND")
        self.name, self.link, self.command = found[1], found[2] or "memif", found[3]
        self.bypasses = "{socket}" in self.command or "{device}" in self.command
        if self.link not in LINKS:
            raise UsageError(f"there is no link {self.link!r} in {text!r}; there are {', '.join(LINKS)}")
        if self.name in ("millrace", "before", "kernel", "testpmd"):
            raise UsageError(f"the name {self.name!r} is taken: call it otherwise in {text!r}")
        try:
            fill(self.command, **dict.fromkeys(placeholders, 0))
        except BenchError as error:
            raise UsageError(str(error)) from None


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UsageError(f"{message}; `bench/endpoint/run --help` lists the options")


def parser():
    made = Parser(prog="bench/endpoint/run", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
                  description="Measures whole endpoints side by side; the table goes to standard output.")
    add = made.add_argument
    add("--quick", action="store_true", help="one round of 1 s on memif, af_packet and veth: a look, not a measurement")
    add("--links", metavar="NAMES", help=f"separated by commas, of {','.join(LINKS)} (default: all)")
    add("--measures", metavar="NAMES", help="separated by commas; --list names them (default: all)")
    add("--rounds", type=int, metavar="N", help="rounds, interleaved (default 5)")
    add("--seconds", type=float, metavar="S", help="seconds a figure (default 3)")
    add("--rate", type=int, default=20000, metavar="N", help="requests/s of latency-rate (default 20000)")
    add("--outside", action="append", default=[], metavar="NAME[@LINK]=COMMAND", help="one more HTTP server (LINK: memif)")
    add("--outside-client", action="append", default=[], metavar="NAME[@LINK]=COMMAND",
        help="one more client, against our server, in the measures of rps (with {measure} in COMMAND: in all)")
    add("--outside-parse", default=r"([\d.,]+[kMG]?)\s*(?:requests/s|rps)", metavar="REGEX",
        help="its first group, at the last match in what an outside client prints, is its requests/s (default %(default)s)")
    add("--before", metavar="DIR", help="programs of an earlier build, whose server gets rows of its own beside ours; ratios "
        "of ours are to it")
    add("--history", metavar="FILE", help="add the figures of our servers to this file, which bench/endpoint/history shows")
    add("--cpus", default="0,1", metavar="S,C", help="CPUs of server and client (default 0,1)")
    add("--nice", type=int, default=-10, metavar="N", help="niceness of all that is measured (default -10)")
    add("--programs", default=os.path.join(ROOT, "build", "release", "bin"), metavar="DIR",
        help="where millrace and kernel_peer are (default build/release/bin)")
    add("--json", metavar="FILE", help="the result as JSON, with every round")
    add("--markdown", metavar="FILE", help="the table as Markdown")
    add("--svg", metavar="DIR", help="a plot for each measure")
    add("--list", action="store_true", help="name links, measures and rows, and measure nothing")
    return made


class Settings:
    """What runner.py and its neighbours are told."""

    def __init__(self, given):
        self.rounds = given.rounds if given.rounds is not None else 1 if given.quick else 5
        self.seconds = given.seconds if given.seconds is not None else 1.0 if given.quick else 3.0
        self.warm_up_s = 0.3 if given.quick else 0.5
        self.rate, self.nice, self.programs, self.list = given.rate, given.nice, given.programs, given.list
        self.json, self.markdown, self.svg = given.json, given.markdown, given.svg
        self.before, self.history = given.before, given.history
        self.outside = {server.name: server
                        for server in (Outside(text, SERVER_NAMES) for text in given.outside)}
        self.outside_clients = {client.name: client
                                for client in (Outside(text, CLIENT_NAMES) for text in given.outside_client)}
        self.outside_parse = given.outside_parse
        self.cpus = cpus(given.cpus)
        self.links = chosen(given.links, LINKS, "link", QUICK_LINKS if given.quick else LINKS)
        self.measures = [MEASURES[name] for name in chosen(given.measures, MEASURES, "measure",
                                                           QUICK_MEASURES if given.quick else MEASURES)]
        self.pairs = pairs(self.links, self.before is not None)
        self.pairs += [Pair(server.name, server.link, "millrace" if LINKS[server.link].device else "kernel")
                       for server in self.outside.values()]
        self.pairs += [Pair("millrace", client.link, client.name) for client in self.outside_clients.values()]
        self.free_huge_mib = 0
        check_numbers(self)

    def program(self, name, server="millrace"):
        return os.path.join(self.before if server == "before" else self.programs, name)

    def takes(self, pair, measure):
        """Outside programs speak HTTP requests; a client that is told the measure does them all."""
        if pair.server in self.outside and measure.kind == "bulk":
            return False
        if pair.client in self.outside_clients:
            told = "{measure}" in self.outside_clients[pair.client].command
            return measure.kind != "frames" and (told or (measure.kind == "rps" and not measure.open_loop))
        return pair.takes(measure)

    def shown(self):
        return {"rounds": self.rounds, "seconds": self.seconds, "warm_up_s": self.warm_up_s, "rate": self.rate,
                "cpus": self.cpus, "nice": self.nice, "before": self.before,
                "outside": {name: server.command for name, server in self.outside.items()},
                "outside_clients": {name: client.command for name, client in self.outside_clients.items()}}


def cpus(text):
    found = re.fullmatch(r"(\d+),(\d+)", text)
    if found is None:
        raise UsageError(f"--cpus takes two numbers such as 0,1, not {text!r}")
    return [int(found[1]), int(found[2])]


def chosen(text, known, what, otherwise):
    if text is None:
        return list(otherwise)
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in known:
            raise UsageError(f"there is no {what} {name!r}; there are {', '.join(known)}")
    if not names:
        raise UsageError(f"no {what} is named")
    return list(dict.fromkeys(names))


def check_numbers(settings):
    if settings.rounds < 1:
        raise UsageError(f"--rounds takes 1 or more, not {settings.rounds}")
    if not 0.5 <= settings.seconds <= 600:
        raise UsageError(f"--seconds takes 0.5 to 600, not {settings.seconds:g}")
    if settings.rate < 1:
        raise UsageError(f"--rate takes 1 or more, not {settings.rate}")
    if not -20 <= settings.nice <= 19:
        raise UsageError(f"--nice takes -20 to 19, not {settings.nice}")
    try:
        groups = re.compile(settings.outside_parse).groups
    except re.error as error:
        raise UsageError(f"--outside-parse {settings.outside_parse!r} is no regular expression: {error}") from None
    if groups < 1:
        raise UsageError(f"--outside-parse {settings.outside_parse!r} has no group in parentheses for the figure")


def parse(words):
    return Settings(parser().parse_args(words))


def check_host(settings):
    """What the run needs and the host has not."""
    if os.geteuid() != 0:
        raise UsageError("network namespaces and devices need root: sudo bench/endpoint/run ...")
    for cpu in settings.cpus:
        if cpu not in os.sched_getaffinity(0):
            raise UsageError(f"there is no CPU {cpu} for us: choose others by --cpus")
    missing = sorted(package for tool, package in PACKAGES.items() if shutil.which(tool) is None)
    if missing:
        raise UsageError(f"missing: apt-get install {' '.join(missing)}")
    for name in ("millrace", "kernel_peer"):
        if not os.access(settings.program(name), os.X_OK):
            raise UsageError(f"no program {settings.program(name)}: build it by `cmake --preset release && cmake --build "
                             "--preset release`, or name another directory by --programs")
    if settings.before is not None and not os.access(settings.program("millrace", "before"), os.X_OK):
        raise UsageError(f"--before: there is no program {settings.program('millrace', 'before')}")


def listing(settings):
    measures = [f"  {measure.name:<15} {measure.title}" for measure in MEASURES.values()]
    rows = [f"  {pair.server:<10} {pair.link:<10} {pair.client}" for pair in settings.pairs]
    return "\n".join(["links", f"  {' '.join(LINKS)}", "measures", *measures, "rows: server, link, client", *rows])

"""The clients of the table: each puts a server under load from the client's CPU and gives its figures.

A client is a command and a parser of what it prints. Neighbours: servers.py, measures.py, wrk.lua. Python's standard
library alone.
"""

import json
import os
import re
import time

from links import CLIENT_ADDRESS, CLIENT_SOURCES, SERVER_ADDRESS
from scene import BenchError, tail
from servers import CHARGEN, DISCARD, HTTP, PAGE, fill

CLIENT_NAMES = ("socket", "device", "address", "port", "cpu", "connections", "seconds", "measure")
HERE = os.path.dirname(os.path.abspath(__file__))


class Result(dict):
    """Figures by their keys; `remarks` are sentences about what was not as asked."""

    def __init__(self, figures, remarks=()):
        super().__init__(figures)
        self.remarks = list(remarks)


# --- commands ---

def millrace_words(scene, link, measure, settings):
    port = {"up": DISCARD, "down": CHARGEN}.get(measure.direction, HTTP)
    words = [settings.program("millrace"), "load", "--vdev", link.vdev["client"], "--address", f"{CLIENT_ADDRESS}/24",
             "--to", f"{SERVER_ADDRESS}:{port}", "--mode", measure.kind, "--connections", str(measure.connections),
             "--duration", f"{round(settings.seconds * 1000)}ms", "--warm-up", f"{round(settings.warm_up_s * 1000)}ms",
             "--lcores", str(scene.cpu["client"]), "--huge-pages", "auto", "--file-prefix", scene.file_prefix("client"),
             "--json", "--quiet", "--log-level", "error"]
    if measure.kind == "bulk":
        return words + ["--direction", measure.direction]
    words += ["--path", PAGE]
    if measure.kind == "cps":
        words += ["--source", CLIENT_SOURCES, "--source-ports", "1024-65535"]
    if measure.open_loop:
        words += ["--rate", str(settings.rate)]
    return words


def kernel_words(measure, settings):
    if measure.kind == "bulk":
        role = {"up": "push", "down": "pull"}[measure.direction]
        return [settings.program("kernel_peer"), role, SERVER_ADDRESS, str(measure.connections),
                str(round(settings.warm_up_s * 1000)), str(round(settings.seconds * 1000))]
    words = ["wrk", "--threads", "1", "--connections", str(measure.connections),
             "--duration", f"{max(1, round(settings.seconds))}s", "--timeout", "5s",
             "--script", os.path.join(HERE, "wrk.lua")]
    if measure.kind == "cps":
        words += ["--header", "Connection: close"]
    return words + [f"http://{SERVER_ADDRESS}:{HTTP}{PAGE}"]


def outside_words(command, scene, link, measure, settings):
    return fill(command, socket=link.socket, address=SERVER_ADDRESS, port=HTTP, cpu=scene.cpu["client"],
                device=link.vdev.get("client", ""), connections=measure.connections,
                seconds=max(1, round(settings.seconds)), measure=measure.name)


# --- what they print ---

def last_json(text, name):
    """The last JSON object that begins a line."""
    start = text.rfind("\n{")
    try:
        return json.loads(text[start + 1:] if start >= 0 else text)
    except ValueError:
        raise BenchError(f"{name} printed no result: {tail(text) or 'nothing'}") from None


def parse_millrace(text, measure):
    report = json.loads(text)
    remarks = [] if report["verdict"]["reached"] else [report["verdict"]["sentence"]]
    if measure.kind == "bulk":
        way = {"up": "sent", "down": "received"}[measure.direction]
        return Result({"gbit_per_s": report[f"{way}_gbit_per_second"]}, remarks)
    rate = "connections_per_second" if measure.kind == "cps" else "requests_per_second"
    latency = report["latency_us"]
    return Result({"per_s": report[rate], **{f"{name}_us": latency[name] for name in ("p50", "p99", "p99_9")}}, remarks)


def parse_kernel(text, measure):
    report = last_json(text, "wrk" if measure.kind != "bulk" else "kernel_peer")
    if measure.kind == "bulk":
        return Result({"gbit_per_s": report["octets"] * 8 / report["elapsed_s"] / 1e9})
    errors = report["errors"]
    figures = {"per_s": report["requests"] / report["elapsed_s"],
               **{name: report[name] for name in ("p50_us", "p99_us", "p99_9_us")}}
    return Result(figures, [f"wrk counted {errors} errors"] if errors else [])


def parse_outside(text, pattern):
    """The last match's first group; figures such as 1,234.5 and 12.3k are understood."""
    found = list(re.finditer(pattern, text))
    if not found:
        raise BenchError(f"nothing that the outside client printed matches {pattern!r}: {tail(text) or 'nothing'}")
    number = re.fullmatch(r"\s*([\d.,]+)\s*([kKMG]?)\s*", found[-1].group(1))
    if number is None:
        raise BenchError(f"{found[-1].group(1)!r}, which {pattern!r} matched, is no number")
    return Result({"per_s": float(number[1].replace(",", "")) * {"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}[number[2]]})


# --- the run ---

def cpu_share(samples, end, seconds):
    """CPU seconds a second over the last `seconds` before `end`. `samples`: pairs of (time, CPU seconds)."""
    inside = [(when, used) for when, used in samples if end - seconds <= when <= end]
    if len(inside) < 2 or inside[-1][0] == inside[0][0]:
        return None
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


def watch(client, server, limit_s):
    """Waits for the client to end; samples of the server's CPU time meanwhile."""
    samples = []
    deadline = time.monotonic() + limit_s
    while client.process.poll() is None:
        if server.process.poll() is not None:
            raise BenchError(f"the server ended with {server.process.returncode} under load: {server.complaint()}")
        if time.monotonic() > deadline:
            raise BenchError(f"the client did not end within {limit_s:.0f} s: {client.complaint()}")
        samples.append((time.monotonic(), server.cpu_seconds()))
        time.sleep(0.02)
    return samples


def with_cpu(result, share):
    """What the server's CPU time comes to for a million requests, or for 10^9 octets."""
    if share is not None and result.get("per_s"):
        result["cpu_s_per_million"] = share / result["per_s"] * 1e6
    if share is not None and result.get("gbit_per_s"):
        result["cpu_s_per_gigabyte"] = share / result["gbit_per_s"] * 8
    return result


def words_of(name, scene, link, measure, settings):
    if name == "millrace":
        return millrace_words(scene, link, measure, settings)
    if name == "kernel":
        return kernel_words(measure, settings)
    return outside_words(settings.outside_clients[name].command, scene, link, measure, settings)


def result_of(name, text, measure, settings):
    if name == "millrace":
        return parse_millrace(text, measure)
    if name == "kernel":
        return parse_kernel(text, measure)
    return parse_outside(text, settings.outside_parse)


def measure_load(scene, link, server, name, measure, settings):
    words = words_of(name, scene, link, measure, settings)
    client = scene.start("client", link.place["client"], "client", words, pinned=name != "millrace")
    samples = watch(client, server, settings.seconds + settings.warm_up_s + 25)
    # Start and end of a client are not its measurement: the middle of it is looked at, without its last 0.3 s.
    share = cpu_share(samples, samples[-1][0] - 0.3, settings.seconds * 0.6) if samples else None
    text = client.said()
    missed = name == "millrace" and text.startswith("{")  # its verdict says what was not reached
    if client.process.returncode != 0 and not missed:
        raise BenchError(f"the client ended with {client.process.returncode}: {client.complaint()}")
    return with_cpu(result_of(name, text, measure, settings), share)

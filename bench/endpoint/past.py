"""Figures of our servers by commit and machine, a line of JSON a run. Python's standard library alone.

entry: time, machine {cpu, cpus, virtualization, kernel, dpdk}, load [before, after], revision, before (the revision that
ours was set beside, or None), rounds, seconds, figures {"measure, link, client": {title, median, min, max, ratio}}
"""

import datetime
import json

MACHINE = ("cpu", "cpus", "virtualization", "kernel", "dpdk")


class Broken(Exception):
    """A sentence for the user."""


def entry(result, before):
    facts, settings = result["machine"], result["settings"]
    figures = {}
    for block in result["blocks"]:
        main = block["figures"][0]
        for row in block["rows"]:
            found = row["figures"][main["key"]]
            if row["server"] == "millrace" and found:
                figures[f"{block['name']}, {row['link']}, {row['client']}"] = {
                    "title": main["title"], "median": found["median"], "min": found["min"], "max": found["max"],
                    "ratio": row["ratio"]}
    return {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": {name: facts[name] for name in MACHINE}, "load": [facts["load_before"], facts["load_after"]],
            "revision": facts["revision"], "before": before, "rounds": settings["rounds"], "seconds": settings["seconds"],
            "figures": figures}


def add(path, made):
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(made) + "\n")


def read(path):
    """The entries, the oldest first."""
    entries = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                made = json.loads(line)
                entries.append({name: made[name] for name in ("time", "machine", "load", "revision", "before", "rounds",
                                                              "seconds", "figures")})
            except (ValueError, TypeError, KeyError) as error:
                raise Broken(f"{path}:{number}: this line is no entry of `bench/endpoint/run --history` ({error}): remove "
                             "it") from None
    return entries


def moved(ratio, rounds):
    """+1, -1: each of five rounds or more said so, both builds taking turns (6 % by chance); 0: not to be told from noise,
    or not compared."""
    if ratio is None or rounds < 5 or not ratio["to"].startswith("before,"):
        return 0
    return 1 if ratio["min"] > 1 else -1 if ratio["max"] < 1 else 0

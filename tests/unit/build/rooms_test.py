"""The rooms of dataplane/: what each may see, read from the compile commands and from the sources.

usage: rooms_test.py --source DIR --commands compile_commands.json
"""

import argparse
import json
import os
import re
import shlex
import sys

# base <- { wire, flow, timer, cc, recovery } <- { ip, tcp } <- app <- { services, shard } <- { dpdk, sim }
BELOW = {
    "base": set(),
    "wire": {"base"}, "flow": {"base"}, "timer": {"base"}, "cc": {"base"}, "recovery": {"base"},
    "ip": {"base", "wire", "flow", "timer", "cc", "recovery"},
    "tcp": {"base", "wire", "flow", "timer", "cc", "recovery"},
}
BELOW["app"] = BELOW["tcp"] | {"tcp", "ip"}
BELOW["services"] = BELOW["shard"] = BELOW["app"] | {"app"}
BELOW["dpdk"] = BELOW["sim"] = BELOW["app"] | {"app", "services", "shard"}
FORBIDDEN = re.compile(r"\b(clock_gettime|gettimeofday|system_clock|steady_clock|getrandom|random_device|"
                       r"fopen|ifstream|ofstream)\b")


def include_problems(path, room, text):
    for line_number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        if not match:
            continue
        first = match.group(1).split("/")[0]
        if room != "dpdk" and first.startswith("rte_"):
            yield f"{path}:{line_number}: rte_* belongs to dpdk/ alone: {match.group(1)}"
        if first in ("config", "control") or (first in BELOW and first != room and first not in BELOW[room]):
            yield f"{path}:{line_number}: {room}/ may not see {match.group(1)}"
        # A room inside a room: it sees app/, and of dataplane/ nobody sees it.
        if match.group(1).startswith("app/socket/") and not path.startswith(os.path.join("dataplane", "app", "socket")):
            yield f"{path}:{line_number}: {room}/ may not see {match.group(1)}"


def source_problems(source):
    dataplane = os.path.join(source, "dataplane")
    for folder, _, files in os.walk(dataplane):
        for name in files:
            if not name.endswith((".h", ".cpp")):
                continue
            path = os.path.join(folder, name)
            room = os.path.relpath(path, dataplane).split(os.sep)[0]
            with open(path, encoding="utf-8") as file:
                text = file.read()
            yield from include_problems(os.path.relpath(path, source), room, text)
            # services/ reads the files that it serves when it starts; every other room does no I/O at all.
            if room not in ("dpdk", "services"):
                for match in FORBIDDEN.finditer(re.sub(r"//.*", "", text)):
                    yield f"{os.path.relpath(path, source)}: reads a clock, entropy or files: {match.group(0)}"


def include_folders(command):
    words = shlex.split(command)
    for word, following in zip(words, words[1:] + [""]):
        if word in ("-I", "-isystem", "-iquote"):
            yield following
        elif word.startswith("-I"):
            yield word[2:]


def command_problems(source, commands):
    seen = set()
    with open(commands, encoding="utf-8") as file:
        entries = json.load(file)
    for entry in entries:
        path = os.path.relpath(entry["file"], source)
        parts = path.split(os.sep)
        if parts[0] != "dataplane" or parts[1] == "dpdk":
            continue
        seen.add(parts[1])
        for folder in include_folders(entry["command"]):
            if os.path.exists(os.path.join(folder, "rte_config.h")):
                yield f"{path} is compiled with DPDK's include path {folder}"
        if "rte_config.h" in entry["command"]:
            yield f"{path} is compiled with DPDK's rte_config.h"
    for room in sorted(set(BELOW) - {"dpdk"} - seen):
        yield f"no compile command was found for dataplane/{room}: this test would see nothing"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True)
    parser.add_argument("--commands", required=True)
    arguments = parser.parse_args()
    problems = list(source_problems(arguments.source)) + list(command_problems(arguments.source, arguments.commands))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

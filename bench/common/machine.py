"""On what machine the figures were taken, and what else it was doing. Python's standard library alone."""

import glob
import os
import platform
import re
import subprocess

BUSY_LOAD = 0.5


def read(path, otherwise=""):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return otherwise


def output_of(*words, directory=None):
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True, cwd=directory, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def cpu_model(cpuinfo):
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1] if found else platform.machine()


def huge_pages(meminfo):
    """(total, free, octets of one)"""
    number = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+)", meminfo, re.MULTILINE)}
    return number.get("HugePages_Total", 0), number.get("HugePages_Free", 0), number.get("Hugepagesize", 0) * 1024


def free_huge_mib():
    _, free, size = huge_pages(read("/proc/meminfo"))
    return free * size >> 20


def revision(tree):
    commit = output_of("git", "rev-parse", "--short=12", "HEAD", directory=tree)
    if not commit:
        return "unknown"
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no", directory=tree)
    return commit + (" with changes" if changed else "")


def load_average():
    return os.getloadavg()[0]


def describe(tree):
    total, free, size = huge_pages(read("/proc/meminfo"))
    governors = {read(path) for path in glob.glob("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")}
    virtual = output_of("systemd-detect-virt") or ("virtual" if "hypervisor" in read("/proc/cpuinfo") else "none")
    return {
        "cpu": cpu_model(read("/proc/cpuinfo")),
        "cpus": os.cpu_count(),
        "virtualization": virtual,
        "kernel": platform.release(),
        "dpdk": output_of("pkg-config", "--modversion", "libdpdk") or "unknown",
        "huge_pages": f"{free} of {total} free, {size >> 10} KiB each" if total else "none",
        "governor": ", ".join(sorted(governors)) or "unknown",
        "revision": revision(tree),
        "load_before": round(load_average(), 2),
    }


def warnings(facts, cpus):
    """Sentences about what makes the figures worth less."""
    said = []
    if facts["load_before"] > BUSY_LOAD:
        said.append(f"the load average was {facts['load_before']} before the run: other work shares the CPUs, and "
                    "figures, extremes above all, are disturbed")
    if facts["governor"] not in ("performance", "unknown"):
        said.append(f"the CPU governor is {facts['governor']}: `cpupower frequency-set -g performance` keeps the clock even")
    if cpus[0] == cpus[1]:
        said.append(f"server and client share CPU {cpus[0]}")
    return said


def sentence(facts):
    return (f"{facts['cpus']} CPUs {facts['cpu']} (virtualization: {facts['virtualization']}), kernel {facts['kernel']}, "
            f"DPDK {facts['dpdk']}, huge pages: {facts['huge_pages']}, governor: {facts['governor']}, "
            f"revision {facts['revision']}, load average {facts['load_before']} before"
            + (f" and {facts['load_after']} after" if "load_after" in facts else ""))

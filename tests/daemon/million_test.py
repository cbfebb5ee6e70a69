"""A million connections of one lcore, looked at while requests go over them: every one is listed once, the first by a
column are found, and statistics keep coming. What was measured is told: bench/README.md has such figures."""

import json
import resource
import subprocess
import sys
import threading
import time

import harness
import looking

CONNECTIONS = 1_000_000
SOURCES = "10.98.0.10-10.98.0.29"  # 64,512 ports each
MEBIBYTES = 6 * 1024  # of both processes together, and room for the rows
LISTING_SECONDS = 1200


def available_mebibytes():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("MemAvailable"))


class Statistics(threading.Thread):
    """Asks for `stats` about fifty times a second, and keeps how long each answer took."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.ended, self.counters = client, threading.Event(), []
        self.start()

    def run(self):
        while not self.ended.wait(0.02):
            self.counters.append(self.client.counters())

    def stop(self):
        self.ended.set()
        self.join()
        seconds = sorted(self.client.seconds)
        return {"answers": len(seconds), "median_ms": 1e3 * seconds[len(seconds) // 2], "longest_ms": 1e3 * seconds[-1]}


def id_and_port(row):
    """To read a million rows as JSON would take longer than to list them."""
    return tuple(row.partition(f'"{name}":')[2].partition(",")[0].strip('"') for name in ("id", "remote_port"))


class Million(looking.LookingTest):
    def setUp(self):
        super().setUp()
        if available_mebibytes() < MEBIBYTES:
            self.skipTest(f"a million connections at both ends and their list want {MEBIBYTES} MiB of free memory")

    def requests(self, client):
        return {row["service"]: row for row in client.ask("stats")["services"]}["http-80"]["counters"]["requests"]

    def conns(self, serve, *words, keep=json.loads):
        """What is to be kept of each row that millracectl prints, one a line; and how long that took."""
        begun, rows = time.monotonic(), []
        command = [harness.MILLRACECTL, "--socket", serve.socket, "conns", "--json", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if '"id":' in line:
                    rows.append(keep(line.rstrip(",\n")))
            self.assertEqual((process.wait(LISTING_SECONDS), process.stderr.read()), (0, ""))
        return rows, time.monotonic() - begun

    def test_all_are_listed_while_requests_go_over_them(self):
        memory = "--set", f"memory.connections={CONNECTIONS + CONNECTIONS // 8}"
        serve = self.serve_memif(*memory, "--set", f"service.http-80.backlog={1 << 20}",
                                 "--set", "memory.syn_records=131072", "--set", "neighbor.entries=64")
        client, other = self.client(serve), self.client(serve)
        self.load(serve, "--to", "10.98.0.2:80", "--mode", "concurrent", "--connections", str(CONNECTIONS), *memory,
                  "--source", SOURCES, "--source-ports", "1024-65535", "--duration", "600s", "--rate", "100000")
        opened = time.monotonic()
        self.wait_for("a million connections are open",
                      lambda: client.ask("stats")["total"]["gauges"]["established_connections"] >= CONNECTIONS, 600)
        told = {"opening_seconds": time.monotonic() - opened}
        client.seconds.clear()

        other.seconds.clear()
        statistics = Statistics(other)
        before = self.requests(client)
        ids, told["all_seconds"] = self.conns(serve, "--limit", "100000000", keep=id_and_port)
        requests = self.requests(client) - before
        self.assertEqual(len(ids), len(set(ids)), "no connection twice")
        self.assertGreaterEqual(len(ids), CONNECTIONS)
        self.assertGreater(requests, 0, "meanwhile")
        told["requests_per_second"] = requests / told["all_seconds"]
        at_port = sorted(one for one, port in ids if port == "20000")
        del ids

        rows, told["filter_seconds"] = self.conns(serve, "--filter", "rport = 20000")
        self.assertEqual(sorted(row["id"] for row in rows), at_port)
        rows, told["sort_seconds"] = self.conns(serve, "--sort", "received", "--limit", "100")
        self.assertEqual(len(rows), 100)
        octets = [row["received_bytes"] for row in rows]
        self.assertEqual(octets, sorted(octets, reverse=True))
        told["millracectl_largest_mib"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        told["stats"] = statistics.stop()
        for earlier, later in zip(statistics.counters, statistics.counters[1:]):
            self.assertGreaterEqual(later["loop_iterations"], earlier["loop_iterations"])
        print(json.dumps(told, indent=2), file=sys.stderr)
        self.assertEqual(serve.stop()[0], 0)


if __name__ == "__main__":
    harness.main()

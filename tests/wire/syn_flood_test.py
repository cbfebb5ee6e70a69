"""A SYN flood from made-up sources over a real device, and curl beside it.

usage: syn_flood_test.py --programs DIR --flood PROGRAM --link LINK [--rate N] [TEST...]
Needs root. Traffic stays inside a namespace of its own. What counts is the rate at which SYNs were received: SYNs that
the endpoint has answered, by its own counters.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import endpoint as under_test  # noqa: E402

OPTIONS = argparse.Namespace()
REQUESTS = 1000
BACKLOG = 256
WARMING = 0.5  # seconds of flood before anything is measured
LONGEST = 25  # seconds


class Looker(threading.Thread):
    """Asks for statistics again and again; how long each answer took."""

    def __init__(self, ask):
        super().__init__(daemon=True)
        self.ask, self.ended, self.seconds = ask, threading.Event(), []
        self.start()

    def run(self):
        while not self.ended.wait(0.05):
            begun = time.monotonic()
            self.ask("stats")
            self.seconds.append(time.monotonic() - begun)

    def stop(self):
        self.ended.set()
        self.join()
        return sorted(self.seconds)


class SynFlood(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.endpoint = under_test.Endpoint(OPTIONS.programs, OPTIONS.link, settings=["tcp.msl=1s"],
                                           services=[f"http:80,backlog={BACKLOG}"])
        cls.endpoint.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.__exit__(*sys.exc_info())
        assert cls.endpoint.status == 0, f"millrace serve ended with {cls.endpoint.status}"

    def get(self, address, requests):
        """Each on a connection of its own. The status codes."""
        host = f"[{address}]" if ":" in address else address
        done = self.endpoint.run("curl", "--silent", "--globoff", "--write-out", "%{http_code}\n", "--max-time", "20",
                                 "--header", "Connection: close", "--config", "-", check=False,
                                 input=f'url = "http://{host}/"\noutput = "/dev/null"\n' * requests)
        return done.stdout.split()

    def begin_flood(self, address):
        mac = self.endpoint.ask("version")["ports"][0]["mac"]
        return subprocess.Popen(["ip", "netns", "exec", self.endpoint.namespace, OPTIONS.flood, self.endpoint.device, mac,
                                 address, "80", str(OPTIONS.rate), str(LONGEST)], stdout=subprocess.PIPE, text=True)

    def stats(self):
        reply = self.endpoint.ask("stats")
        return reply["at_us"] / 1e6, reply["total"]

    def resident_kib(self):
        with open(f"/proc/{self.endpoint.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def flooded(self, address):
        self.assertEqual(self.get(address, 1), ["200"])
        neighbors = len(self.endpoint.ask("neighbors")["rows"])
        flood = self.begin_flood(address)
        try:
            time.sleep(WARMING)
            resident = self.resident_kib()
            begun, before = self.stats()
            looker = Looker(self.endpoint.ask)
            codes = self.get(address, REQUESTS)
            looks = looker.stop()
            ended, after = self.stats()
            grown = self.resident_kib() - resident
            self.assertIsNone(flood.poll(), f"{REQUESTS} requests took longer than the flood: {ended - begun:.1f} s")
        finally:
            flood.terminate()
            flood.wait()
        counted = {name: after["counters"][name] - before["counters"][name] for name in after["counters"]}
        rate = counted["tcp_syn_cookies_sent"] / (ended - begun)
        print(f"\n{OPTIONS.link}, {address}: {rate:,.0f} SYNs/s received and answered while {codes.count('200')} of "
              f"{REQUESTS} requests succeeded in {ended - begun:.1f} s; {counted['tcp_syn_cookies_accepted']} of them by "
              f"a cookie; {grown} KiB more memory; of {len(looks)} statistics meanwhile half came within "
              f"{1e3 * looks[len(looks) // 2]:.1f} ms, all within {1e3 * looks[-1]:.1f} ms")
        self.assertLess(looks[len(looks) // 2], 1, "a look at a flooded endpoint, on a machine that others use as well")
        self.assertEqual(codes.count("200"), REQUESTS)
        self.assertGreaterEqual(rate, OPTIONS.least_rate)
        self.assertGreater(counted["tcp_syn_cookies_accepted"], 0)
        self.assertLessEqual(after["gauges"]["syn_records"], BACKLOG * 2)  # two families, a listener each
        self.assertLessEqual(len(self.endpoint.ask("neighbors")["rows"]), neighbors)
        self.assertLess(grown, 4096)

    def test_ipv4(self):
        self.flooded(under_test.OURS4)

    def test_ipv6(self):
        self.flooded(under_test.OURS6)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--flood", required=True)
    parser.add_argument("--link", default="af_packet")
    parser.add_argument("--rate", type=int, default=130_000, help="SYNs a second that are sent")
    parser.add_argument("--least-rate", type=int, default=100_000, help="that must be received")
    parser.add_argument("tests", nargs="*")
    parser.parse_args(namespace=OPTIONS)
    unittest.main(argv=[sys.argv[0], "-v", *OPTIONS.tests])


if __name__ == "__main__":
    main()

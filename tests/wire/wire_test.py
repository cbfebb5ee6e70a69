"""`millrace serve` against the kernel's TCP, on real devices in network namespaces made for it.

usage: wire_test.py --programs DIR --link LINK [--loss SHARE] [--mebibytes N] [--mtu N] [TEST...]
Needs root. Traffic stays inside namespaces of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import endpoint as under_test  # noqa: E402
import peer  # noqa: E402

OPTIONS = argparse.Namespace()
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
BOTH = (under_test.OURS4, under_test.OURS6)


class Wire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = os.path.join("/tmp", f"millrace-wire-files-{os.getpid()}")
        os.makedirs(cls.files)
        cls.addClassCleanup(shutil.rmtree, cls.files)
        with open(os.path.join(cls.files, "file"), "wb") as file:
            for i in range(OPTIONS.mebibytes):
                file.write(peer.pattern(peer.MEBIBYTE, i))
        cls.endpoint = under_test.Endpoint(
            OPTIONS.programs, OPTIONS.link,
            settings=["tcp.msl=1s", "tcp.data_retries=4", "tcp.rto_max=1s", "tcp.receive_buffer=1MiB", "tcp.send_buffer=1MiB",
                      *([f"lcores.use={OPTIONS.lcores}"] if OPTIONS.lcores else [])],
            mtu=OPTIONS.mtu,
            services=[f"http:80,directory={cls.files},directory_bytes={OPTIONS.mebibytes + 1}MiB", "echo:7", "discard:9", "chargen:19"])
        cls.endpoint.__enter__()
        if OPTIONS.loss:
            cls.endpoint.lose(OPTIONS.loss)

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.__exit__(*sys.exc_info())
        assert cls.endpoint.status == 0, f"millrace serve ended with {cls.endpoint.status}"

    def command(self, scenario, address, *arguments):
        return ["ip", "netns", "exec", self.endpoint.namespace, sys.executable, PEER, scenario, address,
                *map(str, arguments)]

    def play(self, scenario, address, *arguments, timeout=240):
        done = subprocess.run(self.command(scenario, address, *arguments), capture_output=True, text=True,
                              timeout=timeout, check=False)
        self.assertEqual(done.returncode, 0, done.stderr or done.stdout)

    def live_connections(self):
        rows = self.endpoint.ask("conns")
        rows = rows if isinstance(rows, list) else rows.get("connections", rows.get("rows"))
        return [row for row in rows if row["state"] != "TIME-WAIT"]

    def assert_quiet_within(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            rows = self.live_connections()
            if not rows:
                return
            time.sleep(0.1)
        self.fail(f"connections are left after {seconds} s: {rows}")

    def test_both_ways_at_once(self):
        for address in BOTH if not OPTIONS.loss else BOTH[1:]:
            with self.subTest(address=address):
                self.play("both_ways", address, OPTIONS.mebibytes)

    def test_download(self):
        for address in BOTH if not OPTIONS.loss else BOTH[:1]:
            with self.subTest(address=address):
                self.play("download", address, OPTIONS.mebibytes)

    def test_upload(self):
        self.play("discard", BOTH[0], OPTIONS.mebibytes)

    def test_200_parallel_connections(self):
        self.play("parallel", BOTH[0], 200)

    def test_half_close_by_the_peer(self):
        for address in BOTH:
            self.play("peer_closes_first", address)

    def test_half_close_by_the_endpoint(self):
        if OPTIONS.loss:
            return  # asserts the kernel's state at fixed times
        for address in BOTH:
            self.play("endpoint_closes_first", address)

    def test_refused(self):
        if OPTIONS.loss:
            return  # asserts that the answer comes at once
        for address in BOTH:
            self.play("refused", address)

    def test_reset_in_mid_transfer(self):
        self.play("reset", BOTH[0])
        self.assert_quiet_within(20)

    def test_other_lcores_get_their_flows(self):
        """Where there are several: half of the flows belong to another lcore than the one that a packet reached."""
        if not OPTIONS.lcores:
            return
        self.play("parallel", BOTH[0], 50)
        shards = self.endpoint.ask("stats")["shards"]
        self.assertEqual(len(shards), 2)
        self.assertGreater(sum(shard["counters"]["steering_handed_over"] for shard in shards), 50)
        for shard in shards:
            self.assertGreater(shard["counters"]["tcp_passive_opens"], 0)

    def test_peer_killed_in_mid_transfer(self):
        process = subprocess.Popen(self.command("forever", BOTH[0]), stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "reading\n")
        self.assertEqual(len(self.live_connections()), 1)
        process.kill()
        process.wait()
        process.stdout.close()
        self.assert_quiet_within(20)

    def test_zz_peer_vanishes_in_mid_transfer(self):
        """Last: the device is silent from here on."""
        process = subprocess.Popen(self.command("forever", BOTH[0]), stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "reading\n")
        self.endpoint.silence()
        self.assert_quiet_within(30)
        process.kill()
        process.wait()
        process.stdout.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="the folder of millrace and millracectl")
    parser.add_argument("--link", required=True, choices=sorted(under_test.LINKS))
    parser.add_argument("--loss", type=float, default=0, help="share of segments that the kernel's firewall drops, each way")
    parser.add_argument("--mtu", type=int, default=1500)
    parser.add_argument("--mebibytes", type=int, default=100)
    parser.add_argument("--lcores", help="CPUs that the endpoint runs on; none: one of its own choice")
    parser.add_argument("tests", nargs="*", help="as unittest names them: Wire.test_refused")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("wire_test.py needs root for network namespaces and devices: run it as root")
    OPTIONS.__dict__.update(vars(arguments))
    unittest.main(argv=[sys.argv[0], "--verbose", *arguments.tests])


if __name__ == "__main__":
    main()

"""`millrace serve` and the kernel's TCP with an emulated cable between them (linkem/): bulk both ways over MTUs of 576, 1500
and 9000, over bad weather, through queues that drop early or mark, and through a path that carries less than it says.

usage: emulated_test.py --programs DIR --linkem PROGRAM [TEST...]
Needs root. Traffic stays inside namespaces of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import endpoint as under_test  # noqa: E402
import links  # noqa: E402
import peer  # noqa: E402

OPTIONS = argparse.Namespace()
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
V4, V6 = under_test.OURS4, under_test.OURS6
MEBIBYTES = 2


class Emulated(unittest.TestCase):
    def setUp(self):
        self.files = os.path.join("/tmp", f"millrace-emulated-{os.getpid()}")
        os.makedirs(self.files)
        self.addCleanup(shutil.rmtree, self.files)
        with open(os.path.join(self.files, "file"), "wb") as file:
            for i in range(MEBIBYTES):
                file.write(peer.pattern(peer.MEBIBYTE, i))

    def endpoint(self, there, back=None, mtu=1500, settings=(), link="emulated"):
        links.Emulated.program = OPTIONS.linkem
        links.Emulated.there, links.Emulated.back = there, back if back is not None else there
        return under_test.Endpoint(
            OPTIONS.programs, link, mtu=mtu, settings=["tcp.msl=1s", *settings],
            services=[f"http:80,directory={self.files},directory_bytes={MEBIBYTES + 1}MiB", "echo:7", "discard:9"])

    def play(self, endpoint, scenario, address, timeout=240):
        command = ["ip", "netns", "exec", endpoint.peer_namespace, sys.executable, PEER, scenario, address, str(MEBIBYTES)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        self.assertEqual(done.returncode, 0, done.stderr or done.stdout)

    def bulk(self, endpoint, addresses):
        for address in addresses:
            for scenario in ("download", "discard", "both_ways"):
                with self.subTest(address=address, scenario=scenario):
                    self.play(endpoint, scenario, address)

    def counters(self, endpoint):
        total = {}
        for shard in endpoint.ask("stats")["shards"]:
            for name, value in shard["counters"].items():
                total[name] = total.get(name, 0) + value
        return total

    def test_bulk_mtu_576(self):
        with self.endpoint("rate=50M,delay=2ms", mtu=576) as endpoint:
            self.bulk(endpoint, [V4])  # IPv6 needs 1280

    def test_bulk_mtu_1500(self):
        with self.endpoint("rate=100M,delay=5ms") as endpoint:
            self.bulk(endpoint, [V4, V6])

    def test_bulk_mtu_9000(self):
        with self.endpoint("rate=500M,delay=2ms", mtu=9000, link="emulated_jumbo") as endpoint:
            self.bulk(endpoint, [V4, V6])
            counters = self.counters(endpoint)
            self.assertGreater(counters["tcp_bytes_sent"] / counters["tcp_segments_sent"], 1460, "segments are larger")

    def test_bulk_through_bad_weather(self):
        weather = "rate=100M,delay=3ms,loss=1%,reorder=2%,reorder-by=2ms,duplicate=1%,corrupt=0.5%"
        with self.endpoint(weather) as endpoint:
            self.bulk(endpoint, [V4, V6])
            tally = endpoint.link.tally()
            for fate in ("lost", "corrupted", "duplicate"):
                self.assertGreater(tally["there"][fate], 0, tally)
                self.assertGreater(tally["back"][fate], 0, tally)

    def test_bulk_through_bursts_of_loss_and_jitter(self):
        with self.endpoint("rate=100M,delay=3ms,jitter=2ms,burst-begins=0.1%,burst-ends=30%") as endpoint:
            self.bulk(endpoint, [V4, V6])

    def test_bulk_through_a_queue_that_drops_early(self):
        with self.endpoint("rate=20M,delay=5ms,queue=codel") as endpoint:
            self.bulk(endpoint, [V4])

    def kernel_counters(self, endpoint):
        """TcpExt and IpExt of the kernel's namespace (proc_net(5))."""
        lines = endpoint.run_at_peer("cat", "/proc/net/netstat").stdout.splitlines()
        total = {}
        for names, values in zip(lines[::2], lines[1::2]):
            total.update(zip(names.split()[1:], map(int, values.split()[1:])))
        return total

    def test_bulk_through_a_queue_that_marks(self):
        """ECN (RFC 3168), which the kernel asks for: both ends learn of the queue without a loss."""
        with self.endpoint("rate=20M,delay=5ms,queue=codel-ecn,target=1ms,interval=10ms") as endpoint:
            endpoint.run_at_peer("sysctl", "-qw", "net.ipv4.tcp_ecn=1")
            self.bulk(endpoint, [V4, V6])
            ours, kernels = self.counters(endpoint), self.kernel_counters(endpoint)
            for name in ("tcp_ecn_ce_received", "tcp_ecn_echoes_received", "tcp_ecn_reductions"):
                self.assertGreater(ours[name], 0, name)
            self.assertGreater(kernels["InCEPkts"], 0, "what we send is ECN-capable")
            self.assertGreater(kernels["TCPDeliveredCE"], 0, "what it sends is echoed")
            print(f"marks: {ours['tcp_ecn_ce_received']} to us, {kernels['InCEPkts']} to the kernel; "
                  f"{ours['tcp_ecn_reductions']} reductions; {ours['tcp_retransmitted_segments']} segments sent again")

    def test_bulk_through_a_short_queue(self):
        with self.endpoint("rate=20M,delay=5ms,limit=20") as endpoint:
            self.bulk(endpoint, [V4])

    def test_black_hole_from_us(self):
        """Packets above 1400 octets vanish without an ICMP error: our segments have to tell."""
        with self.endpoint("rate=100M,delay=2ms,mtu=1400", back="rate=100M,delay=2ms") as endpoint:
            for address in (V4, V6):
                with self.subTest(address=address):
                    self.play(endpoint, "download", address)
            counters = self.counters(endpoint)
            self.assertGreaterEqual(counters["tcp_mtu_black_holes"], 1)
            # The second connection of a family, or what has been found later on, is not in the hole.
            self.assertGreater(counters["tcp_mtu_probes_acked"], 0, "what lies between 1280 and 1400 is found by probing")

    def test_black_hole_to_us(self):
        with self.endpoint("rate=100M,delay=2ms", back="rate=100M,delay=2ms,mtu=1400") as endpoint:
            endpoint.run_at_peer("sysctl", "-qw", "net.ipv4.tcp_mtu_probing=1")
            for address in (V4, V6):
                with self.subTest(address=address):
                    self.play(endpoint, "discard", address)

    def test_large_bandwidth_delay_product(self):
        """80 ms at 100 Mbit/s hold 1 MB: the window that was offered at first would not fill that."""
        with self.endpoint("rate=100M,delay=40ms,limit=2000") as endpoint:
            self.bulk(endpoint, [V4])
            self.assertGreater(self.counters(endpoint)["tcp_receive_buffers_grown"], 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="the folder of millrace and millracectl")
    parser.add_argument("--linkem", required=True, help="the link emulator")
    parser.add_argument("tests", nargs="*", help="as unittest names them: Emulated.test_bulk_mtu_576")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("emulated_test.py needs root for network namespaces and devices: run it as root")
    OPTIONS.__dict__.update(vars(arguments))
    unittest.main(argv=[sys.argv[0], "--verbose", *arguments.tests])


if __name__ == "__main__":
    main()

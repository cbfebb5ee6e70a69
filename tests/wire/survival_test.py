"""What a transfer lives through: a peer that is killed and started again, a link that flaps, a peer that stops reading.

usage: survival_test.py --programs DIR --link LINK [TEST...]
Needs root. Traffic stays inside namespaces of its own.
"""

import argparse
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import endpoint as under_test  # noqa: E402
import forwarder  # noqa: E402
from links import Forwarded  # noqa: E402

OPTIONS = argparse.Namespace()
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
OCTETS = 2 << 20  # before and after a disturbance, where testpmd forwards to the kernel
OCTETS_DIRECT = 16 << 20
AWAY_SECONDS = 1.5
PATIENCE_SECONDS = 120  # a bound on what only a busy machine delays


class Survival(unittest.TestCase):
    octets = OCTETS

    def setUp(self):
        self.endpoint = under_test.Endpoint(
            OPTIONS.programs, OPTIONS.link, services=["echo:7", "chargen:19"],
            settings=["tcp.rto_max=1s", "tcp.data_retries=30", "tcp.receive_buffer=1MiB", "tcp.send_buffer=1MiB"])
        self.link = self.endpoint.link
        self.endpoint.__enter__()

    def tearDown(self):
        self.endpoint.__exit__(None, None, None)
        self.assertEqual(self.endpoint.status, 0, "millrace serve ends as asked")

    def peer(self, scenario, *arguments):
        return subprocess.Popen(
            ["ip", "netns", "exec", self.endpoint.namespace, sys.executable, PEER, scenario, under_test.OURS4,
             *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def octets_received(self):
        return self.endpoint.ask("stats")["total"]["counters"]["tcp_bytes_received"]

    def wait_for_octets(self, transfer, count):
        """Until so much payload has been received."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (received := self.octets_received()) < count:
            if transfer.poll() is not None:
                self.fail(f"the transfer ended after {received} of {count} octets: {transfer.communicate()[1]}")
            self.assertLess(time.monotonic(), deadline, f"{received} of {count} octets have come")
            time.sleep(0.02)

    def assert_transfer_survives(self, disturb):
        """As much each way at once; it goes on until some has crossed before and after what disturbs it."""
        transfer = self.peer("both_ways_until_told")
        try:
            self.wait_for_octets(transfer, self.octets)
            disturb()
            self.wait_for_octets(transfer, self.octets_received() + self.octets)
            _, errors = transfer.communicate("enough\n", timeout=PATIENCE_SECONDS)
        finally:
            transfer.kill()
        self.assertEqual(transfer.returncode, 0, errors)

    def assert_page_of_echo(self):
        done = self.peer("peer_closes_first")
        _, errors = done.communicate(timeout=PATIENCE_SECONDS)
        self.assertEqual(done.returncode, 0, errors)

    def told(self):
        return [line.rpartition(" ")[2] for line in self.endpoint.said().splitlines() if "the link is " in line]

    def assert_told(self, *changes):
        """The log says of the link what happened, once each."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (told := self.told())[-len(changes):] != list(changes):
            self.assertLess(time.monotonic(), deadline, f"the link is said to be {told}, not {changes}")
            time.sleep(0.1)
        self.assertLessEqual(len(told), len(changes) + 2, "once each way, and what the start said")


class WithKernel(Survival):
    octets = OCTETS_DIRECT

    def test_link_flaps_in_mid_transfer(self):
        def flap():
            self.endpoint.run("ip", "link", "set", self.endpoint.device, "down")
            self.assert_told("down")  # it is looked at now and then: a starved process would miss a short flap
            time.sleep(AWAY_SECONDS)
            self.endpoint.run("ip", "link", "set", self.endpoint.device, "up")
        self.assert_transfer_survives(flap)
        self.assert_told("down", "up")

    def test_crash_leaves_nothing_in_the_way(self):
        self.assert_page_of_echo()
        self.endpoint.crash()
        self.endpoint.serve()
        if self.endpoint.device == "mr0":  # it went with the process
            self.endpoint.run("ip", "address", "add", f"{under_test.KERNEL4}/24", "dev", "mr0")
            self.endpoint.run("ip", "link", "set", "mr0", "up")
        self.assert_page_of_echo()
        self.assertEqual(self.endpoint.stop(), 0)
        if self.endpoint.device != "mr0":
            self.assertNotIn("xdp", self.endpoint.run("ip", "link", "show", "mro").stdout, "our program is detached")
        self.endpoint.serve()


class WithPeerProcess(Survival):
    def test_peer_is_killed_and_started_again_in_mid_transfer(self):
        def restart():
            self.link.forwarder.kill()
            self.assert_told("down")
            time.sleep(AWAY_SECONDS)
            self.link.peer_starts_again()
        self.assert_transfer_survives(restart)
        self.assert_told("down", "up")

    def test_port_of_the_peer_flaps_in_mid_transfer(self):
        def flap():
            self.link.forwarder.port_down()
            time.sleep(AWAY_SECONDS)
            self.link.forwarder.port_up()
        self.assert_transfer_survives(flap)

    def test_peer_that_stops_reading_for_a_while(self):
        def pause():
            self.link.forwarder.pause()
            time.sleep(2 * AWAY_SECONDS)
            self.link.forwarder.resume()
        self.assert_transfer_survives(pause)

    def test_we_crash_and_start_again(self):
        client = self.peer("both_ways", 1000)
        self.wait_for_octets(client, 1 << 20)
        self.endpoint.crash()
        if self.link.reconnects:
            self.endpoint.serve()
        else:
            self.link.forwarder.kill()
            self.endpoint.serve()
            self.link.forwarder.start()
        _, errors = client.communicate(timeout=PATIENCE_SECONDS)
        self.assertRegex(errors, "ECONNRESET|ConnectionResetError", "the connections of the old process are reset by the new one")
        self.assert_page_of_echo()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="the folder of millrace and millracectl")
    parser.add_argument("--link", required=True, choices=sorted(under_test.LINKS))
    parser.add_argument("tests", nargs="*", help="of this link's, as unittest names them: test_link_flaps_in_mid_transfer")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("survival_test.py needs root for network namespaces and devices: run it as root")
    OPTIONS.__dict__.update(vars(arguments))
    forwarded = issubclass(under_test.LINKS[arguments.link], Forwarded)
    if forwarded and forwarder.missing():
        sys.exit(f"survival_test.py needs {', '.join(forwarder.missing())}")
    case = WithPeerProcess if forwarded else WithKernel
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(arguments.tests, case) if arguments.tests else loader.loadTestsFromTestCase(case)
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())


if __name__ == "__main__":
    main()

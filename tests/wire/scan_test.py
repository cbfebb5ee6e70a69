"""A port scan by nmap of `millrace serve` on a real device: it ends, and names open and closed ports rightly.

usage: scan_test.py --programs DIR --link LINK [TEST...]
Needs root and nmap. Traffic stays inside a namespace of its own.
"""

import argparse
import os
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import endpoint as under_test  # noqa: E402

OPTIONS = argparse.Namespace()
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
PORTS = range(1, 201)
OPEN = {7, 9, 19, 80}
SECONDS = 30


class Scan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.endpoint = under_test.Endpoint(OPTIONS.programs, OPTIONS.link,
                                           services=["http:80", "echo:7", "discard:9", "chargen:19"])
        cls.endpoint.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.__exit__(*sys.exc_info())
        assert cls.endpoint.status == 0, f"millrace serve ended with {cls.endpoint.status}"

    def scan(self, how, address):
        """What nmap says of each port: a dictionary."""
        command = ["nmap", how, "-n", "-Pn", "-T4", "--max-retries", "3", "--host-timeout", f"{SECONDS}s",
                   "-p", f"{PORTS[0]}-{PORTS[-1]}", "-dd", "-oX", "-", *(["-6"] if ":" in address else []), address]
        began = time.monotonic()
        done = self.endpoint.run(*command, check=False, timeout=2 * SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(time.monotonic() - began, SECONDS)
        document = ElementTree.fromstring(done.stdout)
        states = {int(port.get("portid")): port.find("state").get("state") for port in document.iter("port")}
        self.assertEqual(set(states), set(PORTS), "nmap did not finish")
        return states

    def check(self, how, word_for_open):
        for address in (under_test.OURS4, under_test.OURS6):
            with self.subTest(address=address):
                states = self.scan(how, address)
                self.assertEqual({port for port, state in states.items() if state == word_for_open}, OPEN)
                self.assertEqual({port for port, state in states.items() if state == "closed"}, set(PORTS) - OPEN)
                self.still_serves(address)

    def still_serves(self, address):
        command = ["ip", "netns", "exec", self.endpoint.namespace, sys.executable, PEER]
        for scenario in ("refused", "peer_closes_first"):
            done = subprocess.run([*command, scenario, address], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_syn_scan(self):
        self.check("-sS", "open")

    def test_connect_scan(self):
        self.check("-sT", "open")

    # RFC 9293 §3.10.7.1: where nobody listens everything but RST is answered by RST; §3.10.7.2: a listener
    # drops what has neither SYN, ACK nor RST. nmap cannot tell that from a firewall.
    def test_null_scan(self):
        self.check("-sN", "open|filtered")

    def test_fin_scan(self):
        self.check("-sF", "open|filtered")

    def test_xmas_scan(self):
        self.check("-sX", "open|filtered")

    # ACK without a connection: RST from open and closed ports alike.
    def test_ack_scan(self):
        states = self.scan("-sA", under_test.OURS4)
        self.assertEqual(set(states.values()), {"unfiltered"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="the folder of millrace and millracectl")
    parser.add_argument("--link", required=True, choices=sorted(under_test.LINKS))
    parser.add_argument("tests", nargs="*", help="as unittest names them: Scan.test_syn_scan")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("scan_test.py needs root for network namespaces and devices: run it as root")
    OPTIONS.__dict__.update(vars(arguments))
    unittest.main(argv=[sys.argv[0], "--verbose", *arguments.tests])


if __name__ == "__main__":
    main()

"""An endpoint without work gives its CPU away and still answers, on links that wake it and on links that do not."""

import os
import tempfile
import time

import harness

SHARE = 0.05  # of a CPU
NAP_SHARE = 0.5  # where nothing wakes the loop, it wakes a thousand times a second to look; 1 without sleep


class Idle(harness.DaemonTest):
    def assert_idle(self, serve, seconds=2.0, most=SHARE):
        time.sleep(0.5)
        before, start = serve.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        share = (serve.cpu_seconds() - before) / (time.monotonic() - start)
        self.assertLess(share, most, "of a CPU while nothing is to be done")

    def veth(self):
        peer = harness.Namespace()
        self.addCleanup(peer.close)
        self.namespace.ip("link", "add", "own", "type", "veth", "peer", "name", "peer", "netns", peer.name)
        self.namespace.ip("link", "set", "own", "up")
        peer.ip("link", "set", "peer", "up")
        peer.ip("address", "add", "10.99.0.1/24", "dev", "peer")
        peer.run("ethtool", "-K", "peer", "tx", "off")
        return peer

    def echo_takes(self, peer):
        """Median seconds of an echo that finds the endpoint asleep; the connection stays idle in between."""
        client = peer.connect("10.99.0.2", 7)
        taken = []
        for _ in range(21):
            time.sleep(0.02)
            start = time.monotonic()
            client.sendall(b"wake")
            self.assertEqual(client.recv(4), b"wake")
            taken.append(time.monotonic() - start)
        return sorted(taken)[len(taken) // 2]

    def check(self, serve, peer):
        self.assertIn("sleeps until the link wakes it", serve.output)
        self.assert_idle(serve)
        # Without the wake-up it would be half of the longest sleep.
        self.assertLess(self.echo_takes(peer), 0.02)
        self.assert_idle(serve)
        code, errors = serve.stop()
        self.assertEqual(code, 0, errors)

    def test_tap(self):
        self.check(self.serve_tap("--service", "echo:7"), self.namespace)

    def test_af_packet(self):
        peer = self.veth()
        serve = self.serve("--vdev", "net_af_packet0,iface=own", "--huge-pages", "off", "--address", "10.99.0.2/24",
                           "--service", "echo:7").wait_ready()
        self.check(serve, peer)

    def test_af_packet_after_a_link_that_flapped(self):
        peer = self.veth()
        serve = self.serve("--vdev", "net_af_packet0,iface=own", "--huge-pages", "off", "--address", "10.99.0.2/24",
                           "--service", "echo:7").wait_ready()
        self.namespace.ip("link", "set", "own", "down")
        self.assert_idle(serve, 1.0)
        self.namespace.ip("link", "set", "own", "up")
        self.check(serve, peer)

    def test_af_xdp(self):
        peer = self.veth()
        serve = self.serve("--vdev", "net_af_xdp0,iface=own", "--huge-pages", "off", "--address", "10.99.0.2/24",
                           "--service", "echo:7").wait_ready()
        self.check(serve, peer)

    def test_af_packet_by_two_lcores(self):
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("one CPU")
        peer = self.veth()
        serve = self.serve("--vdev", "net_af_packet0,iface=own,qpairs=1", "--huge-pages", "off", "--lcores", "0,1",
                           "--address", "10.99.0.2/24", "--service", "echo:7").wait_ready()
        self.check(serve, peer)

    def test_memif_naps_when_told(self):
        path = os.path.join(tempfile.mkdtemp(), "memif.sock")
        serve = self.serve("--vdev", f"net_memif0,role=server,socket={path},socket-abstract=no", "--huge-pages", "off",
                           "--address", "10.99.0.2/24", "--service", "echo:7", "--idle", "sleep").wait_ready()
        self.assertIn("sleeps for up to 1000 us at a time", serve.output)
        self.assert_idle(serve, most=NAP_SHARE)
        code, errors = serve.stop()
        self.assertEqual(code, 0, errors)

    def test_memif_polls_unless_told(self):
        path = os.path.join(tempfile.mkdtemp(), "memif.sock")
        serve = self.serve("--vdev", f"net_memif0,role=server,socket={path},socket-abstract=no", "--huge-pages", "off",
                           "--address", "10.99.0.2/24", "--service", "echo:7").wait_ready()
        self.assertIn("the loop polls on", serve.output)
        self.assertEqual(serve.stop()[0], 0)


if __name__ == "__main__":
    harness.main()

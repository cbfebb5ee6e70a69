"""The links of this version carry pages, and serve says what is wrong with the link when it does not."""

import time

import harness


class Veth(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.peer = harness.Namespace()
        self.addCleanup(self.peer.close)
        self.namespace.ip("link", "add", "own", "type", "veth", "peer", "name", "peer", "netns", self.peer.name)
        self.namespace.ip("link", "set", "own", "up")
        self.peer.ip("link", "set", "peer", "up")
        self.peer.ip("address", "add", "10.99.0.1/24", "dev", "peer")
        self.peer.ip("address", "add", "fd99::1/64", "dev", "peer", "nodad")

    def serve_veth(self, *args):
        return self.serve("--vdev", "net_af_packet0,iface=own", "--huge-pages", "off", "--address", "10.99.0.2/24",
                          "--address", "fd99::2/64", "--service", "http:80", "--service", "echo:7", *args).wait_ready()

    def get(self, url, seconds):
        return self.peer.run("curl", "-g", "-sS", "--max-time", str(seconds), "-o", "/dev/null", "-w", "%{http_code}",
                             url, check=False).stdout

    def test_af_packet_with_the_peers_offload_off_carries_pages(self):
        self.peer.run("ethtool", "-K", "peer", "tx", "off")
        serve = self.serve_veth()
        for url in ("http://10.99.0.2/", "http://[fd99::2]/"):
            self.assertEqual(self.get(url, 20), "200", url)
        self.assertEqual(serve.stop()[0], 0)
        self.assertIn("own", self.namespace.interfaces(), "an interface of the host stays")

    def test_af_packet_with_the_peers_offload_on_says_what_mends_it(self):
        serve = self.serve_veth()
        self.assertEqual(self.get("http://10.99.0.2/", 3), "000")
        time.sleep(1.5)
        code, errors = serve.stop()
        self.assertEqual(code, 0, errors)
        self.assertIn("ethtool -K PEER tx off", errors)
        self.assertEqual(errors.count("ethtool"), 1, "once a minute at most")

    def test_af_packet_survives_a_link_that_flaps(self):
        self.peer.run("ethtool", "-K", "peer", "tx", "off")
        serve = self.serve_veth()
        self.assertEqual(self.get("http://10.99.0.2/", 20), "200")
        self.peer.ip("link", "set", "peer", "down")
        time.sleep(0.5)
        self.peer.ip("link", "set", "peer", "up")
        self.assertEqual(self.get("http://10.99.0.2/", 20), "200")
        self.assertEqual(serve.stop()[0], 0)

    def test_af_packet_jumbo(self):
        for namespace, name in ((self.namespace, "own"), (self.peer, "peer")):
            namespace.ip("link", "set", name, "mtu", "9000")
        self.peer.run("ethtool", "-K", "peer", "tx", "off")
        serve = self.serve_veth("--set", "port.net_af_packet0.mtu=9000")
        client = self.peer.connect("10.99.0.2", 7)
        sent = bytes(range(256)) * 512
        client.sendall(sent)
        got = b""
        while len(got) < len(sent):
            got += client.recv(65536)
        self.assertEqual(got, sent)
        client.close()
        self.assertEqual(serve.stop()[0], 0)


class Tap(harness.DaemonTest):
    def test_ping_and_page_over_both_families(self):
        serve = self.serve_tap("--service", "http:80")
        for address in ("10.99.0.2", "fd99::2"):
            self.assertTrue(self.namespace.ping(address), address)
        self.assert_page("http://10.99.0.2/", "http://[fd99::2]/")
        self.assertEqual(serve.stop()[0], 0)

    def test_mtu_reaches_the_kernels_end(self):
        serve = self.serve_tap("--service", "http:80", "--set", "port.net_tap0.mtu=1400")
        self.assertIn("mtu 1400", self.namespace.ip("link", "show", "mrt0").stdout)
        self.assert_page("http://10.99.0.2/")
        self.assertEqual(serve.stop()[0], 0)


if __name__ == "__main__":
    harness.main()

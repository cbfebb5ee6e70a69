"""What the endpoint and the kernel say to each other on the link: whose an address is, which groups are listened to, which
way leads out. The kernel's end is in a namespace of its own; frames that the kernel does not send are written by hand."""

import json
import socket
import struct
import subprocess
import time

import harness

ETH_P_ALL = 0x0003
OURS4, OURS6, GROUP6 = "10.99.0.2", "fd99::2", "ff02::1:ff00:2"


def in6(address):
    return socket.inet_pton(socket.AF_INET6, address)


def icmp6(source, destination, message, hop_limit=255):
    """An IPv6 packet with this ICMPv6 message, whose checksum is filled in."""
    ends = in6(source) + in6(destination)
    pseudo = ends + struct.pack("!IHBB", len(message), 0, 0, 58)
    message = message[:2] + struct.pack("!H", harness.checksum(pseudo + message)) + message[4:]
    return struct.pack("!IHBB", 6 << 28, len(message), 58, hop_limit) + ends + message


def router_advertisement(mac, lifetime, prefix, mtu):
    return (struct.pack("!BBHBBHII", 134, 0, 0, 64, 0x08, lifetime, 0, 0)  # high preference (RFC 4191)
            + b"\1\1" + mac + struct.pack("!BBHI", 5, 1, 0, mtu)
            + struct.pack("!BBBBIII", 3, 4, 64, 0x80, 600, 600, 0) + in6(prefix))


class Link(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.peer = harness.Namespace()
        self.addCleanup(self.peer.close)
        self.namespace.ip("link", "add", "own", "type", "veth", "peer", "name", "peer", "netns", self.peer.name)
        self.namespace.ip("link", "set", "own", "up")
        self.peer.run("ethtool", "-K", "peer", "tx", "off")
        # RFC 4862 is tried on addresses that we give; the kernel's own are there at once.
        self.peer.run("sysctl", "-qw", "net.ipv6.conf.peer.accept_dad=0")
        self.peer.ip("link", "set", "peer", "up")
        self.peer.ip("address", "add", "10.99.0.1/24", "dev", "peer")
        self.peer.ip("address", "add", "fd99::1/64", "dev", "peer", "nodad")

    def start(self, *args):
        self.endpoint = self.serve("--vdev", "net_af_packet0,iface=own", "--huge-pages", "off", "--address", OURS4 + "/24",
                                   "--address", OURS6 + "/64", "--service", "http:80", "--service", "echo:7", *args)
        return self.endpoint.wait_ready()

    def rows(self, command):
        done = subprocess.run([harness.MILLRACECTL, "--socket", self.endpoint.socket, "--json", command], check=True,
                              capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout)["rows"]

    def states(self):
        return {row["address"]: row["state"] for row in self.rows("addresses")}

    def wait_until(self, what, seconds=20):
        deadline = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), deadline, "it took too long")
            time.sleep(0.05)
        return found

    def raw(self):
        raw = self.peer.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        raw.bind(("peer", ETH_P_ALL))
        return raw

    def mac(self):
        return bytes.fromhex(json.loads(self.peer.run("ip", "-j", "link", "show", "peer").stdout)[0]["address"].replace(":", ""))

    def link_local(self):
        """The kernel's."""
        def find():
            shown = json.loads(self.peer.run("ip", "-j", "-6", "address", "show", "dev", "peer", "scope", "link").stdout)
            return [info["local"] for link in shown for info in link.get("addr_info", []) if "local" in info]
        return self.wait_until(find)[0]

    def send(self, packet):
        with self.raw() as raw:
            raw.send(bytes.fromhex("333300000001") + self.mac() + b"\x86\xdd" + packet)

    def test_ready_means_that_the_addresses_answer(self):
        self.start()
        self.assertEqual(set(self.states().values()), {"preferred"})
        for address in (OURS4, OURS6):
            self.assertTrue(self.peer.ping(address))
        self.assertEqual(self.endpoint.stop()[0], 0)

    def test_addresses_that_the_kernel_has_are_not_used(self):
        self.peer.ip("address", "add", OURS4 + "/24", "dev", "peer")
        self.peer.ip("address", "add", OURS6 + "/64", "dev", "peer", "nodad")
        self.start("--address", "10.99.0.3/24", "--address", "fd99::3/64")
        states = self.states()
        self.assertEqual([states[address] for address in (OURS4, OURS6, "10.99.0.3", "fd99::3")],
                         ["duplicate", "duplicate", "preferred", "preferred"])
        for address in ("10.99.0.3", "fd99::3"):
            self.assertTrue(self.peer.ping(address))
        time.sleep(0.5)
        code, errors = self.endpoint.stop()
        self.assertEqual(code, 0, errors)
        for address in (OURS4, OURS6):
            self.assertIn(f"another host on the link has {address}: it is not used here", errors)

    def test_the_kernel_does_not_get_an_address_of_ours(self):
        self.start()
        self.peer.run("sysctl", "-qw", "net.ipv6.conf.peer.accept_dad=1")
        self.peer.ip("address", "add", OURS6 + "/64", "dev", "peer")
        self.wait_until(lambda: "dadfailed" in self.peer.run("ip", "-6", "address", "show", "dev", "peer").stdout)
        # RFC 5227: the kernel sends no probes for IPv4 addresses.
        probe = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, self.mac(), bytes(4), bytes(6), socket.inet_aton(OURS4))
        with self.raw() as raw:
            raw.send(b"\xff" * 6 + self.mac() + b"\x08\x06" + probe)
            deadline = time.monotonic() + 10
            while True:
                frame = raw.recv(2048)
                if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\2":
                    break
                self.assertLess(time.monotonic(), deadline)
        self.assertEqual(frame[28:32], socket.inet_aton(OURS4))
        self.assertEqual(self.endpoint.stop()[0], 0)

    def test_a_bridge_that_snoops_knows_our_groups(self):
        self.peer.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "1")
        self.peer.ip("link", "set", "br0", "up")
        self.peer.ip("link", "set", "peer", "master", "br0")
        self.start()
        self.wait_until(lambda: GROUP6 in self.peer.run("bridge", "mdb", "show").stdout)
        self.assertEqual(self.endpoint.stop()[0], 0)

    def test_a_router_shows_the_way(self):
        far = "fd98::1"
        self.peer.ip("address", "add", far + "/128", "dev", "lo")
        with self.raw() as raw:
            self.start()
            deadline = time.monotonic() + 10
            while (frame := raw.recv(2048))[12:14] != b"\x86\xdd" or frame[20] != 58 or frame[54] != 133:
                self.assertLess(time.monotonic(), deadline, "no router solicitation")
        self.assertEqual(frame[21], 255)
        learnt = lambda: [row for row in self.rows("routes") if row["origin"] == "router"]
        router = self.link_local()
        self.send(icmp6(router, "ff02::1", router_advertisement(self.mac(), 600, "fd97::", 1400), hop_limit=64))
        self.send(icmp6("fd99::1", "ff02::1", router_advertisement(self.mac(), 600, "fd97::", 1400)))
        self.assertEqual(learnt(), [])
        self.send(icmp6(router, "ff02::1", router_advertisement(self.mac(), 600, "fd97::", 1400)))
        rows = self.wait_until(learnt)
        self.assertEqual([(row["destination"], row["gateway"], row["state"], row["preference"]) for row in rows],
                         [("fd97::/64", None, None, None), ("::/0", router, "in_use", "high")])
        self.assertLessEqual(rows[1]["lifetime_us"], 600_000_000)
        shown = subprocess.run([harness.MILLRACECTL, "--socket", self.endpoint.socket, "routes"], check=True,
                               capture_output=True, text=True, timeout=60).stdout
        self.assertIn("in_use", shown)
        stream = self.peer.socket(socket.AF_INET6)
        stream.bind((far, 0))
        stream.connect((OURS6, 7))
        self.assertEqual(stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG), 1400 - 60 - 12, "the router's MTU")
        stream.sendall(b"there and back")
        self.assertEqual(stream.recv(100), b"there and back")
        self.send(icmp6(router, "ff02::1", router_advertisement(self.mac(), 0, "fd97::", 1400)))
        self.wait_until(lambda: len(learnt()) == 1)
        self.assertEqual(self.endpoint.stop()[0], 0)

    def test_a_link_that_comes_back_is_told_where_we_are(self):
        self.start()
        time.sleep(3)  # what is said at the start is over
        self.peer.ip("link", "set", "peer", "down")
        time.sleep(0.5)
        self.peer.ip("link", "set", "peer", "up")
        wanted = {"arp": lambda f: f[12:14] == b"\x08\x06" and f[28:32] == f[38:42] == socket.inet_aton(OURS4),
                  "advertisement": lambda f: f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 136 and f[62:78] == in6(OURS6),
                  "report": lambda f: f[12:14] == b"\x86\xdd" and f[20] == 0 and f[62] == 143,
                  "solicitation": lambda f: f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 133}
        seen = set()
        deadline = time.monotonic() + 15
        with self.raw() as raw:
            while seen != set(wanted):
                self.assertLess(time.monotonic(), deadline, f"only {seen}")
                frame = raw.recv(2048)
                seen |= {name for name, is_it in wanted.items() if is_it(frame)}
        self.assertEqual(set(self.states().values()), {"preferred"}, "in use all along")
        self.assertEqual(self.endpoint.stop()[0], 0)

    def test_a_link_that_is_down_at_first_is_asked_when_it_is_up(self):
        self.peer.ip("link", "set", "peer", "down")
        self.start()
        self.assertEqual(set(self.states().values()), {"tentative"})
        self.peer.ip("link", "set", "peer", "up")
        self.wait_until(lambda: set(self.states().values()) == {"preferred"})
        self.assertTrue(self.peer.ping(OURS4))
        self.assertEqual(self.endpoint.stop()[0], 0)


if __name__ == "__main__":
    harness.main()

"""Somebody on the link who is not the peer, and a peer that goes: crafted segments, and keep-alive.

usage: blind_test.py --programs DIR [TEST...]
Needs root. The endpoint serves on a TAP device in a namespace of its own; the kernel is the peer, and raw segments with the
kernel's address as source are written to the device by AF_PACKET, as an off-path attacker's would arrive.
"""

import argparse
import os
import random
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import endpoint as under_test  # noqa: E402

OPTIONS = argparse.Namespace()
ECHO = 7
RST, SYN, ACK, PSH, FIN = 0x04, 0x02, 0x10, 0x08, 0x01
HERE = os.path.dirname(os.path.abspath(__file__))


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def segment(source, destination, source_port, destination_port, seq, ack, flags, payload=b""):
    """An IP packet of either family with a TCP segment in it."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    length = 20 + len(payload)
    tcp = struct.pack("!HHIIBBHHH", source_port, destination_port, seq % 2**32, ack % 2**32, 5 << 4, flags, 1000, 0, 0)
    pseudo = ends + (struct.pack("!IHBB", length, 0, 0, 6) if family == socket.AF_INET6 else struct.pack("!BBH", 0, 6, length))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp + payload)) + tcp[18:]
    if family == socket.AF_INET6:
        header = struct.pack("!IHBB", 6 << 28, length, 6, 64) + ends
    else:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, 6, 0) + ends
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return header + tcp + payload


class Attacker:
    """Runs inside the namespace: an echo connection of the kernel's, and forged segments beside it."""

    def __init__(self, address, device):
        self.address = address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.connection = socket.socket(family, socket.SOCK_STREAM)
        self.connection.settimeout(10)
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.raw.bind((device, 0))
        self.sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sniffer.bind((device, 0))
        self.sniffer.settimeout(5)
        self.connection.connect((address, ECHO))
        self.source, self.port = self.connection.getsockname()[:2]
        self.exchange(b"before")

    def exchange(self, octets):
        """Through echo and back; what else came would show."""
        self.connection.sendall(octets)
        got = b""
        while len(got) < len(octets):
            piece = self.connection.recv(65536)
            if not piece:
                raise ConnectionError("the endpoint closed")
            got += piece
        if got != octets:
            raise ValueError(f"{got[:80]!r} came back for {octets[:80]!r}")

    def numbers(self):
        """SND.NXT of the kernel, RCV.NXT, and the endpoint's MAC address, from what passes on the device now."""
        while True:
            try:
                self.sniffer.settimeout(0.01)
                self.sniffer.recv(65536)
            except OSError:
                break
        self.sniffer.settimeout(5)
        self.exchange(b"numbers")
        v6 = ":" in self.address
        found = None
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            frame = self.sniffer.recv(65536)
            at = 14 + (40 if v6 else 20)
            if len(frame) < at + 20 or frame[12:14] != (b"\x86\xdd" if v6 else b"\x08\0"):
                continue
            ports = struct.unpack("!HH", frame[at:at + 4])
            seq, ack = struct.unpack("!II", frame[at + 4:at + 12])
            if ports == (self.port, ECHO):
                found = (seq + len(b"numbers"), ack, frame[:12])
            elif ports == (ECHO, self.port) and found is not None and ack >= found[0] - 1:
                size = len(frame) - at - (frame[at + 12] >> 4) * 4
                if size == len(b"numbers"):  # the answer, not an acknowledgement before it
                    return found[0], seq + size, found[2]
        raise TimeoutError("no segment of the connection was seen")

    def forge(self, macs, seq, ack, flags, payload=b""):
        kind = b"\x86\xdd" if ":" in self.address else b"\x08\0"
        self.raw.send(macs + kind + segment(self.source, self.address, self.port, ECHO, seq, ack, flags, payload))

    def attack(self):
        rng = random.Random(1)
        seq, ack, macs = self.numbers()
        for offset in [1, 2, 100, 5000, -1, -1000, *(rng.randrange(2**32) for _ in range(2000))]:
            if offset % 2**32 == 0:
                continue
            self.forge(macs, seq + offset, 0, RST)
            self.forge(macs, seq + offset, ack, RST | ACK)
        self.exchange(b"after RSTs")
        seq, ack, macs = self.numbers()
        for offset in [0, 1, 100, -1, *(rng.randrange(2**32) for _ in range(500))]:
            self.forge(macs, seq + offset, 0, SYN)
            self.forge(macs, seq + offset, ack, SYN | ACK)
        self.exchange(b"after SYNs")
        seq, ack, macs = self.numbers()
        for offset in [0, 1, 7, 100]:  # the right place, with acknowledgements that the kernel cannot have sent
            for wrong in [1, 1000, -2**22, 2**31, *(rng.randrange(2**20, 2**31) for _ in range(50))]:
                self.forge(macs, seq + offset, ack + wrong, ACK | PSH, b"injected")
                self.forge(macs, seq + offset, ack + wrong, ACK | FIN)
        for _ in range(500):  # the wrong place, with the right one
            self.forge(macs, seq + rng.randrange(2**24, 2**32 - 2**24), ack, ACK | PSH, b"injected")
        for i in range(50):
            self.exchange(b"octets of ours " * 1000 + bytes([i]))

    def exact(self):
        """The one number that does count."""
        seq, _, macs = self.numbers()
        self.forge(macs, seq, 0, RST)
        time.sleep(0.2)


class Blind(unittest.TestCase):
    SETTINGS = ["tcp.keepalive=on", "tcp.keepalive_idle=1s", "tcp.keepalive_interval=500ms", "tcp.keepalive_probes=4",
                "neighbor.reachable=60s"]

    def setUp(self):
        self.endpoint = under_test.Endpoint(OPTIONS.programs, "tap", settings=self.SETTINGS, services=["echo:7"])
        self.endpoint.__enter__()
        self.addCleanup(lambda: self.endpoint.__exit__(*sys.exc_info()))

    def inside(self, *arguments, **options):
        return subprocess.Popen(["ip", "netns", "exec", self.endpoint.namespace, sys.executable, os.path.abspath(__file__),
                                 "--inside", *arguments], **options)

    def counter(self, name):
        return sum(shard["counters"][name] for shard in self.endpoint.ask("stats")["shards"])

    def live(self):
        rows = self.endpoint.ask("conns")
        rows = rows if isinstance(rows, list) else rows.get("connections", rows.get("rows"))
        return [row for row in rows if row["state"] != "TIME-WAIT"]

    def test_forged_segments_neither_kill_nor_corrupt(self):
        for address in (under_test.OURS4, under_test.OURS6):
            with self.subTest(address=address):
                resets = self.counter("tcp_resets_received")
                process = self.inside("attack", address, self.endpoint.device)
                self.assertEqual(process.wait(timeout=120), 0)
                self.assertEqual(self.counter("tcp_resets_received"), resets + 1, "the last, exact one")
                self.assertGreaterEqual(self.counter("tcp_challenge_acks_sent"), 10)
                self.assertGreater(self.counter("tcp_challenge_acks_limited"), 100)

    def test_keep_alive_finds_a_peer_that_has_gone(self):
        process = self.inside("hold", under_test.OURS4, self.endpoint.device, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "held\n")
        time.sleep(4)
        self.assertEqual(len(self.live()), 1, "the kernel answers probes")
        self.assertGreaterEqual(self.counter("tcp_keepalive_probes_sent"), 2)
        self.endpoint.run("ip", "link", "set", self.endpoint.device, "down")
        gone = time.monotonic()
        while self.live() and time.monotonic() - gone < 20:
            time.sleep(0.05)
        took = time.monotonic() - gone
        self.assertLess(took, 1 + 4 * 0.5 + 1.5, "idle + probes * interval, and a second for the measurement")
        self.assertGreater(took, 1.0, "not before the probes")
        self.assertEqual(self.counter("tcp_keepalive_timeouts"), 1)


def inside(what, address, device):
    attacker = Attacker(address, device)
    if what == "hold":
        print("held", flush=True)
        time.sleep(60)
        return
    attacker.attack()
    attacker.exact()


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--inside":
        return inside(*sys.argv[2:5])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="the folder of millrace and millracectl")
    parser.add_argument("tests", nargs="*", help="as unittest names them: Blind.test_keep_alive_finds_a_peer_that_has_gone")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("blind_test.py needs root for network namespaces and devices: run it as root")
    OPTIONS.__dict__.update(vars(arguments))
    unittest.main(argv=[sys.argv[0], "--verbose", *arguments.tests])
    return None


if __name__ == "__main__":
    main()

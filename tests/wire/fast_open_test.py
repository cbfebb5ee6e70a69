"""TCP Fast Open with the kernel (net.ipv4.tcp_fastopen): as our client and as our server, on a device in a namespace.

usage: fast_open_test.py --programs DIR [TEST...]
Needs root. Traffic stays inside a namespace of its own.
"""

import argparse
import json
import os
import select
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import endpoint as under_test  # noqa: E402

OPTIONS = argparse.Namespace()
ME = os.path.abspath(__file__)
ECHO, HTTP, PLAIN, KERNEL_ECHO = 7, 80, 8, 8007
MSG_FASTOPEN, TCP_FASTOPEN, TCPI_OPT_SYN_DATA = 0x20000000, 23, 32
BOTH = ((under_test.OURS4, under_test.KERNEL4), (under_test.OURS6, under_test.KERNEL6))


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def syn_data_acknowledged(connection):
    """TCP_INFO's option bits: data of the SYN was sent or received, and acknowledged."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5] & TCPI_OPT_SYN_DATA != 0


# ---- inside the namespace

def limit(connection):
    """A time limit that leaves the socket blocking: else the data of a SYN without a cookie is not queued at all."""
    ten_seconds = struct.pack("@ll", 10, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, ten_seconds)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, ten_seconds)


def client(address, port, octets):
    """One request with sendto(MSG_FASTOPEN) and its echo; says whether it went with the SYN."""
    request = os.urandom(int(octets))
    with socket.socket(family_of(address), socket.SOCK_STREAM) as connection:
        limit(connection)
        sent = connection.sendto(request, MSG_FASTOPEN, (address, int(port)))
        connection.sendall(request[sent:])
        answer = b""
        while len(answer) < len(request):
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
        print(json.dumps({"equal": answer == request, "syn_data": syn_data_acknowledged(connection)}))


def http_client(address):
    request = b"GET / HTTP/1.1\r\nHost: wire\r\nConnection: close\r\n\r\n"
    with socket.socket(family_of(address), socket.SOCK_STREAM) as connection:
        limit(connection)
        connection.sendto(request, MSG_FASTOPEN, (address, HTTP))
        answer = b""
        while (piece := connection.recv(65536)):
            answer += piece
        print(json.dumps({"equal": answer.startswith(b"HTTP/1.1 200 "), "syn_data": syn_data_acknowledged(connection)}))


def server(address):
    """An echo server with TCP_FASTOPEN; at the end of its input it says what it saw."""
    listener = socket.socket(family_of(address), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, KERNEL_ECHO))
    # Connections that end by RST, as those of our load generator do, stay charged for a while (RFC 7413 §5.1).
    listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 1024)
    listener.listen(1024)
    listener.settimeout(0.2)
    seen = {"accepted": 0, "syn_data": 0}
    print("ready", flush=True)
    while not select.select([0], [], [], 0)[0]:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        with connection:
            connection.settimeout(5)
            seen["accepted"] += 1
            seen["syn_data"] += syn_data_acknowledged(connection)
            try:
                while (piece := connection.recv(65536)):
                    connection.sendall(piece)
            except OSError:
                pass  # our load generator ends by RST
    print(json.dumps(seen))


# ---- outside

class FastOpen(unittest.TestCase):
    def setUp(self):
        self.endpoint = under_test.Endpoint(
            OPTIONS.programs, "af_packet", settings=["tcp.msl=1s"],
            services=[f"echo:{ECHO},fast_open=on", f"http:{HTTP},fast_open=on", f"discard:{PLAIN}"])
        self.endpoint.__enter__()
        self.addCleanup(lambda: self.endpoint.__exit__(None, None, None))
        self.endpoint.run("sysctl", "-qw", "net.ipv4.tcp_fastopen=3")

    def inside(self, *words):
        return ["ip", "netns", "exec", self.endpoint.namespace, sys.executable, ME, *map(str, words)]

    def ask(self, *words):
        done = subprocess.run(self.inside(*words), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def counters(self):
        return self.endpoint.ask("stats")["total"]["counters"]

    def test_kernel_as_client(self):
        """The first connection brings a cookie; the data of the others goes with the SYN and is echoed."""
        for ours, _ in BOTH:
            with self.subTest(address=ours):
                before = self.counters()
                self.assertEqual(self.ask("client", ours, ECHO, 300), {"equal": True, "syn_data": False})
                for octets in (1, 300, 1300, 20_000):
                    self.assertEqual(self.ask("client", ours, ECHO, octets), {"equal": True, "syn_data": True}, octets)
                after = self.counters()
                grown = {name: after[name] - before[name] for name in after if "fast_open" in name}
                self.assertEqual(grown["tcp_fast_open_cookies_granted"], 1)
                self.assertEqual(grown["tcp_fast_open_accepted"], 4)
                self.assertEqual(grown["tcp_fast_open_syn_data_accepted"], 4)
                self.assertEqual(grown["tcp_fast_open_rejected"], 0)

    def test_kernel_as_client_of_http(self):
        for ours, _ in BOTH:
            self.assertEqual(self.ask("http_client", ours), {"equal": True, "syn_data": False})
            self.assertEqual(self.ask("http_client", ours), {"equal": True, "syn_data": True})

    def test_service_without_it(self):
        """Off by default: the kernel's SYN asks and gets no cookie."""
        self.ask("client", under_test.OURS4, ECHO, 10)  # a cookie, which the kernel keeps for the address
        before = self.counters()["tcp_bytes_received"]
        connect = ("import socket; s = socket.socket(); s.sendto(b'x' * 100, 0x20000000, ('%s', %d)); "
                   "s.shutdown(socket.SHUT_WR); s.settimeout(5); assert s.recv(1) == b''" % (under_test.OURS4, PLAIN))
        self.endpoint.run(sys.executable, "-c", connect)
        after = self.counters()
        self.assertEqual(after["tcp_bytes_received"] - before, 100, "the data came after the handshake")
        self.assertEqual(after["tcp_fast_open_accepted"], 0)

    def test_restart_makes_new_cookies(self):
        """Keys are drawn at the start: the kernel's old cookie is refused, replaced, and the next one counts."""
        self.ask("client", under_test.OURS4, ECHO, 10)
        self.endpoint.stop()
        self.endpoint.serve()
        self.assertEqual(self.ask("client", under_test.OURS4, ECHO, 500), {"equal": True, "syn_data": False})
        self.assertEqual(self.counters()["tcp_fast_open_rejected"], 1)
        self.assertEqual(self.ask("client", under_test.OURS4, ECHO, 500), {"equal": True, "syn_data": True})

    def test_kernel_as_server(self):
        """`millrace load --fast-open`: what the kernel's own server and counters say of our SYNs."""
        self.endpoint.stop()
        for _, kernel in BOTH:
            with self.subTest(address=kernel):
                passive = self.kernel_counter("TCPFastOpenPassive")
                seen, result = self.load(kernel)
                connections = result["total"]["completed"] if "total" in result else seen["accepted"]
                self.assertGreater(seen["accepted"], 20, result)
                self.assertGreaterEqual(seen["syn_data"], seen["accepted"] - 8, "all but the first ones had a cookie")
                self.assertGreaterEqual(self.kernel_counter("TCPFastOpenPassive") - passive, seen["syn_data"])
                self.assertGreater(connections, 0)

    def load(self, kernel):
        """What the server saw, and the generator's result."""
        with subprocess.Popen(self.inside("server", kernel), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            target = f"[{kernel}]:{KERNEL_ECHO}" if ":" in kernel else f"{kernel}:{KERNEL_ECHO}"
            words = ["ip", "netns", "exec", self.endpoint.namespace, os.path.join(OPTIONS.programs, "millrace"), "load",
                     "--vdev", self.endpoint.link.vdev, "--address", f"{under_test.OURS4}/24",
                     "--address", f"{under_test.OURS6}/64", "--to", target, "--mode", "cps", "--protocol", "echo",
                     "--connections", "1", "--rate", "40", "--duration", "2s", "--warm-up", "0", "--fast-open", "on",
                     "--json", "--quiet", "--log-level", "error"]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            output, _ = process.communicate("q", timeout=20)
        self.assertIn("{", done.stdout, done.stderr)
        return json.loads(output), json.loads(done.stdout)

    def kernel_counter(self, name):
        lines = self.endpoint.run("cat", "/proc/net/netstat").stdout.splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            if name in names.split():
                return int(values.split()[names.split().index(name)])
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="the folder of millrace and millracectl")
    parser.add_argument("tests", nargs="*", help="as unittest names them: FastOpen.test_kernel_as_client")
    OPTIONS.__dict__.update(vars(parser.parse_args()))
    if os.geteuid() != 0:
        sys.exit("fast_open_test.py needs root for network namespaces and devices: run it as root")
    unittest.main(argv=[sys.argv[0], "--verbose", *OPTIONS.tests])


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in ("client", "http_client", "server"):
        globals()[sys.argv[1]](*sys.argv[2:])
    else:
        main()

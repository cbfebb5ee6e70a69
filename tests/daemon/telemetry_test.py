"""The counters through DPDK's telemetry socket: what its clients see, and clients that send nonsense."""

import json
import os
import shutil
import socket
import subprocess

import harness

WEB = ("--service", "http:80")


class Client:
    """One of DPDK's telemetry protocol: a command a datagram, JSON back."""

    def __init__(self, serve):
        self.path = f"/run/dpdk/{serve.file_prefix}/dpdk_telemetry.v2"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(20)
        self.socket.connect(self.path)
        self.most = json.loads(self.socket.recv(1024))["max_output_len"]

    def ask(self, command):
        self.socket.send(command.encode() if isinstance(command, str) else command)
        return json.loads(self.socket.recv(self.most))

    def close(self):
        self.socket.close()


class Telemetry(harness.DaemonTest):
    def start(self, *args):
        serve = self.serve_tap(*WEB, *args)
        client = Client(serve)
        self.addCleanup(client.close)
        return serve, client

    def stats(self, serve):
        done = subprocess.run([harness.MILLRACECTL, "--socket", serve.socket, "stats", "--json"], capture_output=True,
                              text=True, timeout=60, check=True)
        return json.loads(done.stdout)["total"]

    def test_figures_are_those_of_the_control_socket(self):
        serve, client = self.start()
        for _ in range(3):
            self.assert_page("http://10.99.0.2/")
        listed = client.ask("/")["/"]
        for command in ("/millrace/stats", "/millrace/drops", "/millrace/histograms"):
            self.assertIn(command, listed)
        stats, total = client.ask("/millrace/stats")["/millrace/stats"], self.stats(serve)
        self.assertEqual(set(stats), set(total["counters"]) | set(total["gauges"]))
        self.assertEqual(stats["tcp_passive_opens"], total["counters"]["tcp_passive_opens"])
        self.assertEqual(client.ask("/millrace/stats,0")["/millrace/stats"]["tcp_passive_opens"],
                         total["counters"]["tcp_passive_opens"])
        self.assertEqual(set(client.ask("/millrace/drops")["/millrace/drops"]), set(total["drops"]))
        histograms = client.ask("/millrace/histograms")["/millrace/histograms"]
        self.assertEqual(set(histograms), set(total["histograms"]))
        self.assertEqual(histograms["tcp_handshake_time_us"]["count"], 3)
        self.assertGreater(histograms["tcp_rtt_us"]["p99"], 0)
        self.assertEqual(client.ask("/millrace/services")["/millrace/services"], ["http-80"])
        service = client.ask("/millrace/service,http-80")["/millrace/service"]
        self.assertEqual((service["accepted"], service["requests"]), (3, 3))
        for params in ("", ",", ",http-8", ",http-80x", ",\\u0000", "," + "x" * 900):
            self.assertIsNone(client.ask("/millrace/service" + params)["/millrace/service"], params)
        self.assertEqual(serve.stop()[0], 0)
        self.assertEqual(serve.left_behind(), [])

    def test_nonsense_brings_nothing_and_breaks_nothing(self):
        serve, client = self.start()
        for params in ("1", "-1", "99999999999999999999", "0x0", "0,0", "zero", "0 ", "\\u0000", "x" * 900):
            self.assertIsNone(client.ask("/millrace/stats," + params)["/millrace/stats"], params)
        for raw in (b"/millrace/stats,\xff\xfe", b"\x00" * 1000, b"/millrace/" + b"x" * 1000):
            client.ask(raw)
        self.assertIn("rx_packets", client.ask("/millrace/stats,")["/millrace/stats"])
        self.assert_page("http://10.99.0.2/")
        self.assertEqual(serve.stop()[0], 0)

    def test_dpdks_own_client(self):
        script = shutil.which("dpdk-telemetry.py")
        if script is None:
            self.skipTest("dpdk-telemetry.py is not here: it comes with Debian's package dpdk-dev")
        serve, _ = self.start()
        done = subprocess.run([script, "-f", serve.file_prefix], input="/millrace/drops\nquit\n", capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertIn('"tcp_no_connection"', done.stdout, done.stderr)

    def test_switched_off_by_eals_argument(self):
        serve = self.serve_tap(*WEB, "--", "--no-telemetry")
        self.assertFalse(os.path.lexists(f"/run/dpdk/{serve.file_prefix}/dpdk_telemetry.v2"))
        self.assertEqual(serve.stop()[0], 0)


if __name__ == "__main__":
    harness.main()

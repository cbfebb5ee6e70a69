"""A configuration that changes while the endpoint runs: SIGHUP, `millracectl reload` and `config set`."""

import json
import os
import signal
import subprocess
import time

import harness

CONFIG = """[eal]
huge_pages = off
[port.tap]
vdev = net_tap0,iface=mrt0
mtu = {mtu}
[address]
add = 10.99.0.2/24
[tcp]
msl = {msl}
[memory]
rx_mbufs = 8192
tx_mbufs = 8192
[service.web]
kind = http
listen = 80
"""


class Change(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.count = 0

    def write(self, **values):
        with open(self.path, "w", encoding="ascii") as file:
            file.write(CONFIG.format(**{"mtu": 1500, "msl": "30s", **values}))

    def start(self):
        serve = harness.Serve(self.namespace)
        serve.process.kill()  # only its directory and names are wanted
        serve.process.communicate()
        self.addCleanup(serve.close)
        self.path = os.path.join(serve.directory, "endpoint.conf")
        self.write()
        serve.process = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace.name, harness.MILLRACE, "serve", "-c", self.path,
             "--control-socket", serve.socket, "--file-prefix", serve.file_prefix],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.endpoint = serve
        return serve.wait_ready()

    def ctl(self, *words):
        return subprocess.run([harness.MILLRACECTL, "--socket", self.endpoint.socket, *words], capture_output=True,
                              text=True, timeout=60, check=False)

    def value(self, key):
        done = self.ctl("config", "get", key, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["rows"][0]["value"]

    def test_reload_takes_what_is_live_and_lists_the_rest(self):
        serve = self.start()
        self.assertIn("says what it said before", self.ctl("reload").stdout)
        self.write(msl="5s", mtu=1400)
        checked = self.ctl("reload", "--check")
        self.assertEqual((checked.returncode, self.value("tcp.msl")), (0, "30s"), checked.stderr)
        self.assertIn("Would change at once:\n  tcp.msl: 30s -> 5s", checked.stdout)
        done = self.ctl("reload")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Changed, on every shard:\n  tcp.msl: 30s -> 5s", done.stdout)
        self.assertIn("Needs a restart, and is as it was:\n  port.tap.mtu: 1500 -> 1400", done.stdout)
        self.assertEqual((self.value("tcp.msl"), self.value("port.tap.mtu")), ("5s", "1500"))
        self.assertEqual(serve.stop()[0], 0)

    def test_a_file_with_one_mistake_changes_nothing(self):
        serve = self.start()
        self.write(msl="5s\nrto_mni = 1s")
        done = self.ctl("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn("endpoint.conf:10: tcp.rto_mni: unknown key; did you mean tcp.rto_min?", done.stderr)
        self.assertEqual(self.value("tcp.msl"), "30s")
        serve.signal(signal.SIGHUP)
        time.sleep(1)
        self.assertEqual(self.value("tcp.msl"), "30s")
        code, errors = serve.stop()
        self.assertEqual(code, 0, errors)
        self.assertIn("did you mean tcp.rto_min?; nothing is changed", errors)

    def test_sighup_reads_the_file_again(self):
        serve = self.start()
        self.write(msl="7s")
        serve.signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while self.value("tcp.msl") != "7s" and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(self.value("tcp.msl"), "7s")
        code, errors = serve.stop()
        self.assertEqual(code, 0, errors)
        self.assertIn("SIGHUP: tcp.msl: 30s -> 7s", errors)

    def test_set_lasts_until_the_next_reload(self):
        serve = self.start()
        self.assertEqual(self.ctl("config", "set", "tcp.msl", "9s").returncode, 0)
        self.assertEqual(self.ctl("log", "debug").returncode, 0)
        self.assertEqual((self.value("tcp.msl"), self.value("control.log_level")), ("9s", "debug"))
        for key, value, complaint in (("tcp.msl", "soon", "duration"), ("port.tap.mtu", "1400", "needs a restart"),
                                      ("tcp.rto_min", "50s", "must hold"), ("tcp.mls", "1s", "did you mean")):
            refused = self.ctl("config", "set", key, value)
            self.assertEqual(refused.returncode, 1, refused.stdout)
            self.assertIn(complaint, refused.stderr)
        self.assertIn("tcp.msl: 9s -> 30s", self.ctl("reload").stdout)
        self.assertEqual(self.value("tcp.msl"), "30s")
        self.assertEqual(serve.stop()[0], 0)

    def test_what_runs_can_be_looked_at(self):
        serve = self.start()
        self.namespace.ip("address", "add", "10.99.0.1/24", "dev", "mrt0")
        self.assert_page("http://10.99.0.2/")
        stream = self.namespace.connect("10.99.0.2", 80)
        rows = []
        deadline = time.monotonic() + 20  # the last ACK of the handshake is on its way
        while not rows and time.monotonic() < deadline:
            rows = json.loads(self.ctl("conns", "--json", "-f", "state = established").stdout)["rows"]
        self.assertEqual(len(rows), 1)
        shown = self.ctl("conn", rows[0]["id"])
        self.assertIn("ESTABLISHED", shown.stdout)
        self.assertEqual(self.ctl("kill", rows[0]["id"]).returncode, 0)
        with self.assertRaises(ConnectionResetError):
            stream.recv(1)
        self.assertIn("(on the link)", self.ctl("routes").stdout)
        self.assertIn("link up", self.ctl("ports").stdout)
        self.assertEqual(serve.stop()[0], 0)


if __name__ == "__main__":
    harness.main()

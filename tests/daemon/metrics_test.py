"""The counters for Prometheus: the page over HTTP and over a Unix socket, read by an OpenMetrics parser that is not
ours; the alert rules and the dashboard against it; and clients that mean ill."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import harness

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's modules, for another python3 too
try:
    from prometheus_client.openmetrics import parser
except ImportError:
    sys.exit("missing: an OpenMetrics parser; apt-get install python3-prometheus-client")

DEPLOY = os.path.join(os.environ.get("MILLRACE_SOURCE", "."), "deploy")
RULES = os.path.join(DEPLOY, "prometheus", "millrace.rules.yml")
DASHBOARD = os.path.join(DEPLOY, "grafana", "millrace.json")
URL = "http://127.0.0.1:9464/metrics"
WEB = ("--service", "http:80")


def promql_of_rules():
    """The expressions of the rules: `expr: X`, or what is indented below `expr: >`."""
    with open(RULES, encoding="ascii") as file:
        return re.findall(r"expr: (?:>\n\s+)?(.+)", file.read())


def promql_of_dashboard():
    with open(DASHBOARD, encoding="ascii") as file:
        panels = json.load(file)["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


class Metrics(harness.DaemonTest):
    def curl(self, *words):
        done = self.namespace.run("curl", "-sS", "--max-time", "20", *words, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def samples(self, page):
        """Name and labels to value; fails where the page breaks the format."""
        found = {}
        for family in parser.text_string_to_metric_families(page):
            self.assertNotEqual(family.documentation, "", family.name)
            for sample in family.samples:
                found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
        return found

    def ctl(self, serve, *words):
        return subprocess.run([harness.MILLRACECTL, "--socket", serve.socket, *words], capture_output=True, text=True,
                              timeout=60, check=False)

    def refused(self, *args, says):
        serve = self.serve("--vdev", "net_ring0", "--huge-pages", "off", "--address", "10.99.0.2/24", *WEB, *args)
        code, errors = serve.wait()
        self.assertEqual(code, 2, errors)
        self.assertEqual(len(errors.strip().splitlines()), 1, errors)
        self.assertIn(says, errors)

    def test_page_over_http_says_what_the_control_socket_says(self):
        serve = self.serve_tap(*WEB, "--metrics", "127.0.0.1:9464")
        self.assertIn(f"metrics    {URL}\n", serve.output)
        for _ in range(3):
            self.assert_page("http://10.99.0.2/")
        time.sleep(0.3)  # a page is handed out for a moment after it was made
        found = self.samples(self.curl(URL))
        stats = json.loads(self.ctl(serve, "stats", "--json").stdout)["shards"][0]
        shard = (("shard", "0"),)
        self.assertEqual(found["millrace_tcp_passive_opens_connections_total", shard],
                         stats["counters"]["tcp_passive_opens"])
        self.assertGreaterEqual(found["millrace_tcp_established_connections_total", shard], 3)
        self.assertEqual(found["millrace_port_link_up", (("port", "net_tap0"),)], 1)
        self.assertIn("application/openmetrics-text; version=1.0.0", self.curl("-I", URL))
        self.assertEqual(self.curl("-o", "/dev/null", "-w", "%{http_code}", URL + "/more"), "404")
        self.assertEqual(serve.stop()[0], 0)

    def test_histograms_on_every_way(self):
        serve = self.serve_tap(*WEB, "--metrics", "127.0.0.1:9464")
        for _ in range(3):
            self.assert_page("http://10.99.0.2/")
        found = self.samples(self.curl(URL))
        total = json.loads(self.ctl(serve, "stats", "--json").stdout)["total"]["histograms"]
        shard = (("shard", "0"),)
        for name in ("tcp_rtt", "tcp_handshake_time", "loop_time"):
            self.assertGreaterEqual(found[f"millrace_{name}_seconds_count", shard], 3, name)
            self.assertGreater(found[f"millrace_{name}_seconds_sum", shard], 0, name)
            self.assertGreaterEqual(total[name + "_us"]["count"], 3, name)
        self.assertGreaterEqual(found["millrace_rx_burst_packets_count", shard], 3)
        self.assertEqual(total["tcp_handshake_time_us"]["count"], 3)
        text = self.ctl(serve, "stats", "--histograms").stdout
        self.assertRegex(text, r"tcp_handshake_time +all +3 ")

    def test_services_and_ports_on_every_way(self):
        serve = self.serve_tap(*WEB, "--service", "echo:7", "--metrics", "127.0.0.1:9464")
        for _ in range(3):
            self.assert_page("http://10.99.0.2/")
        time.sleep(1.3)  # the port is read once a second
        found = self.samples(self.curl(URL))
        stats = json.loads(self.ctl(serve, "stats", "--json").stdout)
        services = {row["service"]: row for row in stats["services"]}
        self.assertEqual(set(services), {"", "http-80", "echo-7"})
        web = (("service", "http-80"), ("shard", "0"))
        self.assertEqual(services["http-80"]["counters"]["requests"], 3)
        self.assertEqual(found["millrace_service_requests_total", web], 3)
        self.assertEqual(found["millrace_service_sent_bytes_total", web], stats["total"]["counters"]["tcp_bytes_sent"])
        self.assertEqual(services["echo-7"]["counters"]["accepted"], 0)
        self.assertGreaterEqual(stats["ports"][0]["counters"]["rx_packets"], 9)
        self.assertGreaterEqual(found["millrace_port_rx_packets_total", (("port", "net_tap0"),)], 9)
        text = self.ctl(serve, "stats", "--by", "service").stdout
        self.assertRegex(text, r"http-80 +accepted +3 +connections")
        self.assertRegex(self.ctl(serve, "stats", "--by", "port").stdout, r"net_tap0 +rx_packets +\d+ +packets")
        lines = self.ctl(serve, "stats", "--by", "service", "--json", "--watch", "-i", "0.2", "-n", "2").stdout
        for line in lines.splitlines():
            rows = json.loads(line)["rows"]
            self.assertEqual({row["service"]: row["counters"]["accepted"]["change"] for row in rows},
                             {"": 0, "http-80": 0, "echo-7": 0})
        self.assertEqual(serve.stop()[0], 0)

    def test_page_over_ip6_and_over_a_unix_socket(self):
        serve = self.serve_tap(*WEB, "--metrics", "[::1]:9464")
        self.assertIn("millrace_uptime_seconds", self.curl("-g", "http://[::1]:9464/metrics"))
        self.assertEqual(serve.stop()[0], 0)
        path = os.path.join("/tmp", self.namespace.name + ".metrics")
        serve = self.serve_tap(*WEB, "--metrics", path, "--set", "control.mode=0600")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertTrue(self.samples(self.curl("--unix-socket", path, "http://x/metrics")))
        self.assertEqual(serve.stop()[0], 0)
        self.assertFalse(os.path.lexists(path))

    def test_off_unless_asked_for(self):
        serve = self.serve_tap(*WEB)
        with open(f"/proc/{serve.process.pid}/net/tcp", encoding="ascii") as file:
            listening = [row for row in file.read().splitlines()[1:] if row.split()[3] == "0A"]
        self.assertEqual(listening, [])
        self.assertNotIn("metrics", serve.output)

    def test_places_that_cannot_be(self):
        self.refused("--metrics", "0.0.0.0:9464", says="may be reached by other hosts")
        self.refused("--metrics", "9464", says="neither ADDRESS:PORT nor an absolute path")
        self.refused("--metrics", "192.0.2.1:9464", "--set", "control.metrics_remote=on",
                     says="Cannot assign requested address. Give control.metrics_listen another")
        with self.namespace.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
            taken.bind(("127.0.0.1", 9464))
            taken.listen()
            self.refused("--metrics", "127.0.0.1:9464", says="Address already in use")

    def test_a_change_needs_a_restart(self):
        serve = self.serve_tap(*WEB, "--metrics", "127.0.0.1:9464")
        done = self.ctl(serve, "config", "set", "control.metrics_listen", "127.0.0.1:9465")
        self.assertEqual(done.returncode, 1)
        self.assertIn("control.metrics_listen: a change needs a restart", done.stderr)

    def test_hostile_clients_hold_nobody(self):
        serve = self.serve_tap(*WEB, "--metrics", "127.0.0.1:9464")
        for number in range(60):
            hostile = self.namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
            hostile.setblocking(False)
            hostile.connect_ex(("127.0.0.1", 9464))
            time.sleep(0.002)
            try:  # the request is left unfinished, or the page unread, or it is no request
                hostile.send((b"GET /metrics HTTP/1.1\r\n", b"GET /metrics HTTP/1.1\r\n\r\n", b"\x00" * 9000)[number % 3])
            except OSError:
                pass
        self.assertEqual(self.ctl(serve, "version").returncode, 0)
        self.assert_page("http://10.99.0.2/")
        self.assertIn("# EOF\n", self.curl("--retry", "3", URL))
        self.assertEqual(serve.stop()[0], 0)

    def test_rules_and_dashboard_ask_for_what_there_is(self):
        self.serve_tap(*WEB, "--metrics", "127.0.0.1:9464")
        found = self.samples(self.curl(URL))
        names = {name for name, _ in found}
        reasons = {dict(labels).get("reason") for _, labels in found}
        rules, panels = promql_of_rules(), promql_of_dashboard()
        self.assertGreater(min(len(rules), len(panels)), 8)
        for expression in rules + panels:
            asked = set(re.findall(r"\bmillrace_\w+", expression))
            self.assertTrue(asked or expression.startswith("up{"), expression)
            self.assertEqual(asked - names, set(), expression)
            self.assertEqual(set(re.findall(r'reason="(\w+)"', expression)) - reasons, set(), expression)

    def test_rules_are_good(self):
        if shutil.which("promtool") is None:
            self.skipTest("promtool is not here: it comes with Debian's package prometheus")
        for check in (("rules", RULES), ("config", os.path.join(DEPLOY, "prometheus", "prometheus.yml"))):
            done = harness.sh("promtool", "check", *check, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()

"""`millrace load` against `millrace serve`, joined by memif: every mode, its result, its exit status, its end."""

import json
import os
import signal
import subprocess
import tempfile
import time

import harness

SERVICES = ("http:80", "echo:7", "discard:9", "chargen:19", "rpc:700")
CPUS = sorted(os.sched_getaffinity(0))


class Load:
    """One `millrace load`."""

    def __init__(self, serve, *args):
        words = ["ip", "netns", "exec", serve.namespace.name, harness.MILLRACE, "load",
                 "--vdev", f"net_memif0,role=client,id=0,socket={serve.directory}/link.sock", "--huge-pages", "off",
                 "--address", "10.98.0.1/24", "--address", "fd98::1/64", "--lcores", str(CPUS[-1]),
                 "--set", "memory.rx_mbufs=16384", "--log-level", "error", *args]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait(self, seconds=harness.START_SECONDS):
        try:
            output, errors = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, errors = self.process.communicate()
            raise AssertionError(f"did not end within {seconds} s: {output}{errors}") from None
        return self.process.returncode, output, errors


class LoadTest(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.server = None

    def serve_memif(self, *args):
        services = [word for service in SERVICES for word in ("--service", service)]
        directory = tempfile.mkdtemp(prefix="mr-")
        self.server = self.serve("--vdev", f"net_memif0,role=server,id=0,socket={directory}/link.sock",
                                 "--huge-pages", "off", "--address", "10.98.0.2/24", "--address", "fd98::2/64",
                                 "--lcores", str(CPUS[0]), *services, *args, directory=directory).wait_ready()
        return self.server

    def load(self, *args):
        time.sleep(0.2)  # the driver of a peer that has gone may have taken the server with it
        if self.server is None or self.server.process.poll() is not None:
            self.serve_memif()
        return Load(self.server, *args)

    def measure(self, *args, code=0):
        """The JSON of a load of about a second."""
        got, output, errors = self.load("--duration", "500ms", "--warm-up", "100ms", "--json", "--quiet", *args).wait()
        self.assertEqual(got, code, f"{args}: {output}{errors}")
        result = json.loads(output)
        self.assertEqual(result["verdict"]["reached"], code == 0, output)
        self.assertEqual(errors == "", code == 0, errors)
        self.assertAlmostEqual(result["elapsed_s"], 1, delta=0.5)
        return result

    def assert_clean(self, result):
        self.assertEqual(result["errors"]["total"], 0, result)

    def assert_percentiles(self, latency):
        values = [latency[name] for name in ("p50", "p90", "p99", "p99_9", "p99_99", "max")]
        self.assertEqual(values, sorted(values))
        self.assertGreater(latency["count"], 0)
        self.assertLessEqual(latency["mean"], latency["max"])


class Modes(LoadTest):
    def test_requests_of_every_protocol(self):
        for words in (("--to", "10.98.0.2:80"), ("--to", "[fd98::2]:80", "--depth", "4"),
                      ("--to", "10.98.0.2:700", "--protocol", "rpc", "--response-bytes", "2000", "--work", "10"),
                      ("--to", "10.98.0.2:7", "--protocol", "echo", "--request-bytes", "3000")):
            result = self.measure(*words, "--connections", "10")
            self.assert_clean(result)
            self.assert_percentiles(result["latency_us"])
            self.assertEqual(result["loop"], "closed")
            self.assertEqual(result["connections_open"], 10)
            self.assertGreater(result["requests_per_second"], 100)
            self.assertAlmostEqual(result["requests_per_second"], result["responses"] / result["elapsed_s"], delta=1)

    def test_open_loop_keeps_its_rate(self):
        for tries in range(5):  # two endpoints that poll, on a machine that others use as well
            try:
                result = self.measure("--to", "10.98.0.2:80", "--rate", "500", "--connections", "64")
                break
            except AssertionError:
                if tries == 4:
                    raise
        self.assertEqual(result["loop"], "open")
        self.assertAlmostEqual(result["requests_per_second"], 500, delta=25)

    def test_whole_connections(self):
        for close in ("server", "reset"):
            self.server = None  # TIME-WAIT of another process's connections would be in the way
            result = self.measure("--to", "10.98.0.2:80", "--mode", "cps", "--close", close, "--connections", "20")
            self.assert_clean(result)
            self.assertGreater(result["connections_per_second"], 100)
            self.assertLessEqual(abs(result["connections_completed"] - result["responses"]), 20)
            self.assert_percentiles(result["connect_latency_us"])

    def test_bulk_each_way(self):
        for direction, port in (("up", 9), ("down", 19), ("both", 7)):
            result = self.measure("--to", f"10.98.0.2:{port}", "--mode", "bulk", "--direction", direction,
                                  "--connections", "2")
            self.assert_clean(result)
            for key, used in (("sent_gbit_per_second", direction != "down"),
                              ("received_gbit_per_second", direction != "up")):
                self.assertEqual(result[key] > 0.01, used, (direction, key, result[key]))

    def test_connections_that_are_held(self):
        result = self.measure("--to", "10.98.0.2:80", "--mode", "concurrent", "--connections", "300", "--rate", "1000")
        self.assertEqual(result["connections_open"], 300)
        self.assertGreater(result["responses"], 200, "each is asked once")

    def test_handshakes(self):
        result = self.measure("--to", "10.98.0.2:80", "--mode", "handshake", "--connections", "20")
        self.assert_clean(result)
        self.assertGreater(result["connections_per_second"], 100)
        self.assertEqual(result["bytes_sent"] + result["bytes_received"], 0)

    def test_sources_and_their_ports(self):
        result = self.measure("--to", "10.98.0.2:80", "--to", "10.98.0.2:7", "--mode", "concurrent", "--protocol",
                              "discard", "--connections", "60", "--source", "10.98.0.10-10.98.0.12",
                              "--source-ports", "2000-2009")
        self.assertEqual(result["connections_open"], 60)
        self.assert_clean(result)

    def test_table_and_progress(self):
        code, output, errors = self.load("--to", "10.98.0.2:80", "--duration", "2500ms", "--warm-up", "0").wait()
        self.assertEqual(code, 0, errors)
        for word in ("requests", "latency", "p99.99", "connect", "errors       none", "reached"):
            self.assertIn(word, output)
        self.assertGreaterEqual(errors.count("requests/s"), 2, errors)
        self.assertIn("rps http to 10.98.0.2:80: 64 connections", errors.splitlines()[0])


class Faults(LoadTest):
    def test_rate_that_is_out_of_reach(self):
        result = self.measure("--to", "10.98.0.2:80", "--rate", "90000000", "--connections", "4", code=1)
        self.assertRegex(result["verdict"]["sentence"], r"reached \d+\.\d % of the rate: ")

    def test_nobody_listens(self):
        result = self.measure("--to", "10.98.0.2:81", code=1)
        self.assertIn("does anything listen on 10.98.0.2:81?", result["verdict"]["sentence"])
        self.assertGreater(result["errors"]["refused"], 0)

    def test_nobody_is_there(self):
        result = self.measure("--to", "10.98.0.77:80", code=1)
        self.assertIn("no neighbour answers", result["verdict"]["sentence"])

    def test_another_protocol(self):
        result = self.measure("--to", "10.98.0.2:19", "--protocol", "http", code=1)
        self.assertGreater(result["errors"]["malformed"], 0)

    def test_path_that_is_not_there(self):
        result = self.measure("--to", "10.98.0.2:80", "--path", "/nowhere", code=1)
        self.assertEqual(result["errors"]["status"], result["responses"])

    def test_ports_that_run_out(self):
        result = self.measure("--to", "10.98.0.2:80", "--mode", "cps", "--close", "client", "--rate", "1000",
                              "--connections", "10", "--source-ports", "3000-3049",
                              "--set", "tcp.time_wait_reuse=off", code=1)
        self.assertIn("the source ports ran out", result["verdict"]["sentence"])

    def test_ports_in_time_wait_are_taken_again(self):
        result = self.measure("--to", "10.98.0.2:80", "--mode", "cps", "--close", "client", "--rate", "200",
                              "--connections", "10", "--source-ports", "3000-3049")
        self.assert_clean(result)
        self.assertGreater(result["connections_completed"], 50, "more than there are ports")

    def test_interrupted_run_prints_its_result(self):
        load = self.load("--to", "10.98.0.2:80", "--duration", "60s", "--warm-up", "100ms", "--json")
        line = load.process.stderr.readline()
        self.assertIn("rps http", line)
        while "measured" not in load.process.stderr.readline():
            self.assertIsNone(load.process.poll())
        load.process.send_signal(signal.SIGINT)
        began = time.monotonic()
        code, output, errors = load.wait(20)
        self.assertLess(time.monotonic() - began, 15)
        result = json.loads(output)
        self.assertTrue(result["interrupted"])
        self.assertEqual(code, 0, errors)
        self.assertGreater(result["responses"], 0)

    def test_control_socket_answers_meanwhile(self):
        self.serve_memif()
        socket = os.path.join(self.server.directory, "load.sock")
        load = self.load("--to", "10.98.0.2:80", "--duration", "60s", "--quiet", "--control-socket", socket)
        deadline = time.monotonic() + harness.START_SECONDS
        while not os.path.exists(socket) and time.monotonic() < deadline:
            time.sleep(0.05)
        said = ""
        while "tcp_active_opens" not in said and time.monotonic() < deadline:  # its addresses are asked for first
            said = harness.sh(harness.MILLRACECTL, "--socket", socket, "stats").stdout
            time.sleep(0.1)
        self.assertIn("tcp_active_opens", said)
        load.process.send_signal(signal.SIGINT)
        self.assertEqual(load.wait(20)[0], 0)
        self.assertFalse(os.path.exists(socket))

    def test_bad_input_is_one_sentence(self):
        for words, says in (((), "no server: name one by --to"),
                            (("--to", "10.98.0.2"), "is not an address with a port"),
                            (("--to", "10.98.0.2:80", "--mode", "rsp"), "did you mean rps?"),
                            (("--to", "10.98.0.2:80", "--depht", "3"), "did you mean --depth?"),
                            (("--to", "10.98.0.2:80", "--mode", "cps", "--depth", "3"), "has no meaning with mode cps"),
                            (("--to", "10.98.0.2:80", "--service", "http:80"), "is an option of `millrace serve`"),
                            (("--to", "10.98.0.1:80"), "is this endpoint's own address"),
                            (("--to", "10.98.0.2:80", "--lcores", "1000"), "is already set by --lcores")):
            code, output, errors = self.load(*words).wait()
            self.assertEqual((code, output), (2, ""), errors)
            self.assertEqual(len(errors.strip().splitlines()), 1, errors)
            self.assertIn(says, errors)


if __name__ == "__main__":
    harness.main()

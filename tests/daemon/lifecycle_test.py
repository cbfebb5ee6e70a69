"""Start, stop, drain, second signal, crash: what remains is nothing."""

import os
import shutil
import signal
import tempfile
import time

import harness


class Lifecycle(harness.DaemonTest):
    def test_sigterm_ends_in_order_and_leaves_nothing(self):
        serve = self.serve_tap("--service", "http:80")
        self.assertIn("net_tap", serve.output)
        self.assert_page("http://10.99.0.2/", "http://[fd99::2]/")
        code, errors = serve.stop()
        self.assertEqual(code, 0, errors)
        self.assertEqual(serve.left_behind(), [])

    def test_sigint_is_as_good(self):
        serve = self.serve_tap("--service", "echo:7")
        serve.signal(signal.SIGINT)
        self.assertEqual(serve.wait()[0], 0)
        self.assertEqual(serve.left_behind(), [])

    def test_drain_finishes_idle_connections_and_refuses_new_ones(self):
        serve = self.serve_tap("--service", "echo:7", "--drain-timeout", "30s")
        client = self.namespace.connect("10.99.0.2", 7)
        client.sendall(b"before")
        self.assertEqual(client.recv(100), b"before")
        serve.signal()
        self.assertEqual(client.recv(100), b"", "the endpoint closes what is idle")
        with self.assertRaises(ConnectionRefusedError):
            self.namespace.connect("10.99.0.2", 7)
        client.close()
        code, errors = serve.wait(15)
        self.assertEqual(code, 0, errors)

    def test_drain_timeout_resets_who_stays(self):
        serve = self.serve_tap("--service", "echo:7", "--drain-timeout", "1s")
        client = self.namespace.connect("10.99.0.2", 7)
        began = time.monotonic()
        serve.signal()
        code, errors = serve.wait(15)
        self.assertEqual(code, 0, errors)
        self.assertGreater(time.monotonic() - began, 0.9)
        self.assertIn("drain_timeout is over", errors)
        self.assertEqual(client.recv(100), b"")
        with self.assertRaises(OSError):
            for _ in range(10):
                client.sendall(b"x")
                time.sleep(0.05)

    def test_second_signal_stops_at_once(self):
        serve = self.serve_tap("--service", "echo:7", "--drain-timeout", "60s")
        client = self.namespace.connect("10.99.0.2", 7)
        serve.signal()
        self.assertEqual(client.recv(100), b"")
        serve.signal()
        code, errors = serve.wait(5)
        self.assertEqual(code, 0, errors)
        self.assertIn("second signal", errors)
        self.assertEqual(serve.left_behind(), [])

    def key_file(self, text):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "fleet.key")
        self.write_key(path, text)
        return path

    def write_key(self, path, text):
        with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text)

    def test_sighup_reads_the_fleets_key_again(self):
        first, second = "01" * 31 + "02", "03" * 31 + "04"
        path = self.key_file(first)
        serve = self.serve_tap("--service", "http:80", "--set", f"fleet.key_file={path}",
                               "--set", "tcp.syn_cookies=always")
        self.assert_page("http://10.99.0.2/", "http://[fd99::2]/")
        for text in (second[:20], second + "\n" + first):
            self.write_key(path, text)
            serve.signal(signal.SIGHUP)
            time.sleep(0.5)
            self.assert_page("http://10.99.0.2/", "http://[fd99::2]/")
        code, errors = serve.stop()
        self.assertEqual(code, 0, errors)
        self.assertIn("fleet.key:1: 20 digits are too few", errors)
        self.assertIn("nothing is changed", errors)
        self.assertIn("was read again", errors)
        self.assertNotIn(second[:8], errors, "a secret is never shown")

    def test_a_key_that_others_can_read_is_refused(self):
        path = self.key_file("01" * 31 + "02")
        os.chmod(path, 0o644)
        serve = self.serve(*harness.TAP, "--service", "http:80", "--set", f"fleet.key_file={path}")
        code, errors = serve.wait()
        self.assertEqual(code, 2, errors)
        self.assertIn("chmod 600", errors)

    def test_crashed_run_does_not_stand_in_the_way(self):
        serve = self.serve_tap("--service", "http:80")
        serve.signal(signal.SIGKILL)
        serve.wait()
        self.assertTrue(os.path.exists(serve.socket), "a crash leaves the socket")
        again = self.serve_tap("--service", "http:80", directory=serve.directory, file_prefix=serve.file_prefix)
        self.assert_page("http://10.99.0.2/")
        self.assertEqual(again.stop()[0], 0)
        self.assertEqual(again.left_behind(), [])

    def test_sigterm_while_a_driver_waits_for_its_peer(self):
        path = os.path.join(tempfile.mkdtemp(), "vhost.sock")
        self.addCleanup(shutil.rmtree, os.path.dirname(path))
        serve = self.serve("--vdev", f"net_virtio_user0,path={path},server=1", "--address", "10.98.0.2/24",
                           "--service", "http:80", "--huge-pages", "off")
        deadline = time.monotonic() + harness.START_SECONDS
        while not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.05)
        serve.signal()
        self.assertEqual(serve.wait(10)[0], 1)

    def test_live_control_socket_is_not_taken(self):
        first = self.serve_tap("--service", "http:80")
        second = self.serve("--vdev", "net_ring0", "--address", "10.98.0.2/24", "--service", "http:80",
                            "--huge-pages", "off", directory=first.directory)
        code, errors = second.wait()
        self.assertEqual(code, 2, errors)
        self.assertEqual(len(errors.splitlines()), 1, errors)
        self.assert_page("http://10.99.0.2/")
        self.assertTrue(os.path.exists(first.socket))
        self.assertEqual(first.stop()[0], 0)

    def test_millracectl_asks_and_drains(self):
        if not os.path.exists(harness.MILLRACECTL):
            self.skipTest("millracectl is not part of this build")
        serve = self.serve_tap("--service", "http:80")
        self.assert_page("http://10.99.0.2/")
        stats = harness.sh(harness.MILLRACECTL, "--socket", serve.socket, "stats")
        self.assertIn("tcp_established", stats.stdout)
        harness.sh(harness.MILLRACECTL, "--socket", serve.socket, "drain")
        self.assertEqual(serve.wait(15)[0], 0)


if __name__ == "__main__":
    harness.main()

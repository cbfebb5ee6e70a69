"""`millracectl capture` on a live endpoint, read again by tshark: who says what, whole checksums, files, limits, ends."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import harness

OURS, KERNEL = "10.99.0.2", "10.99.0.1"
PATIENCE_SECONDS = 60
WEB = ("--service", "http:80")
SYN, SYN_ACK = "0x0002", "0x0012"


def tshark(path, *words):
    """Lines of tshark's output; it must have nothing to complain about."""
    done = subprocess.run(["tshark", "-n", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-r", path, *words],
                          capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    errors = [line for line in done.stderr.splitlines() if line and not line.startswith("Running as user")]
    if done.returncode != 0 or errors:
        raise AssertionError(f"tshark ended with {done.returncode}: {errors}")
    return done.stdout.splitlines()


def fields(path, *names, only="frame"):
    words = [word for name in names for word in ("-e", name)]
    return [line.split("\t") for line in tshark(path, "-T", "fields", *words, "-Y", only)]


class Capture(harness.DaemonTest):
    def words(self, serve, *words):
        return [harness.MILLRACECTL, "--socket", serve.socket, "capture", *words]

    def run_capture(self, serve, *words):
        done = subprocess.run(self.words(serve, *words), capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
                              cwd=serve.directory)
        return done.returncode, done.stdout, done.stderr

    def wait_for(self, what, condition):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def begin(self, serve, *words, first="c.pcapng"):
        """A capture that runs: the file has its header when the lcores copy."""
        path = os.path.join(serve.directory, first)
        process = subprocess.Popen(self.words(serve, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   cwd=serve.directory)
        self.addCleanup(self.kill, process)
        self.wait_for("the capture begins", lambda: process.poll() is not None or
                      (os.path.exists(path) and os.path.getsize(path) > 0))
        if process.poll() is not None:
            self.fail(f"ended with {process.returncode}: {process.communicate()}")
        return process, path

    def kill(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def end(self, process, number=signal.SIGINT):
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err

    def assert_sound(self, path):
        """Whole, with checksums that are right, nothing malformed, in the order of time."""
        self.assertEqual(fields(path, "frame.number", only="_ws.malformed or tcp.checksum.status == \"Bad\" or "
                                "ip.checksum.status == \"Bad\" or icmpv6.checksum.status == \"Bad\""), [])
        times = [float(row[0]) for row in fields(path, "frame.time_epoch")]
        self.assertEqual(times, sorted(times))

    def test_a_connection_both_ways_and_tshark_is_content(self):
        serve = self.serve_tap(*WEB)
        process, path = self.begin(serve, "tcp", "port", "80", "--write", "c.pcapng")
        began = time.time()
        self.assert_page(f"http://{OURS}/", "http://[fd99::2]/")
        code, out, err = self.end(process)
        self.assertEqual((code, err), (0, ""), out)
        self.assertIn(" frames of ", out)
        self.assertIn(": c.pcapng", out)
        self.assert_sound(path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        for ours, kernel, family in ((OURS, KERNEL, "ip"), ("fd99::2", "fd99::1", "ipv6")):
            rows = fields(path, f"{family}.src", "tcp.flags", "frame.packet_flags_direction", "tcp.checksum.status",
                          only=family)
            self.assertEqual(rows[0], [kernel, SYN, "0x00000001", "1"])
            self.assertEqual(rows[1], [ours, SYN_ACK, "0x00000002", "1"])
            self.assertEqual({row[2] for row in rows if row[0] == ours}, {"0x00000002"})
            self.assertEqual({row[3] for row in rows}, {"1"})  # every checksum there is was looked at, and is good
            self.assertTrue(any(int(row[1], 16) & 1 for row in rows if row[0] == ours), "our FIN")
        self.assertEqual({row[0] for row in fields(path, "http.response.code", only="http.response")}, {"200"})
        when = float(fields(path, "frame.time_epoch")[0][0])
        self.assertTrue(began - 5 < when < time.time() + 5, when)
        self.assertEqual(serve.stop()[0], 0)

    def test_what_the_file_says_of_itself(self):
        serve = self.serve_tap(*WEB)
        process, path = self.begin(serve, "icmp or arp", "-w", "c.pcapng", "-s", "60")
        self.assertTrue(self.namespace.ping(OURS))
        self.assertEqual(self.end(process)[0], 0)
        told = subprocess.run(["capinfos", path], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True).stdout
        for wanted in ("pcapng", "Millrace", "Name = net_tap0", "Filter string = icmp or arp", "Capture length = 60",
                       "Time precision = nanoseconds", "Number of stat entries = 1"):
            self.assertIn(wanted, told)
        sizes = fields(path, "frame.len", "frame.cap_len", only="icmp")
        self.assertEqual(sizes, [["106", "60"], ["106", "60"]])
        self.assertEqual(serve.stop()[0], 0)

    def test_filter_direction_count_and_duration(self):
        serve = self.serve_tap(*WEB)
        process, path = self.begin(serve, "tcp[tcpflags] & tcp-syn != 0", "--direction", "out", "--write", "c.pcapng", "--json",
                                   "--count", "2")
        for _ in range(3):
            self.assert_page(f"http://{OURS}/")
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        self.assertEqual((process.returncode, err), (0, ""))
        told = json.loads(out)
        self.assertEqual((told["frames"], told["dropped"], told["files"], told["removed_files"]), (2, 0, ["c.pcapng"], 0))
        self.assertEqual(fields(path, "ip.src", "tcp.flags"), [[OURS, SYN_ACK]] * 2)
        code, out, err = self.run_capture(serve, "udp", "--duration", "300ms")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^0 frames of 0.00 MiB in \d+\.\d s: millrace-\d{8}T\d{6}Z.pcapng\n$")
        self.assertEqual(tshark(os.path.join(serve.directory, out.split(": ")[1].strip())), [])
        self.assertEqual(serve.stop()[0], 0)

    def test_standard_output_into_a_pipe(self):
        serve = self.serve_tap(*WEB)
        with subprocess.Popen(self.words(serve, "tcp", "-c", "3", "--write", "-"), stdout=subprocess.PIPE) as writer, \
             subprocess.Popen(["tshark", "-n", "-r", "-", "-T", "fields", "-e", "tcp.flags"], stdin=writer.stdout,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as reader:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while writer.poll() is None and time.monotonic() < deadline:
                self.assert_page(f"http://{OURS}/")
            shown, _ = reader.communicate(timeout=PATIENCE_SECONDS)
            self.assertEqual(writer.wait(PATIENCE_SECONDS), 0)
        self.assertEqual(len(shown.splitlines()), 3)
        self.assertEqual(serve.stop()[0], 0)

    def test_a_ring_of_files_keeps_the_last(self):
        serve = self.serve_tap("--service", "chargen:19")
        size = 256 * 1024
        process, _ = self.begin(serve, "--write", "ring.pcapng", "--file-size", "256KiB", "--files", "3",
                                first="ring-00001.pcapng")
        with self.namespace.connect(OURS, 19, timeout=PATIENCE_SECONDS) as stream:
            got = 0
            while got < 8 * size:
                got += len(stream.recv(65536))
        # Its files have passed on when one looks: 6 may be gone already.
        self.wait_for("the ring turns", lambda: any("ring-00006" <= name for name in os.listdir(serve.directory)
                                                    if name.startswith("ring-")))
        code, out, err = self.end(process, signal.SIGTERM)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("and 2 before it", out)
        names = sorted(name for name in os.listdir(serve.directory) if name.startswith("ring-"))
        self.assertEqual(len(names), 3)
        last = 0.0
        for name in names:
            path = os.path.join(serve.directory, name)
            self.assertLessEqual(os.path.getsize(path), size)
            self.assert_sound(path)
            times = [float(row[0]) for row in fields(path, "frame.time_epoch")]
            self.assertGreaterEqual(times[0], last)
            last = times[-1]
        self.assertEqual(serve.stop()[0], 0)

    def test_one_at_a_time_and_who_dies_makes_room(self):
        serve = self.serve_tap(*WEB)
        process, path = self.begin(serve, "--write", "c.pcapng")
        code, out, err = self.run_capture(serve, "--write", "d.pcapng")
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err, "millracectl: A capture is running, and there is one at a time: end that one first.\n")
        self.assertFalse(os.path.exists(os.path.join(serve.directory, "d.pcapng")))
        self.assert_page(f"http://{OURS}/")
        process.kill()
        process.communicate()
        self.assert_page(f"http://{OURS}/")
        tshark(path)
        self.wait_for("room for another", lambda: self.run_capture(serve, "-d", "100ms", "-w", "e.pcapng")[0] == 0)
        self.assertEqual(serve.stop()[0], 0)

    def test_a_client_that_does_not_read_costs_frames_and_they_are_told(self):
        """Stopped, it takes none; the endpoint serves on, and what found no room is counted."""
        serve = self.serve_tap("--service", "chargen:19", *WEB)
        process, path = self.begin(serve, "--write", "c.pcapng")
        process.send_signal(signal.SIGSTOP)
        with self.namespace.connect(OURS, 19, timeout=PATIENCE_SECONDS) as stream:
            got = 0
            while got < 8 << 20:  # more than a lane and all sockets hold
                got += len(stream.recv(65536))
        self.assert_page(f"http://{OURS}/")
        process.send_signal(signal.SIGCONT)
        code, out, err = self.end(process)
        self.assertEqual((code, err), (0, ""), out)
        self.assertRegex(out, r"\n[1-9]\d* more were wanted and found no room")
        self.assert_sound(path)
        self.assertEqual(serve.stop()[0], 0)

    def test_an_endpoint_that_stops_leaves_a_whole_file(self):
        serve = self.serve_tap(*WEB)
        process, path = self.begin(serve, "--write", "c.pcapng")
        self.assert_page(f"http://{OURS}/")
        self.assertEqual(serve.stop()[0], 0)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        self.assertEqual((process.returncode, err), (1, "millracectl: The capture ended early: the endpoint stops.\n"), out)
        self.assert_sound(path)
        self.assertTrue(fields(path, "http.response.code", only="http.response"))
        self.assertEqual(serve.left_behind(), [])

    def test_a_file_that_cannot_grow_ends_whole(self):
        serve = self.serve_tap("--service", "chargen:19")
        small = os.path.join(serve.directory, "small")
        os.mkdir(small)
        harness.sh("mount", "-t", "tmpfs", "-o", "size=1m", "none", small)
        self.addCleanup(harness.sh, "umount", small, check=False)
        process, path = self.begin(serve, "--write", "small/c.pcapng", first="small/c.pcapng")
        with self.namespace.connect(OURS, 19, timeout=PATIENCE_SECONDS) as stream:
            got = 0
            while got < 4 << 20:
                got += len(stream.recv(65536))
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
        self.assertEqual(process.returncode, 1)
        self.assertIn("No space left on device", err)
        self.assertEqual(len(err.splitlines()), 1)
        self.assert_sound(path)
        self.assertEqual(serve.stop()[0], 0)

    def test_bad_input_is_one_sentence(self):
        serve = self.serve_tap(*WEB)
        for words, wanted in ((("tcp prot 80",), "pcap-filter(7)"), (("--snap-length", "0"), "snap_length"),
                              (("--count", "-1"), "count"), (("--duration", "soon"), "30s"), (("--duration", "0"), "30s"),
                              (("--file-size", "1MiB"), "go together"), (("--files", "3"), "go together"),
                              (("--files", "3", "--file-size", "1"), "128KiB"), (("--direction", "up"), "in, out or both"),
                              (("--files", "3", "--file-size", "1MiB", "-w", "-"), "no ring"), (("--json", "-w", "-"), "--json"),
                              (("-w", "no/where/c.pcapng"), "cannot be made"), (("-w", ""), "--write"),
                              (("--nonsense",), "no option"), ((" or ".join(["tcp port 1"] * 600),), "octets")):
            code, out, err = self.run_capture(serve, *words)
            self.assertEqual((code, out), (2, ""), f"{words}: {err}")
            self.assertEqual(len(err.splitlines()), 1, err)
            self.assertIn(wanted, err)
        for words, wanted in ((("--port", "p9"), "net_tap0"), ((" or ".join(f"port {n}" for n in range(1, 200)),), "instructions")):
            code, out, err = self.run_capture(serve, *words)
            self.assertEqual((code, out), (1, ""), f"{words}: {err}")
            self.assertEqual(len(err.splitlines()), 1, err)
            self.assertIn(wanted, err)
        self.assertEqual([name for name in os.listdir(serve.directory) if name.endswith(".pcapng")], [])
        self.assert_page(f"http://{OURS}/")
        self.assertEqual(serve.stop()[0], 0)

    def test_hostile_clients_break_nothing(self):
        """What no millracectl sends: programs of nonsense, more requests behind the last, a connection cut at once."""
        serve = self.serve_tap(*WEB)

        def ask(*lines):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE_SECONDS)
                client.connect(serve.socket)
                client.sendall("".join(line + "\n" for line in lines).encode())
                client.shutdown(socket.SHUT_WR)
                got = b""
                while chunk := client.recv(65536):
                    got += chunk
                return got

        request = '{{"id":1,"method":"capture","params":{{"program":"{}"}}}}'
        for program in ("0", "1", "1,", "1,6 0 0", "1,6 0 0 0 0", "1,5 0 0 0", "1,5 0 0 4294967295", "2,5 0 0 4294967295,6 0 0 0",
                        "1,0 0 0 0", "1,6 0 0 99999999999", "999,6 0 0 0", "x", "1,6 -1 0 0", "2,2 0 0 16,6 0 0 0", "1,65535 0 0 0"):
            self.assertIn(b'"bad_params"', ask(request.format(program)), program)
        for _ in range(20):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(serve.socket)
                client.sendall(b'{"method":"capture"}\n{"method":"stats"}\n' + b"x" * 1000)
            self.assert_page(f"http://{OURS}/")

        def ended():
            got = ask('{"id":7,"method":"capture"}', '{"id":8,"method":"stats"}')
            captured = b"\x0a\x0d\x0d\x0a" in got  # else one of them is not over yet
            self.assertEqual(b'"id":8' in got, not captured)
            return captured

        self.wait_for("an orderly capture after all of them", ended)
        self.assertEqual(serve.stop()[0], 0)

    def test_several_lcores_in_one_file(self):
        serve = self.serve_tap(*WEB, "--lcores", "0,1")
        process, path = self.begin(serve, "tcp", "--write", "c.pcapng")
        for _ in range(8):
            self.assert_page(f"http://{OURS}/")
        self.assertEqual(self.end(process)[0], 0)
        self.assert_sound(path)
        self.assertEqual(len(fields(path, "frame.number", only=f"tcp.flags == {SYN}")), 8)
        self.assertEqual(len(fields(path, "frame.number", only=f"tcp.flags == {SYN_ACK}")), 8)
        self.assertEqual(serve.stop()[0], 0)


if __name__ == "__main__":
    if shutil.which("tshark") is None:
        sys.exit("missing: tshark; apt-get install tshark")
    harness.main()

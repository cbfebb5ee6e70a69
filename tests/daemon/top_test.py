"""`millracectl top` on a terminal (tmux), and as text where there is none."""

import json
import os
import subprocess
import sys
import shutil
import time

import harness


class Screen:
    """A terminal of a fixed size in which a program runs; what it leaves behind is shown once it has ended."""

    def __init__(self, directory, *words, columns=120, rows=40):
        self.server = os.path.join(directory, "tmux")
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", "-c",
                  'echo before; "$@"; echo "ended with $?"; sleep 600', "sh", *words)

    def tmux(self, *words):
        environment = dict(os.environ, TERM="xterm")
        environment.pop("TMUX", None)
        return subprocess.run(["tmux", "-S", self.server, "-f", "/dev/null", *words], capture_output=True, text=True,
                              check=True, env=environment).stdout

    def text(self):
        return self.tmux("capture-pane", "-p")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def wait_for(self, *texts, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            shown = self.text()
            if all(text in shown for text in texts):
                return shown
            time.sleep(0.1)
        raise AssertionError(f"not seen within {seconds} s: {texts} in\n{self.text()}")

    def close(self):
        self.tmux("kill-server")


class Top(harness.DaemonTest):
    def screen(self, serve, *words, **more):
        screen = Screen(serve.directory, harness.MILLRACECTL, "--socket", serve.socket, "top", "--interval", "0.2", *words, **more)
        self.addCleanup(screen.close)
        return screen

    def ctl(self, serve, *words):
        return subprocess.run([harness.MILLRACECTL, "--socket", serve.socket, *words], capture_output=True, text=True,
                              timeout=60, check=False, stdin=subprocess.DEVNULL)

    def test_shows_what_happens_and_obeys_keys(self):
        serve = self.serve_tap("--service", "http:80")
        screen = self.screen(serve)
        first = screen.wait_for("segments a second", "LCORE", "Connections by rate: none", "q quit")
        self.assertNotIn("before", first)  # a screen of its own
        kept = self.namespace.connect("10.99.0.2", 80)
        screen.wait_for("10.99.0.2:80", "ESTABLISHED")
        deadline = time.monotonic() + 60
        while "segments a second          0 in" in screen.text() and time.monotonic() < deadline:
            self.assert_page("http://10.99.0.2/")
        self.assertNotIn("segments a second          0 in", screen.text())
        screen.press("s")
        screen.wait_for("Connections by age:", "10.99.0.2:80")
        kept.close()
        screen.press("q")
        screen.wait_for("before", "ended with 0")
        self.assertEqual(serve.stop()[0], 0)

    def test_fits_whatever_room_there_is(self):
        serve = self.serve_tap("--service", "http:80")
        screen = self.screen(serve, columns=50, rows=8)
        shown = screen.wait_for("segments a second", "q quit")
        self.assertIn("q quit", shown.rstrip("\n").splitlines()[-1])
        self.assertTrue(shown.startswith("millrace "), shown)
        screen.press("C-c")
        screen.wait_for("before", "ended with 0")
        self.assertEqual(serve.stop()[0], 0)

    def test_an_endpoint_that_ends_gives_the_terminal_back(self):
        serve = self.serve_tap("--service", "http:80")
        screen = self.screen(serve)
        screen.wait_for("segments a second")
        self.assertEqual(serve.stop()[0], 0)
        screen.wait_for("before", "millracectl: ", "ended with 3")

    def test_without_a_terminal_it_is_text_or_json(self):
        serve = self.serve_tap("--service", "http:80")
        kept = self.namespace.connect("10.99.0.2", 80)
        text = self.ctl(serve, "top", "-i", "0.2")
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        self.assertTrue(text.stdout.startswith("millrace "), text.stdout)
        self.assertNotIn("\033", text.stdout)
        lines = self.ctl(serve, "--json", "top", "-i", "0.2", "--count", "2").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        view = json.loads(lines[1])
        self.assertEqual(len(view["shards"]), 1)
        self.assertTrue(0 <= view["shards"][0]["busy_share"] <= 1)
        self.assertEqual(view["connections"][0]["local_port"], 80)
        kept.close()
        self.assertEqual(serve.stop()[0], 0)


if __name__ == "__main__":
    if shutil.which("tmux") is None:
        sys.exit("missing: tmux; apt-get install tmux")
    harness.main()

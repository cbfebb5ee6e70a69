"""bench/endpoint/run: a quick run fills its table, and an interrupted one takes everything down. bench/control/run: a
quick one fills its own.

usage: bench_test.py --source DIR --programs DIR
"""

import argparse
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

GIVEN = None
QUICK_SECONDS = 90  # on a machine that has nothing else to do


def left_behind():
    """What a run makes on the host: namespaces, directories, EAL's files."""
    names = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout.split()
    return sorted([name for name in names if name.startswith("mrbench-")] +
                  glob.glob("/tmp/mrbench-*") + glob.glob("/run/dpdk/mrbench-*") + glob.glob("/dev/hugepages/*mrbench-*"))


class Bench(unittest.TestCase):
    def setUp(self):
        self.before = left_behind()

    def command(self, *words, bench="endpoint"):
        return [sys.executable, os.path.join(GIVEN.source, "bench", bench, "run"), "--programs", GIVEN.programs, *words]

    def assert_clean(self):
        self.assertEqual([name for name in left_behind() if name not in self.before], [])

    def test_a_quick_run_fills_every_row(self):
        with tempfile.TemporaryDirectory(prefix="bench-test-") as directory:
            path = os.path.join(directory, "result.json")
            start = time.monotonic()
            done = subprocess.run(self.command("--quick", "--json", path, "--svg", directory), check=False,
                                  capture_output=True, text=True, timeout=3 * QUICK_SECONDS)
            took = time.monotonic() - start
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertLess(took, 2 * QUICK_SECONDS)
            with open(path, encoding="utf-8") as file:
                result = json.load(file)
            self.assertEqual(len(glob.glob(os.path.join(directory, "*.svg"))), len(result["blocks"]))
        servers = {row["server"] for block in result["blocks"] for row in block["rows"]}
        self.assertEqual(servers, {"millrace", "kernel", "testpmd"})
        for block in result["blocks"]:
            for row in block["rows"]:
                for key, cell in row["figures"].items():
                    self.assertTrue(cell and cell["median"] > 0, f"{block['name']} {row['server']} {row['link']}: {key}")
        self.assert_clean()

    def test_an_interrupted_run_takes_everything_down(self):
        run = subprocess.Popen(self.command("--links", "memif", "--measures", "rps-64", "--seconds", "30"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            time.sleep(4)
            self.assertEqual(len([name for name in left_behind() if name.startswith("mrbench-")]), 2, "it is under way")
            run.send_signal(signal.SIGINT)
            _, errors = run.communicate(timeout=30)
        finally:
            if run.poll() is None:
                run.kill()
                run.communicate()
        self.assertEqual(run.returncode, 1, errors)
        self.assertIn("interrupted", errors)
        self.assert_clean()

    def test_questions_are_answered_while_the_server_is_busy(self):
        with tempfile.TemporaryDirectory(prefix="bench-test-") as directory:
            path = os.path.join(directory, "result.json")
            done = subprocess.run(self.command("--rounds", "1", "--seconds", "1", "--json", path, bench="control"),
                                  check=False, capture_output=True, text=True, timeout=QUICK_SECONDS)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with open(path, encoding="utf-8") as file:
                rows = json.load(file)["rows"]
        self.assertEqual((rows[0]["asked"], rows[0]["answers"], rows[0]["ratio"]), ("nobody", 0, 1))
        for row in rows[1:]:
            self.assertGreater(min(row["answers"], row["ratio"], row["answer_ms"]["p50"]), 0, row)
        self.assert_clean()

    def test_a_wrong_word_is_a_sentence_and_exit_2(self):
        done = subprocess.run(self.command("--links", "bridge"), check=False, capture_output=True, text=True, timeout=20)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn("no link 'bridge'", done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True)
    parser.add_argument("--programs", required=True)
    GIVEN, rest = parser.parse_known_args()
    if os.geteuid() != 0:
        sys.exit("the benchmark makes network namespaces: run this test as root")
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)

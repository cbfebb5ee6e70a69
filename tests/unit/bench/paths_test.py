"""bench/paths: cells, theory, figures, floors, tables and plots. Runs no experiment but by a stand-in."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

BENCH = os.path.join(os.environ["MILLRACE_SOURCE"], "bench")
for folder in ("common", "paths"):
    sys.path.insert(0, os.path.join(BENCH, folder))

import cells
import figures
import floors
import kernel
import report
from cells import WEATHERS, Path, Weather

LOSSY = next(weather for weather in WEATHERS if weather.loss == 0.01)
MACHINE = {"cpu": "a CPU", "cpus": 2, "virtualization": "none", "kernel": "6", "dpdk": "22", "huge_pages": "none",
           "governor": "unknown", "revision": "abc", "load_before": 0.1, "load_after": 0.2}


def told(flows=((1000, 10_000),), **more):
    return {"flows": [{"controller": "newreno", "warm_up_bytes": warm, "measured_bytes": octets} for warm, octets in flows],
            "warm_up_s": 1.0, "measured_s": 2.0, "sent_segments": 200, "retransmitted_segments": 10, "spurious_segments": 2,
            "timeouts": 3, "queue_mean_us": 1500.0, "resumed_s": 0.5, "recovered_s": -1.0, "closed": False} | more


class Cells(unittest.TestCase):
    def test_every_rate_round_trip_weather_and_controller_is_there_once(self):
        made = cells.path_cells(["newreno", "cubic"], quick=False)
        self.assertEqual(len(made), 2 * 3 * 3 * 6)
        self.assertEqual(len({cell.name for cell in cells.cells(["newreno", "cubic", "bbr"], False)}),
                         len(cells.cells(["newreno", "cubic", "bbr"], False)))

    def test_quick_leaves_out_what_holds_the_most_and_is_not_held_down_by_loss(self):
        names = {cell.name for cell in cells.path_cells(["newreno"], quick=True)}
        self.assertNotIn("newreno: 10 Gbit/s, 100 ms, clean", names)
        self.assertIn("newreno: 10 Gbit/s, 100 ms, loss 1 %", names)

    def test_link_holds_a_bandwidth_delay_product(self):
        self.assertEqual(Path(10**8, 100_000).link(), "rate=100000000,delay=50000us,limit=826")
        self.assertEqual(Path(10**6, 100).link(), "rate=1000000,delay=50us,limit=32")

    def test_reordering_is_by_half_a_round_trip_or_three_frames(self):
        weather = next(weather for weather in WEATHERS if "reorder" in weather.impairments)
        self.assertIn("reorder=1%,reorder-by=50000us", Path(10**8, 100_000, weather).link())
        self.assertIn("reorder-by=36336us", Path(10**6, 100, weather).link())

    def test_pairs_of_controllers_share_a_bottleneck(self):
        mixes = [cell.flows for cell in cells.share_cells(["newreno", "cubic"], quick=True)]
        self.assertIn(("newreno",) * 10, mixes)
        self.assertIn(("newreno", "cubic"), mixes)
        self.assertIn(("newreno",) * 5 + ("cubic",) * 5, mixes)


class Theory(unittest.TestCase):
    def test_without_loss_the_path_is_the_bound(self):
        cell = cells.path_cells(["newreno"], True)[0]
        self.assertEqual(cell.theory(0), cell.path.allows)
        self.assertAlmostEqual(Path(10**6, 100).allows, 10**6 / 8 * 1448 / 1514)

    def test_mathis(self):
        self.assertAlmostEqual(cells.window_of("newreno", Path(10**10, 100_000, LOSSY), 0.1), 12.247, 3)

    def test_cubic_is_never_less_than_reno(self):
        self.assertEqual(cells.window_of("cubic", Path(10**8, 100, LOSSY), 0.0001),
                         cells.window_of("newreno", Path(10**8, 100, LOSSY), 0.0001))
        # RFC 9438 §5.1, table 1 (C = 0.4, 100 ms): 187 segments at 10^-4, 12 as Reno at 10^-2.
        rare = Weather("rare", loss=1e-4)
        self.assertEqual(round(cells.window_of("cubic", Path(10**8, 100_000, rare), 0.1)), 187)
        self.assertEqual(round(cells.window_of("cubic", Path(10**8, 100_000, LOSSY), 0.1)), 12)


class Figures(unittest.TestCase):
    def test_path(self):
        cell = next(cell for cell in cells.path_cells(["newreno"], True) if cell.path.weather is LOSSY)
        taken = figures.take(cell, told())
        self.assertAlmostEqual(taken["goodput"], 100 * 5000 / cell.path.allows)
        self.assertAlmostEqual(taken["start"], 100 * 1000 / cell.path.allows)
        self.assertEqual((taken["retransmitted"], taken["spurious"], taken["timeouts"], taken["queue_ms"]), (5, 1, 3, 1.5))

    def test_jain(self):
        self.assertEqual(figures.jain([5, 5, 5, 5]), 1)
        self.assertEqual(figures.jain([5, 0, 0, 0]), 0.25)
        self.assertEqual(figures.jain([0, 0]), 0)

    def test_share_of_the_first_controller(self):
        cell = cells.Cell("share", Path(10**8, 100), ("newreno", "cubic"), 1, 1)
        flows = [{"controller": "newreno", "warm_up_bytes": 0, "measured_bytes": 100},
                 {"controller": "cubic", "warm_up_bytes": 0, "measured_bytes": 300}]
        self.assertEqual(figures.take(cell, told() | {"flows": flows})["first_share"], 25)

    def test_an_outage_that_never_ends_is_the_longest(self):
        cell = cells.outage_cells(["newreno"], True)[0]
        self.assertEqual(figures.take(cell, told()), {"resumed_s": 0.5, "recovered_s": 60})

    def test_worst_is_the_least_of_goodput_and_the_most_of_the_rest(self):
        cell = cells.path_cells(["newreno"], True)[0]
        one, two = figures.take(cell, told()), figures.take(cell, told([(0, 5000)], timeouts=9))
        self.assertEqual(figures.worst("path", [one, two])["goodput"], two["goodput"])
        self.assertEqual(figures.worst("path", [one, two])["timeouts"], 9)
        self.assertEqual(figures.middle([one, two, two])["timeouts"], 9)


class Floors(unittest.TestCase):
    def test_more_and_less_each_in_its_direction(self):
        taken = figures.take(cells.path_cells(["newreno"], True)[0], told())
        self.assertEqual(floors.shortfalls("path", "it", taken, taken), [])
        self.assertEqual(floors.shortfalls("path", "it", taken, {}), [], "what was never recorded")
        self.assertEqual(len(floors.shortfalls("path", "it", taken, taken | {"goodput": 2 * taken["goodput"] + 10})), 1)
        self.assertEqual(len(floors.shortfalls("path", "it", taken, taken | {"goodput": 0, "timeouts": 0})), 1)

    def test_there_is_slack(self):
        figure = figures.PATH[0]
        self.assertAlmostEqual(floors.limit_of(figure, 80), 80 - 0.5 - 4)


class Output(unittest.TestCase):
    def result(self, quick=True):
        plan = cells.cells(["newreno", "cubic"], quick)
        shown = [{"kind": cell.kind, "name": cell.name, "rate": cell.path.rate, "rtt_us": cell.path.rtt_us,
                  "weather": cell.path.weather.name, "flows": list(cell.flows), "figures": figures.take(cell, told()),
                  "seeds": []} for cell in plan]
        return {"machine": MACHINE, "settings": {"quick": quick, "seeds": [1]}, "warnings": [],
                "controllers": ["newreno", "cubic"], "cells": shown, "shortfalls": ["a: b"]}

    def test_tables_name_paths_controllers_and_shortfalls(self):
        text, markdown = report.text(self.result()), report.markdown(self.result())
        for word in ("10 Gbit/s, 100 ms", "loss 0.1 %", "cubic: retransmitted", "Jain's index", "1 s of outage", "a: b"):
            self.assertIn(word, text)
            self.assertIn(word, markdown)

    def test_plots_have_a_box_a_cell(self):
        for figure in figures.PATH:
            root = xml.etree.ElementTree.fromstring(report.plot(self.result(quick=False), figure))
            boxes = list(root.iter("{http://www.w3.org/2000/svg}rect"))
            self.assertEqual(len(boxes), 1 + 2 * 54)


class Kernel(unittest.TestCase):
    @staticmethod
    def rounds(*rates, spurious=0):
        return [{"rate": rate, "segments": 1000, "retransmitted": 10, "spurious": spurious} for rate in rates]

    def test_bound_is_below_the_ratio_and_there_is_none_of_one_round(self):
        self.assertIsNone(kernel.lower_bound([1.0]))
        self.assertAlmostEqual(kernel.lower_bound([1.0, 1.0, 1.0]), 1.0)
        self.assertLess(kernel.lower_bound([0.9, 1.0, 1.1]), 0.95)
        self.assertGreater(kernel.lower_bound([0.99, 1.0, 1.01, 1.0, 1.0] * 5), 0.99)

    def test_row_is_short_of_goodput_or_by_what_was_sent_for_nothing(self):
        cell = cells.Cell("kernel", Path(10**8, 10_000), ("cubic",), 0, 0)
        for ours, theirs, short in ((self.rounds(100, 101, 99), self.rounds(100, 100, 100), False),
                                    (self.rounds(90, 91, 90), self.rounds(100, 100, 100), True),
                                    (self.rounds(100, 101, 100, spurious=9), self.rounds(99, 100, 99, spurious=2), True),
                                    # 9 against 6 of 3000 segments each may be chance, and so may 1 against none.
                                    (self.rounds(100, 101, 100, spurious=3), self.rounds(99, 100, 99, spurious=2), False),
                                    (self.rounds(100, spurious=1) * 3, self.rounds(100) * 3, False),
                                    (self.rounds(90), self.rounds(100), False)):
            row = kernel.row_of(cell, ours, theirs)
            self.assertEqual(row["short"], short)
            self.assertEqual(len(kernel.words_of(row)), len(kernel.HEAD))
        self.assertIn("cubic: 100 Mbit/s, 10 ms, clean", kernel.text([row]))
        self.assertIn("| cubic: 100 Mbit/s, 10 ms, clean |", kernel.markdown([row]))

    def test_plan_has_what_the_kernel_knows(self):
        self.assertEqual({cell.flows for cell in kernel.plan(["newreno", "nobody's"])} - {("newreno",)}, set())


STAND_IN = """#!/bin/sh
if [ "$1" = --controllers ]; then echo newreno; exit; fi
cat {answer}
"""


class Program(unittest.TestCase):
    """`run` with a program that answers the same to everything."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        with open(self.path("answer"), "w", encoding="utf-8") as file:
            json.dump(told(), file)
        with open(self.path("program"), "w", encoding="utf-8") as file:
            file.write(STAND_IN.format(answer=self.path("answer")))
        os.chmod(self.path("program"), 0o755)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def run_it(self, *words):
        return subprocess.run([sys.executable, os.path.join(BENCH, "paths", "run"), "--quick", "--only", "1 Mbit/s, 0.1 ms",
                               "--program", self.path("program"), "--floors", self.path("floors"), *words],
                              check=False, capture_output=True, text=True)

    def test_recorded_floors_hold_and_a_worse_figure_falls_short(self):
        done = self.run_it("--record", "--seeds", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_it("--json", self.path("json"), "--markdown", self.path("markdown"), "--svg", self.path("svg"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("json"), encoding="utf-8") as file:
            self.assertEqual(len(json.load(file)["cells"]), 6)
        self.assertEqual(len(os.listdir(self.path("svg"))), len(figures.PATH))
        with open(self.path("answer"), "w", encoding="utf-8") as file:
            json.dump(told([(0, 5000)]), file)
        done = self.run_it()
        self.assertEqual(done.returncode, 1)
        self.assertIn("fall short", done.stderr)
        self.assertIn("Short of its floor: newreno: 1 Mbit/s, 0.1 ms, clean: goodput", done.stdout)

    def test_a_connection_that_ends_is_a_failure(self):
        with open(self.path("answer"), "w", encoding="utf-8") as file:
            json.dump(told(closed=True), file)
        done = self.run_it()
        self.assertEqual((done.returncode, "ended on the way" in done.stderr), (2, True))

    def test_words_that_make_no_sense_are_told(self):
        for words in (["--controllers", "vegas"], ["--only", "("], ["--only", "no such cell"], ["--seeds", "0"], ["--colour"],
                      ["--program", "/nowhere"], ["--kernel", "--cpus", "x"], ["--seconds", "0"]):
            done = self.run_it(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr.startswith("run: "), done.stderr)


if __name__ == "__main__":
    unittest.main()

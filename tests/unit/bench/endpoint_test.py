"""bench/endpoint: statistics, parsers, the command line, the table and the plots. Needs no root."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

for folder in ("common", "endpoint"):
    sys.path.insert(0, os.path.join(os.environ["MILLRACE_SOURCE"], "bench", folder))

import clients
import machine
import options
import past
import report
import svg
import table
import testpmd
from measures import MEASURES, Pair, baseline, pairs
from scene import BenchError
from servers import fill
from stats import Spread, ratios, short, spread

OURS, KERNEL, BARE = (Pair(server, "af_packet", client)
                      for server, client in (("millrace", "millrace"), ("kernel", "millrace"), ("testpmd", "testpmd")))
LOAD = {"verdict": {"reached": True, "sentence": "fine"}, "requests_per_second": 1000.0, "connections_per_second": 50.0,
        "sent_gbit_per_second": 1.0, "received_gbit_per_second": 2.0,
        "latency_us": {"p50": 10, "p99": 20, "p99_9": 30}}


class Statistics(unittest.TestCase):
    def test_spread_leaves_out_rounds_without_a_figure(self):
        self.assertEqual(spread([3, None, 1, 2]), Spread(2, 1, 3))
        self.assertIsNone(spread([None, None]))

    def test_ratios_are_taken_round_by_round(self):
        # The medians' ratio would be 2 / 2.
        self.assertEqual(ratios([2, 8, 1], [1, 2, 4]), Spread(2, 0.25, 4))

    def test_ratios_leave_out_rounds_in_which_either_failed(self):
        self.assertEqual(ratios([2, None, 6, 9], [1, 2, None, 0]), Spread(2, 2, 2))
        self.assertIsNone(ratios([None], [1]))

    def test_short_has_three_digits_or_so(self):
        for value, text in ((1234567, "1.23 M"), (537073.3, "537 k"), (12345, "12.3 k"), (9943, "9943"), (0.1234, "0.12"),
                            (15.63, "15.6"), (3, "3"), (3.0, "3.00"), (None, "-")):
            self.assertEqual(short(value), text)


class Parsers(unittest.TestCase):
    def test_millrace_gives_the_rate_of_its_mode(self):
        text = json.dumps(LOAD)
        self.assertEqual(clients.parse_millrace(text, MEASURES["rps-64"]),
                         {"per_s": 1000, "p50_us": 10, "p99_us": 20, "p99_9_us": 30})
        self.assertEqual(clients.parse_millrace(text, MEASURES["cps-64"])["per_s"], 50)
        self.assertEqual(clients.parse_millrace(text, MEASURES["bulk-up-1"]), {"gbit_per_s": 1})
        self.assertEqual(clients.parse_millrace(text, MEASURES["bulk-down-16"]), {"gbit_per_s": 2})

    def test_a_load_that_missed_its_rate_leaves_a_remark(self):
        text = json.dumps(LOAD | {"verdict": {"reached": False, "sentence": "the server is slower"}})
        self.assertEqual(clients.parse_millrace(text, MEASURES["latency-rate"]).remarks, ["the server is slower"])

    def test_wrk_gives_the_line_of_its_script_behind_its_page(self):
        text = ("Running 1s test\n  64 connections\n" +
                '{"requests": 500, "bytes": 1, "elapsed_s": 0.5, "p50_us": 1, "p99_us": 2, "p99_9_us": 3, "errors": 4}\n')
        result = clients.parse_kernel(text, MEASURES["rps-64"])
        self.assertEqual(result, {"per_s": 1000, "p50_us": 1, "p99_us": 2, "p99_9_us": 3})
        self.assertEqual(result.remarks, ["wrk counted 4 errors"])

    def test_wrk_without_a_result_is_an_error_with_its_words(self):
        with self.assertRaisesRegex(BenchError, "unable to connect"):
            clients.parse_kernel("unable to connect to 10.0.0.2:80", MEASURES["rps-64"])

    def test_the_kernels_bulk_is_gigabits_a_second(self):
        result = clients.parse_kernel('{"octets": 2500000000, "elapsed_s": 2.0}\n', MEASURES["bulk-up-1"])
        self.assertEqual(result, {"gbit_per_s": 10})

    def test_outside_clients_are_read_by_the_users_expression(self):
        self.assertEqual(clients.parse_outside("rps 1,234.5\nrps 12k\n", r"rps (\S+)"), {"per_s": 12000})
        with self.assertRaisesRegex(BenchError, "matches"):
            clients.parse_outside("nothing", r"rps (\S+)")
        with self.assertRaisesRegex(BenchError, "no number"):
            clients.parse_outside("rps fast", r"rps (\S+)")

    def test_testpmd_gives_the_last_rate(self):
        text = "  Rx-pps:            0          Rx-bps:            0\n  Rx-pps:      1816051          Rx-bps:    871704576\n"
        self.assertEqual(testpmd.last_rate(text, "Rx"), 1816051)
        with self.assertRaises(BenchError):
            testpmd.last_rate("testpmd> ", "Rx")

    def test_cpu_share_looks_at_the_window_alone(self):
        samples = [(0.0, 0.0), (1.0, 5.0), (2.0, 5.5), (3.0, 6.0), (4.0, 9.0)]
        self.assertEqual(clients.cpu_share(samples, 3.0, 2.0), 0.5)
        self.assertIsNone(clients.cpu_share(samples, 3.0, 0.5))

    def test_cpu_time_comes_to_seconds_a_million_and_a_gigabyte(self):
        self.assertEqual(clients.with_cpu({"per_s": 500_000}, 0.5)["cpu_s_per_million"], 1)
        self.assertEqual(clients.with_cpu({"gbit_per_s": 16}, 1.0)["cpu_s_per_gigabyte"], 0.5)
        self.assertEqual(clients.with_cpu({"per_s": 1}, None), {"per_s": 1})

    def test_machine_reads_the_kernels_pages(self):
        self.assertEqual(machine.cpu_model("processor\t: 0\nmodel name\t: Some CPU\n"), "Some CPU")
        self.assertEqual(machine.huge_pages("HugePages_Total:    8\nHugePages_Free:    5\nHugepagesize:   2048 kB\n"),
                         (8, 5, 2 << 20))


class Rows(unittest.TestCase):
    def test_every_pair_stands_on_a_link_that_has_its_ends(self):
        made = pairs(["memif", "af_packet", "tap", "veth"])
        self.assertIn(OURS, made)
        self.assertIn(Pair("kernel", "veth", "kernel"), made)
        self.assertNotIn(Pair("kernel", "memif", "millrace"), made)
        self.assertNotIn(Pair("kernel", "tap", "millrace"), made)
        self.assertNotIn(Pair("millrace", "veth", "millrace"), made)

    def test_frames_are_the_bare_drivers_alone_and_open_loops_ours(self):
        self.assertTrue(BARE.takes(MEASURES["frames-64"]))
        self.assertFalse(BARE.takes(MEASURES["rps-64"]))
        self.assertFalse(OURS.takes(MEASURES["frames-64"]))
        self.assertFalse(Pair("kernel", "veth", "kernel").takes(MEASURES["latency-rate"]))

    def test_baseline_is_the_kernel_with_the_same_client(self):
        wrk_on_veth = Pair("kernel", "veth", "kernel")
        rows = [OURS, KERNEL, wrk_on_veth]
        self.assertEqual(baseline(OURS, rows), KERNEL)
        self.assertEqual(baseline(Pair("millrace", "memif", "millrace"), rows), KERNEL)
        self.assertEqual(baseline(Pair("millrace", "tap", "kernel"), rows), wrk_on_veth)
        for row in (KERNEL, wrk_on_veth, BARE):
            self.assertIsNone(baseline(row, rows), row)

    def test_baseline_is_an_outside_server_where_there_is_one(self):
        other = Pair("other", "memif", "millrace")
        rows = [Pair("millrace", "memif", "millrace"), other, OURS, KERNEL]
        self.assertEqual(baseline(rows[0], rows, ("other",)), other)
        self.assertEqual(baseline(OURS, rows, ("other",)), KERNEL)
        self.assertEqual(baseline(other, rows, ("other",)), KERNEL)

    def test_an_earlier_build_stands_beside_ours_and_is_what_ours_is_compared_with(self):
        rows = pairs(["memif", "af_packet"], before=True)
        for row in [row for row in rows if row.server == "millrace"]:
            self.assertEqual(baseline(row, rows, ("other",)), Pair("before", row.link, row.client))
            self.assertNotEqual(baseline(Pair("before", row.link, row.client), rows), row)
        self.assertNotIn("before", {row.server for row in pairs(["memif"])})


class CommandLine(unittest.TestCase):
    def refused(self, *words):
        with self.assertRaises(options.UsageError) as caught:
            options.parse(words)
        return str(caught.exception)

    def test_quick_is_small_and_can_be_made_larger(self):
        quick = options.parse(["--quick"])
        self.assertEqual((quick.rounds, quick.seconds), (1, 1))
        self.assertEqual(options.parse(["--quick", "--rounds", "3"]).rounds, 3)
        self.assertEqual(options.parse([]).rounds, 5)

    def test_what_is_wrong_is_named(self):
        self.assertIn("no link 'bridge'", self.refused("--links", "memif,bridge"))
        self.assertIn("no measure 'mps'", self.refused("--measures", "mps"))
        self.assertIn("--rounds takes 1 or more, not 0", self.refused("--rounds", "0"))
        self.assertIn("--cpus takes two numbers", self.refused("--cpus", "0"))
        self.assertIn("NAME=COMMAND", self.refused("--outside", "command"))
        self.assertIn("'kernel' is taken", self.refused("--outside", "kernel=x"))
        self.assertIn("no group", self.refused("--outside-parse", "rps"))
        self.assertIn("no regular expression", self.refused("--outside-parse", "("))
        self.assertIn("known are {socket}", self.refused("--outside", "other=serve {sockets}"))
        self.assertIn("--help", self.refused("--wrong"))

    def test_outside_programs_become_rows(self):
        settings = options.parse(["--links", "memif", "--outside", "other=serve {socket}", "--outside", "web@veth=httpd",
                                  "--outside-client", "asker=ask {address}"])
        other = Pair("other", "memif", "millrace")
        asker = Pair("millrace", "memif", "asker")
        for row in (other, Pair("web", "veth", "kernel"), asker):
            self.assertIn(row, settings.pairs)
        self.assertTrue(settings.takes(other, MEASURES["cps-1"]))
        self.assertFalse(settings.takes(other, MEASURES["bulk-up-1"]))
        self.assertTrue(settings.takes(asker, MEASURES["rps-64"]))
        self.assertFalse(settings.takes(asker, MEASURES["cps-64"]))

    def test_placeholders_are_filled_and_unknown_ones_named(self):
        self.assertEqual(fill("serve '{socket}' --cpu {cpu}", socket="/a b", cpu=1), ["serve", "/a b", "--cpu", "1"])
        with self.assertRaisesRegex(BenchError, "known are {socket}"):
            fill("serve {sockets}", socket="/a")


def built():
    """Two rounds; the second of ours failed."""
    measure = MEASURES["rps-64"]
    taken = {(measure.name, OURS): [clients.Result({"per_s": 3000, "p50_us": 5}), BenchError("a < b | c")],
             (measure.name, KERNEL): [clients.Result({"per_s": 1000}), clients.Result({"per_s": 2000})]}
    blocks = report.build([OURS, KERNEL, BARE], [measure, MEASURES["cps-1"]], taken)
    facts = {"cpus": 2, "cpu": "Some CPU", "virtualization": "none", "kernel": "6", "dpdk": "22.11", "huge_pages": "none",
             "governor": "unknown", "revision": "abc", "load_before": 3.0, "load_after": 2.0}
    return {"machine": facts, "settings": options.parse([]).shown(), "warnings": machine.warnings(facts, [0, 1]),
            "blocks": blocks}


class Output(unittest.TestCase):
    def test_report_has_medians_ratios_and_failures(self):
        blocks = built()["blocks"]
        self.assertEqual([block["name"] for block in blocks], ["rps-64"], "blocks without rows are left out")
        ours, kernel = blocks[0]["rows"]
        self.assertEqual(ours["figures"]["per_s"], {"median": 3000, "min": 3000, "max": 3000, "rounds": [3000, None]})
        self.assertEqual(ours["ratio"], {"to": str(KERNEL), "median": 3, "min": 3, "max": 3})
        self.assertIsNone(kernel["ratio"])
        self.assertEqual(kernel["figures"]["per_s"]["median"], 1500)
        self.assertEqual(report.failures(blocks), [("rps-64", ours)])

    def test_text_names_machine_warning_ratio_and_failure(self):
        text = table.text(built())
        for part in ("Some CPU", "Warning: the load average was 3.0", "x 3.00 a", "a: ratio to kernel, af_packet, millrace",
                     "1500 (1000 to 2000)", "round 2: failed: a < b | c"):
            self.assertIn(part, text)

    def test_markdown_rows_have_as_many_cells_as_their_head(self):
        lines = [line for line in table.markdown(built()).splitlines() if line.startswith("|")]
        self.assertEqual(len(lines), 4)
        self.assertEqual({line.count("|") for line in lines}, {lines[0].count("|")})

    def test_extremes_beside_the_first_figure_are_markdowns_alone(self):
        result = built()
        result["blocks"][0]["rows"][1]["figures"]["p50_us"] = {"median": 7, "min": 6, "max": 9, "rounds": []}
        self.assertIn("7 (6 to 9)", table.markdown(result))
        self.assertNotIn("7 (6 to 9)", table.text(result))
        self.assertIn("  7  ", table.text(result))

    def test_json_can_be_written(self):
        self.assertEqual(json.loads(json.dumps(built()))["blocks"][0]["name"], "rps-64")

    def test_plot_is_xml_with_a_bar_a_row_as_long_as_its_figure(self):
        root = xml.etree.ElementTree.fromstring(svg.plot(built()["blocks"][0]))
        space = "{http://www.w3.org/2000/svg}"
        bars = [float(bar.get("width")) for bar in root.iter(space + "rect") if bar.get("height") == str(svg.BAR)]
        self.assertEqual(len(bars), 2)
        self.assertAlmostEqual(bars[0] / bars[1], 2, places=2)
        words = [text.text for text in root.iter(space + "text")]
        for part in ("requests/s, 64 connections", "requests/s", "kernel / af_packet / millrace", "3000"):
            self.assertIn(part, words)

    def test_plot_escapes_what_it_names(self):
        block = built()["blocks"][0]
        block["title"] = block["rows"][0]["server"] = "a < b & c"
        words = [text.text for text in xml.etree.ElementTree.fromstring(svg.plot(block)).iter()]
        self.assertIn("a < b & c", words)
        self.assertIn("a < b & c / af_packet / millrace", words)

    def test_plot_of_failures_alone_says_so(self):
        block = built()["blocks"][0]
        for row in block["rows"]:
            row["figures"]["per_s"] = None
        self.assertIn("failed", svg.plot(block))

    def test_axis_has_round_steps(self):
        self.assertEqual(svg.ticks(0.9), [0.2 * i for i in range(6)])
        self.assertEqual(svg.ticks(2_070_000), [i * 500_000 for i in range(6)])
        self.assertEqual(svg.ticks(5)[-1], 5)


class Past(unittest.TestCase):
    @staticmethod
    def ratio(low, high):
        return {"to": "before, memif, millrace", "median": (low + high) / 2, "min": low, "max": high}

    def shown(self, *lines):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write("".join(line + "\n" for line in lines))
            file.flush()
            words = [sys.executable, os.path.join(os.environ["MILLRACE_SOURCE"], "bench", "endpoint", "history"), file.name]
            return subprocess.run(words, check=False, capture_output=True, text=True, timeout=30)

    def test_a_figure_has_moved_where_five_rounds_of_turns_agree(self):
        self.assertEqual(past.moved(self.ratio(1.01, 1.2), 5), 1)
        self.assertEqual(past.moved(self.ratio(0.8, 0.99), 5), -1)
        self.assertEqual(past.moved(self.ratio(0.99, 1.2), 5), 0)
        self.assertEqual(past.moved(self.ratio(1.01, 1.2), 4), 0)
        self.assertEqual(past.moved(self.ratio(3, 4) | {"to": str(KERNEL)}, 5), 0)
        self.assertEqual(past.moved(None, 5), 0)

    def test_a_run_is_kept_and_shown(self):
        made = past.entry(built(), "0123abc")
        self.assertEqual(list(made["figures"]), ["rps-64, af_packet, millrace"])
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "history.jsonl")
            past.add(path, made)
            past.add(path, made | {"revision": "def"})
            self.assertEqual([entry["revision"] for entry in past.read(path)], ["abc", "def"])
        done = self.shown(json.dumps(made))
        self.assertEqual(done.returncode, 0, done.stderr)
        for part in ("cpu Some CPU", "abc beside 0123abc", "3000 requests/s", "x 3.00"):
            self.assertIn(part, done.stdout)

    def test_a_line_that_is_no_entry_is_named(self):
        done = self.shown(json.dumps(past.entry(built(), None)), "{}")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^history: .*\.jsonl:2: this line is no entry of")

if __name__ == "__main__":
    unittest.main()

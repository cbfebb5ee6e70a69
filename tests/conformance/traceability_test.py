#!/usr/bin/env python3
"""What check_traceability finds wrong, on pages, results and sources made up for it."""

import importlib.machinery
import importlib.util
import json
import os
import tempfile
import unittest
from pathlib import Path

LOADER = importlib.machinery.SourceFileLoader("check_traceability", str(Path(__file__).with_name("check_traceability")))
SPEC = importlib.util.spec_from_loader("check_traceability", LOADER)
check = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(check)

HEAD = "| id | requirement | room | status | shown by |\n| --- | --- | --- | --- | --- |\n"


class Traceability(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = Path(folder.name)
        check.ROOT, check.HERE = root, root / "tests" / "conformance"
        for part in ("tests/conformance", "tests/unit/far", "dataplane/tcp", "build/tests/conformance", "build/tests/wire"):
            (root / part).mkdir(parents=True)
        (root / "dataplane/tcp/ack.h").touch()
        (root / "tests/unit/far/far_test.cpp").write_text("TEST(Far, Off) {}\n")
        (check.HERE / "deviations.md").write_text("## known\n")
        self.build = root / "build"
        self.program = self.build / "tests/conformance_rfc"
        self.results = self.build / "tests/results.json"
        (self.build / "tests/conformance/CTestTestfile.cmake").write_text(
            f'add_test([=[conformance_rfc]=] "{self.program}" "--gtest_output=json:{self.results}")\n')
        (self.build / "tests/wire/CTestTestfile.cmake").write_text(
            'add_test([=[wire_tap]=] "x")\nset_tests_properties([=[wire_tap]=] PROPERTIES  LABELS "wire")\n'
            'add_test([=[wire_off]=] "x")\nset_tests_properties([=[wire_off]=] PROPERTIES  DISABLED "TRUE")\n'
            'add_test([=[wire_days]=] "x")\nset_tests_properties([=[wire_days]=] PROPERTIES  LABELS "wire;long")\n')
        self.write_results()

    def write_results(self, **of_case):
        case = {"name": "Answers/v4", "status": "RUN", "result": "COMPLETED", **of_case}
        self.program.touch()
        self.results.write_text(json.dumps({"testsuites": [{"name": "Rfc/Suite", "testsuite": [case]}]}))

    def found(self, row, ran=None):
        (check.HERE / "rfc1.md").write_text(HEAD + row + "\n")
        rows = [r for page in check.pages() for r in check.rows_of(page)]
        (check.HERE / "README.md").write_text(check.rendered(rows))
        return list(check.mistakes(rows, check.Tests(self.build, ran)))

    def shown_by(self, name, ran=None):
        return self.found(f"| S1-1 | what is owed | `tcp/ack` | tested | `{name}` |", ran)

    def test_a_case_that_ran_is_found_by_each_of_its_names(self):
        for name in ("Suite.Answers/v4", "Suite.Answers/*", "Suite.Answers", "v4", "far: Far.Off"):
            self.assertEqual(self.shown_by(name), [], name)

    def test_a_case_that_does_not_exist(self):
        for name in ("Suite.Nothing", "far: Far.Nothing", "nowhere: A.B", "wire: wire_nothing"):
            self.assertEqual(len(self.shown_by(name)), 1, name)

    def test_a_case_that_did_not_run(self):
        for of_case in ({"status": "NOTRUN", "result": "SUPPRESSED"}, {"result": "SKIPPED"}, {"failures": [{}]}):
            self.write_results(**of_case)
            self.assertEqual(len(self.shown_by("Suite.Answers/*")), 1, of_case)

    def test_a_program_that_did_not_run_or_was_built_since(self):
        os.utime(self.results, (1, 1))
        self.assertIn("built anew", self.shown_by("Suite.Answers/*")[0])
        self.results.unlink()
        self.assertEqual(len(self.shown_by("Suite.Answers/*")), 1)

    def test_other_programs_by_what_ctest_wrote(self):
        junit = self.build / "ctest.xml"
        junit.write_text('<testsuite><testcase name="wire_tap" status="run"/></testsuite>')
        self.assertEqual(self.shown_by("wire: wire_tap", junit), [])
        self.assertEqual(self.shown_by("wire: wire_days", junit), [])
        self.assertEqual(len(self.shown_by("wire: wire_off", junit)), 1)
        junit.write_text('<testsuite><testcase name="wire_tap" status="run"><skipped/></testcase></testsuite>')
        self.assertEqual(len(self.shown_by("wire: wire_tap", junit)), 1)

    def test_rows_that_say_too_little(self):
        for row in ("| S1-1 | owed | `tcp/nothing` | tested | `v4` |", "| S1-1 | owed | - | tested | `v4` |",
                    "| S1-1 | owed | `tcp/ack` | tested | |", "| S1-1 | owed | - | perhaps | why |",
                    "| S1-1 | owed | - | deviation | [x](deviations.md#unknown) |", "| S1-1 | owed | - | deviation | why |",
                    "| 1 | owed | - | choice | why |"):
            self.assertNotEqual(self.found(row), [], row)
        self.assertEqual(self.found("| S1-1 | owed | - | deviation | [x](deviations.md#known) |"), [])
        self.assertEqual(self.found("| S1-1 | owed | - | choice | why |"), [])

    def test_an_id_twice_and_a_row_with_a_column_too_many(self):
        row = "| S1-1 | owed | - | choice | why |"
        self.assertEqual(len(self.found(row + "\n" + row)), 1)
        self.assertNotEqual(self.found("| S1-1 | owed | - | choice | why | what |"), [])

    def test_a_readme_that_is_not_what_the_pages_say(self):
        self.found("| S1-1 | owed | - | choice | why |")
        (check.HERE / "README.md").write_text("something else")
        rows = [r for page in check.pages() for r in check.rows_of(page)]
        self.assertIn("README.md", list(check.mistakes(rows, None))[0])


if __name__ == "__main__":
    unittest.main()

"""Runs what the README tells its reader to run: every ```bash block, as one script each, from the project's root.

usage: readme_test.py --source DIR
Needs root and a build in build/release.
"""

import argparse
import os
import re
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True)
    source = parser.parse_args().source
    with open(os.path.join(source, "README.md"), encoding="utf-8") as file:
        text = file.read()
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if not blocks:
        sys.exit("README.md has no ```bash block: this test would see nothing")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        if not os.path.exists(os.path.join(source, link)):
            sys.exit(f"README.md links to {link}, which is not there")
    for number, block in enumerate(blocks, 1):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=source, capture_output=True, text=True,
                              timeout=120, check=False)
        if done.returncode != 0:
            sys.exit(f"block {number} of README.md ended with {done.returncode}:\n{block}\n{done.stdout}\n{done.stderr}")
        print(f"block {number}: passed")


if __name__ == "__main__":
    main()

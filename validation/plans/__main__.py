"""Print what plans get right as Markdown: ``python -m validation.plans > validation/plans/README.md``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from validation.plans.findings import findings
from validation.report import print_part


def main(arguments: list[str]) -> int:
    """Plan, compare, print; 1 if a verdict fails, 2 if the tables are wrong or not there."""
    parser = argparse.ArgumentParser(prog="python -m validation.plans", description=__doc__)
    parser.add_argument("--reference", type=Path, help="folder of the published tables")
    options = parser.parse_args(arguments)
    return print_part(lambda progress: findings(options.reference, progress))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

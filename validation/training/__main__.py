"""Print the predictions as Markdown: ``python -m validation.training > validation/training/README.md``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from validation.checks import Findings, Progress
from validation.report import print_part
from validation.training.calibration import refit
from validation.training.findings import findings
from validation.training.grid import FOLDER


def main(arguments: list[str]) -> int:
    """Refit if told so, predict, print; 1 if a verdict fails, 2 if the recordings are wrong."""
    parser = argparse.ArgumentParser(prog="python -m validation.training", description=__doc__)
    parser.add_argument("--reference", type=Path, default=FOLDER, help="folder of the recorded runs")
    parser.add_argument(
        "--refit", action="store_true", help="calibrate again, from the kept traces of the fitted third"
    )
    options = parser.parse_args(arguments)

    def find(progress: Progress) -> Findings:
        if options.refit:
            refit(options.reference, lambda what: print(what, file=sys.stderr))
        return findings(options.reference, progress)

    return print_part(find)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Print the predictions as Markdown: ``python -m validation.published > validation/published/README.md``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from validation.checks import Findings, Progress
from validation.published.findings import findings, refit
from validation.report import print_part


def main(arguments: list[str]) -> int:
    """Refit if told so, predict, print; 1 if a verdict fails, 2 if the tables are wrong."""
    parser = argparse.ArgumentParser(prog="python -m validation.published", description=__doc__)
    parser.add_argument("--reference", type=Path, help="folder of the published tables")
    parser.add_argument("--refit", nargs="*", metavar="SOURCE", help="fit all sources again, or those named")
    options = parser.parse_args(arguments)

    def find(progress: Progress) -> Findings:
        if options.refit is not None:
            refit(options.reference, options.refit)
        return findings(options.reference, progress)

    return print_part(find)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

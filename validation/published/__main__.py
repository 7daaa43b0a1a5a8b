"""Print the predictions as Markdown: ``python -m validation.published > validation/published/README.md``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from simulator.errors import SimulatorError
from validation.published.findings import findings, refit
from validation.report import render_markdown


def main(arguments: list[str]) -> int:
    """Refit if told so, predict, print; 1 if a verdict fails, 2 if the tables are wrong."""
    parser = argparse.ArgumentParser(prog="python -m validation.published", description=__doc__)
    parser.add_argument("--reference", type=Path, help="folder of the published tables")
    parser.add_argument("--refit", nargs="*", metavar="SOURCE", help="fit all sources again, or those named")
    options = parser.parse_args(arguments)
    try:
        if options.refit is not None:
            refit(options.reference, options.refit)
        found = findings(options.reference, lambda what, share: print(f"{share:4.0%} {what}", file=sys.stderr))
    except SimulatorError as error:
        print(error, file=sys.stderr)
        return 2
    print(render_markdown(found), end="")
    return 2 if found.missing else 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Print the comparison with SimGrid as Markdown: ``python -m validation.peers > validation/peers/README.md``."""

from __future__ import annotations

import argparse
import sys

from simulator.errors import SimulatorError
from validation.peers.findings import findings
from validation.peers.simgrid_process import INTERPRETER_VARIABLE
from validation.report import render_markdown


def main(arguments: list[str]) -> int:
    """Exit code 0 if everything judged agrees, 1 if not, 2 if there is no SimGrid."""
    parser = argparse.ArgumentParser(prog="python -m validation.peers", description=__doc__)
    parser.add_argument("--python", metavar="PATH", help=f"interpreter that has SimGrid (or: {INTERPRETER_VARIABLE})")
    options = parser.parse_args(arguments)
    try:
        found = findings(interpreter=options.python, progress=_show)
    except SimulatorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if found.missing:
        print(found.missing, file=sys.stderr)
        return 2
    print(render_markdown(found), end="")
    return 0 if found.passed else 1


def _show(what: str, share: float) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{share:4.0%} {what}", end="\n" if share == 1.0 else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

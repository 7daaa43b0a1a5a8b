"""Print the comparison with SimGrid as Markdown: ``python -m validation.peers > validation/peers/README.md``."""

from __future__ import annotations

import argparse
import sys

from validation.peers.findings import findings
from validation.peers.simgrid_process import INTERPRETER_VARIABLE
from validation.report import print_part


def main(arguments: list[str]) -> int:
    """Exit code 0 if everything judged agrees, 1 if not, 2 if there is no SimGrid."""
    parser = argparse.ArgumentParser(prog="python -m validation.peers", description=__doc__)
    parser.add_argument("--python", metavar="PATH", help=f"interpreter that has SimGrid (or: {INTERPRETER_VARIABLE})")
    options = parser.parse_args(arguments)
    return print_part(lambda progress: findings(interpreter=options.python, progress=progress))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

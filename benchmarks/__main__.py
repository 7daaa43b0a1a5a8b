"""``python -m benchmarks``: the workloads beside SimGrid; its other commands are listed by ``--help``."""

from __future__ import annotations

import sys

from benchmarks.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

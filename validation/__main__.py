"""``python -m validation …`` is ``clustersim validate …``."""

from __future__ import annotations

import sys

from simulator.cli import main

if __name__ == "__main__":
    main(["validate", *sys.argv[1:]])

"""Print the memory model beside what is known: ``python -m validation.memory > validation/memory/README.md``."""

from __future__ import annotations

import sys

from validation.memory.findings import findings
from validation.report import print_part

if __name__ == "__main__":
    sys.exit(print_part(lambda progress: findings(progress=progress)))

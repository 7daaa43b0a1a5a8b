"""Plays one workload once, in the process that `benchmarks.isolation` starts for it.

    python -m benchmarks.one_run fast|exact < workload      prints a measurement
    python -m benchmarks.one_run calibrate                  prints bare SimPy's events a second

Both as JSON, on the last line.
"""

from __future__ import annotations

import json
import sys

from benchmarks.calibration import bare_simpy_events_per_second
from benchmarks.measurement import measure
from benchmarks.workloads import restored


def main(arguments: list[str]) -> None:
    """Answer on standard output."""
    if arguments == ["calibrate"]:
        print(json.dumps({"events_per_s": bare_simpy_events_per_second()}))
        return
    run = restored(json.load(sys.stdin)).prepare(arguments == ["exact"])
    print(json.dumps(measure(run).document()))


if __name__ == "__main__":
    main(sys.argv[1:])

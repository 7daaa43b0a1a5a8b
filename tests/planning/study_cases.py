"""What tests of studies share: quick scenarios, and results without what depends on the machine."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from simulator.simulation import load

QUICK = {"workload.steps": 2, "simulation.jitter": 0.1}
ROOT = Path(__file__).parents[2]


def quick(**changes):
    """A scenario that takes milliseconds, and differs from seed to seed."""
    return load("m40x4-lenet", **{**QUICK, **changes})


def repeatable(result):
    """A result without its wall time."""
    return None if result is None else {key: value for key, value in result.items() if key != "simulation"}


def content_of(store: Path):
    """Everything in a store that must not depend on how it came to be there."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT key, status, message, result FROM points").fetchall()
    database.close()
    return {row[0]: (row[1], row[2], repeatable(row[3] and json.loads(row[3]))) for row in rows}


def rows_in(store: Path) -> int:
    """How many outcomes a store holds by now, which another process may be writing."""
    if not store.exists():
        return 0
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=5)
    try:
        return database.execute("SELECT count(*) FROM points").fetchone()[0]
    except sqlite3.OperationalError:  # not made yet
        return 0
    finally:
        database.close()

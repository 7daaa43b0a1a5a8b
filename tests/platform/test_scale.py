"""A platform of 10,000 accelerators is set up, and crossed a thousand times, in a moment."""

from __future__ import annotations

import random
import time

from platform_laws import assert_connected

from simulator.hardware import load_system
from simulator.platform import build_platform


def test_ten_thousand_accelerators_and_a_thousand_routes_in_two_seconds() -> None:
    start = time.process_time()
    platform = build_platform(load_system("dgx-h100"), 1250)
    choice = random.Random(1).choice
    names = [device.name for device in platform.accelerators]
    for _ in range(1000):
        assert_connected(platform, choice(names), choice(names))
    assert len(names) == 10_000
    assert time.process_time() - start < 2.0

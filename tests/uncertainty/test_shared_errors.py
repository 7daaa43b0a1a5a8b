"""What part of their errors predictions share: by hand, and the other way round from errors drawn as assumed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from simulator.planning.model_error import SHARED, Erring, Sharing, error_factors
from validation.shared_errors import KINDS, Erred, erred_rows, main, odds, shared_part

ALGORITHMS, WORKERS, MACHINES = "abcdefgh", (2, 4, 8, 16), ("here", "there", "yonder", "elsewhere")


def check(name, predicted, measured=1.0, *, fitted=False, series="x", section="time of a step", unit="s"):
    return {
        "name": name, "predicted": predicted, "measured": measured, "fitted": fitted, "series": series,
        "section": section, "unit": unit,
    }  # fmt: skip


def document(*checks):
    return {"parts": [{"part": "p", "checks": list(checks)}]}


def test_rows_are_read_by_their_names():
    rows = list(
        erred_rows(
            document(
                check("ssp, 2 workers, narrow mlp, batch 128", np.e, series="ssp"),
                check("ResNet-50, 8 GPUs", 2.0, 1.0, series="BSP-PS", section="cluster", unit="samples/s"),
                check("ssp, 4 workers, narrow mlp, batch 128", 2.0, fitted=True),
                check("an all-reduce, 8 GPUs", 2.0, section="NCCL", unit="GB/s"),
                check("something else", 2.0),
            )
        )
    )
    assert rows[0] == Erred("p", "time of a step", "narrow mlp, batch 128", 2, "ssp", 1.0, 0.0)
    assert (rows[1].machine, rows[1].work, rows[1].workers, rows[1].algorithm) == ("cluster", "ResNet-50", 8, "BSP-PS")
    assert rows[1].error == -np.log(2.0)  # twice the throughput is half the time
    assert len(rows) == 2


def test_shares_by_hand():
    def row(error):
        return Erred("p", "m", "w", 1, "a", error, 0.0)

    assert shared_part([(row(0.1), row(0.1)), (row(-0.2), row(-0.2))]) == (pytest.approx(1.0), 2)
    assert shared_part([(row(0.1), row(-0.1))])[0] == pytest.approx(-1.0)
    assert shared_part([(row(0.1), row(0.0))])[0] == 0.0
    assert np.isnan(shared_part([])[0])


def test_what_is_assumed_of_draws_is_what_would_be_measured_of_them():
    """Errors drawn for many predictions, measured as the validation measures them, share what was put in."""
    cases = [(machine, workers, name) for machine in MACHINES for workers in WORKERS for name in ALGORITHMS]
    erring = [
        Erring(f"{name} {workers} {machine}", f"{machine} {workers}", name, {"step": 1.0}, {"step": 0.1})
        for machine, workers, name in cases
    ]
    found = {kind: [] for kind in KINDS}
    for errors in np.log(error_factors(erring, 30, 0, SHARED)):
        rows = [
            Erred("p", machine, "w", workers, name, float(error), 0.0)
            for (machine, workers, name), error in zip(cases, errors, strict=True)
        ]
        for kind, belongs in KINDS.items():
            pairs = ((a, b) for i, a in enumerate(rows) for b in rows[:i] if belongs((a, b)))
            found[kind].append(shared_part(pairs)[0])
    means = [float(np.mean(shares)) for shares in found.values()]
    assert means == pytest.approx([SHARED.setting, SHARED.algorithm, SHARED.algorithm, 0.0], abs=0.06)


def test_odds_of_draws_come_true():
    """Predictions that are off as the model says: of the pairs that were given 80 %, four in five come true."""
    generator = np.random.default_rng(0)
    rows = []
    for place in range(400):
        erring = [Erring(f"{name}{place}", str(place), name, {"step": 1.0}, {"step": 0.1}) for name in "abcd"]
        errors = np.log(error_factors(erring, 1, place, Sharing(0.1, 0.0)))[0]
        measured = generator.normal(0.0, 0.6, 4)
        rows += [
            Erred("p", "m", str(place), 1, name, time + error, time)
            for name, time, error in zip("abcd", measured.tolist(), errors.tolist(), strict=True)
        ]
    found = odds(rows)
    assert len(found) == 400 * 6
    # Times that differ by much more than errors do, so that nothing is known of the order beforehand.
    for low, high in ((0.5, 0.75), (0.75, 0.95)):
        inside = np.array([pair for pair in found if low <= pair[0] < high], float)
        # Three standard errors.
        assert inside[:, 1].mean() == pytest.approx(inside[:, 0].mean(), abs=1.5 / np.sqrt(len(inside)))


def test_the_command_prints_a_line_a_kind(tmp_path, capsys):
    path = tmp_path / "rows.json"
    rows = [check(f"{name}, {workers} workers, w", 1.1, series=name) for name in "ab" for workers in (1, 2)]
    path.write_text(json.dumps(document(*rows)))
    main([str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all("1.00" in line for line in lines)  # equal predictions have no odds

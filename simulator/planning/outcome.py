"""What came of one point of a study: a result, the reason why there can be none, or what went wrong.

The status says what the outcome is good for. ``done`` and ``infeasible`` are answers: the same scenario gives them
again, so a study that is resumed does not ask again. ``failed`` is none: a process that died, a file that was not
there, a run that could not be finished. A study that is resumed tries it once more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from simulator.errors import InfeasibleError, SimulatorError
from simulator.scenario import Scenario

__all__ = ["Outcome", "Record", "Status", "outcome_of", "record_of", "simulated"]

Status: TypeAlias = Literal["done", "infeasible", "failed"]

#: An outcome as it is stored and travels between processes: status, JSON of the result or None, message.
Record: TypeAlias = tuple[Status, str | None, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one point.

    Attributes
    ----------
    status : {"done", "infeasible", "failed"}
    result : dict or None
        The JSON result (``clustersim/result/1``, see the README) of a point that is done.
    message : str
        Why there is no result: one line; empty where there is one.
    """

    status: Status
    result: dict[str, Any] | None
    message: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether the same scenario would give the same again."""
        return self.status != "failed"


def outcome_of(record: Record) -> Outcome:
    """The outcome that a record holds.

    Raises
    ------
    ValueError
        If it holds none.
    """
    status, text, message = record
    if status not in get_args(Status) or (status == "done") != (text is not None):
        raise ValueError(f"status {status!r} {'with' if text is not None else 'without'} a result")
    result = None if text is None else json.loads(text)
    if result is not None and not isinstance(result, dict):
        raise ValueError("a result that is no JSON object")
    return Outcome(status, result, message)


def record_of(outcome: Outcome) -> Record:
    """The record of an outcome."""
    text = None if outcome.result is None else json.dumps(outcome.result, allow_nan=False)
    return outcome.status, text, outcome.message


def simulated(data: Mapping[str, Any], where: str, directory: str) -> Record:
    """Simulate the scenario of these tables; whatever comes of it is its outcome.

    A mistake of this program is the outcome of the point it was met at, too: it must not end a study of 10,000.
    """
    from pathlib import Path

    from simulator.simulation import simulate

    try:
        result = simulate(Scenario.from_dict(data, where, Path(directory))).to_dict()
        return "done", json.dumps(result, allow_nan=False), ""
    except InfeasibleError as error:
        return "infeasible", None, str(error)
    except SimulatorError as error:
        return "failed", None, str(error)
    except Exception as error:
        return "failed", None, " ".join(f"{type(error).__name__}: {error}".split())

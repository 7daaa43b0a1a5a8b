"""Why a configuration is none of the answers, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from simulator.planning.candidates import Candidate

if TYPE_CHECKING:
    from simulator.planning.configuration import Configuration

__all__ = ["REASONS", "Reason", "RuledOut"]

Reason: TypeAlias = Literal[
    "deadline",
    "budget",
    "throughput",
    "accuracy",
    "price",
    "memory",
    "nodes",
    "precision",
    "batch",
    "failures",
    "setup",
    "failed",
]

#: Every reason, in the order in which they are reported, with its heading.
REASONS: dict[Reason, str] = {
    "deadline": "too late",
    "budget": "too dear",
    "throughput": "too slow",
    "accuracy": "not accurate enough",
    "price": "price unknown",
    "memory": "not enough memory",
    "nodes": "not enough nodes",
    "precision": "no such arithmetic",
    "batch": "batch cannot be divided",
    "failures": "fails too often",
    "setup": "does not go together",
    "failed": "could not be simulated",
}


@dataclass(frozen=True)
class RuledOut:
    """A configuration that will not do.

    Attributes
    ----------
    candidate : Candidate
    kind : str
        A key of `REASONS`.
    reason : str
        One line with the numbers: ``"14.2 h of 12 h"``.
    by : str
        How that is known: a ``"rule"`` looked up before anything was computed, a ``"bound"`` that arithmetic alone
        sets, or a ``"simulation"``.
    configuration : Configuration or None
        What was simulated.
    """

    candidate: Candidate
    kind: Reason
    reason: str
    by: Literal["rule", "bound", "simulation"] = "rule"
    configuration: Configuration | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of a plan has it."""
        return {
            "name": self.candidate.name,
            "system": self.candidate.system,
            "nodes": self.candidate.nodes,
            "algorithm": self.candidate.algorithm,
            "batch_size": self.candidate.batch_size,
            "kind": self.kind,
            "reason": self.reason,
            "by": self.by,
            "configuration": None if self.configuration is None else self.configuration.to_dict(),
        }

"""What a validation finds: figures predicted against figures measured, and verdicts that can fail.

Every part of the validation (`paper`, `deepbench`, `published`, `plans`, `memory`, `training`, `peers`) has a
module ``validation.<part>.findings`` with one function::

    def findings(reference: Path | None, progress: Progress) -> Findings

`reference` is the folder that the user named for the raw measurements, or None for where the part looks by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

__all__ = ["Check", "Findings", "Progress", "Verdict"]

#: Told what is being worked on and how much of the part is done, from 0 to 1.
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Check:
    """One figure, predicted and measured, in the same unit.

    Attributes
    ----------
    section : str
        The table of the part that it belongs to.
    name : str
        The row: "GoogLeNet, 64 nodes".
    predicted, measured : float
        In `unit`.
    unit : str
        SI, or what the source counts in: "s", "images/s", "".
    allowed : float or None
        Largest relative error that passes; None where the figure is shown but only counts in a `Verdict`.
    confidence : str
        How sure the measured figure is: A (abstract), T (translation), R (recalled); empty where it was read.
    fitted : bool
        Whether the fit saw this row; such rows are shown and never judged.
    series : str
        What rows are told apart by in plots: an algorithm, a system.
    note : str
        One line a reader of this row must have.
    """

    section: str
    name: str
    predicted: float
    measured: float
    unit: str = "s"
    allowed: float | None = None
    confidence: Literal["A", "T", "R", ""] = ""
    fitted: bool = False
    series: str = ""
    note: str = ""

    @property
    def error(self) -> float:
        """Signed relative error, predicted / measured − 1; infinite where measured is 0 and predicted is not."""
        if self.measured == 0.0:
            return 0.0 if self.predicted == 0.0 else float("inf")
        return self.predicted / self.measured - 1.0

    @property
    def passed(self) -> bool | None:
        """Whether the error is within what is allowed; None where it is not judged."""
        if self.allowed is None or self.fitted:
            return None
        return isfinite(self.error) and abs(self.error) <= self.allowed


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statement over many rows, with the bound it must keep: "median error of step time", 0.07, at most 0.10.

    `unit` is "%" for shares (held as fractions), or the unit of the value.
    """

    section: str
    statement: str
    value: float
    bound: float
    sense: Literal["at most", "at least"] = "at most"
    unit: str = "%"
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the bound holds; a value that is no number keeps none."""
        return self.value <= self.bound if self.sense == "at most" else self.value >= self.bound


@dataclass(frozen=True)
class Findings:
    """All that one part of the validation has to say.

    Attributes
    ----------
    part, title : str
        Its name on the command line, and its heading.
    introduction, reasons : str
        Markdown: what was done on which data; what is off and why.
    checks, verdicts
        In the order in which they are shown.
    missing : str
        Why the part could not run and what to do about it; empty if it ran.
    """

    part: str
    title: str
    introduction: str = ""
    checks: Sequence[Check] = ()
    verdicts: Sequence[Verdict] = ()
    reasons: str = ""
    missing: str = ""
    sections: dict[str, str] = field(default_factory=dict)  #: Markdown that stands above a section's table

    @property
    def passed(self) -> bool:
        """Whether nothing that was judged has failed."""
        return all(check.passed is not False for check in self.checks) and all(v.passed for v in self.verdicts)

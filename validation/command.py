"""What ``clustersim validate`` does: run parts and judge them.

Exit codes: 0 where nothing that was judged is beyond what is allowed, 1 where something is, 2 for bad input and where
nothing could be run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator.errors import InputError, SimulatorError
from validation.checks import Findings, Progress
from validation.parts import PARTS, run_parts

__all__ = ["Validation", "validate"]


@dataclass(frozen=True)
class Validation:
    """What the parts found.

    Attributes
    ----------
    findings : list of Findings
        In the order of `PARTS`; of a part that could not run, why.
    errors : list of SimulatorError
        Of parts that could not be finished (their measurements are there but wrong, or the run failed); their findings
        hold the message as `missing`.
    """

    findings: list[Findings]
    errors: list[SimulatorError]

    @property
    def exit_code(self) -> int:
        """1 if something judged fails, else that of the first error, else 0; skipped parts do not count."""
        if not all(part.passed for part in self.findings):
            return 1
        return self.errors[0].exit_code if self.errors else 0


def validate(part: str, reference: Path | None, jobs: int, progress: Progress) -> Validation:
    """Run one part, or every part where `part` is "all".

    Raises
    ------
    SimulatorError
        `InputError` if `reference` is not there; if a single part cannot run, or if none can; that of a single part.
    """
    if reference is not None and not reference.exists():
        raise InputError(f"--reference {reference}: not found; expected a folder that holds measurements")
    names = list(PARTS) if part == "all" else [part]
    found = run_parts(names, reference, jobs, progress)
    findings: list[Findings] = []
    errors: list[SimulatorError] = []
    for name, result in zip(names, found, strict=True):
        if isinstance(result, SimulatorError):
            if len(names) == 1:
                raise result
            errors.append(result)
            result = Findings(name, PARTS[name].capitalize(), missing=str(result))
        findings.append(result)
    if all(one.missing for one in findings):
        raise InputError("; ".join(f"validate {one.part}: {' '.join(one.missing.split())}" for one in findings))
    return Validation(findings, errors)

"""Findings as plain data for JSON, schema ``clustersim/validation/1``."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from validation.checks import Check, Findings, Verdict
from validation.rendering.cells import outcome_of_part

__all__ = ["SCHEMA", "document"]

SCHEMA = "clustersim/validation/1"


def document(findings: Sequence[Findings], provenance: dict[str, str]) -> dict[str, Any]:
    """Everything of every part. Numbers that JSON cannot hold (no number, infinite) are null.

    Keys: `schema`, `provenance` (what made it: command, date, versions), `passed` (of all that was judged), and
    `parts`, each with `part`, `title`, `outcome` ("passed", "FAILED", "skipped", "not judged"), `missing`,
    `introduction`, `sections`, `reasons`, `verdicts` and `checks`.
    """
    return {
        "schema": SCHEMA,
        "provenance": provenance,
        "passed": all(part.passed for part in findings),
        "parts": [
            {
                "part": part.part,
                "title": part.title,
                "outcome": outcome_of_part(part),
                "missing": part.missing,
                "introduction": part.introduction,
                "sections": dict(part.sections),
                "reasons": part.reasons,
                "verdicts": [_verdict(verdict) for verdict in part.verdicts],
                "checks": [_check(check) for check in part.checks],
            }
            for part in findings
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "section": verdict.section,
        "statement": verdict.statement,
        "value": _finite(verdict.value),
        "bound": _finite(verdict.bound),
        "sense": verdict.sense,
        "unit": verdict.unit,
        "passed": verdict.passed,
        "note": verdict.note,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "section": check.section,
        "name": check.name,
        "series": check.series,
        "predicted": _finite(check.predicted),
        "measured": _finite(check.measured),
        "unit": check.unit,
        "error": _finite(check.error),
        "allowed": check.allowed,
        "confidence": check.confidence,
        "fitted": check.fitted,
        "passed": check.passed,
        "note": check.note,
    }


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None

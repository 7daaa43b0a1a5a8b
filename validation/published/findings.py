"""What the simulator says of published runs whose smallest scales it was fitted to: ``findings``, and refitting.

Fitted parameters are kept in ``fitted.json`` with the rows that they were fitted to, so that predictions can be made
again without fitting. The tables themselves are not part of the project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from validation.checks import Check, Findings, Progress, Verdict
from validation.published.fitting import Case, Parameters, fit, load_fits, merged, save_fits
from validation.published.jobs import Simulated
from validation.published.reference import folder_of, read_rows
from validation.published.source import ALLOWED, Judged, Source, median_error, unseen
from validation.published.sources import SOURCES

__all__ = ["FITTED", "findings", "judge", "predictions", "refit"]

#: Where fitted parameters are kept.
FITTED = Path(__file__).with_name("fitted.json")
_TITLE = "Published measurements of training on GPU clusters"

INTRODUCTION = """\
Made by `python -m validation.published > validation/published/README.md`. Every figure is a simulation by this
project's own algorithms on its own system profiles. The few parameters of each source were fitted to its smallest runs,
stage by stage; rows that a fit saw are marked as fitted, and all others are predictions that no fit saw. Parameters and
the rows behind them are in `validation/published/fitted.json`; `python -m validation.published --refit` fits again. The
rows are not part of this repository: they are looked for in `../shared/reference/published` or where `--reference`
says.
"""


def findings(reference: Path | None, progress: Progress = lambda what, share: None) -> Findings:
    """Predictions of all sources with the parameters of `FITTED`.

    Raises
    ------
    InputError
        If a table cannot be read, or its fits are missing.
    """
    folder = folder_of(reference)
    if not folder.is_dir():
        return Findings("published", _TITLE, missing=f"{folder}: no such folder; expected the published tables")
    fits, judged, verdicts, sections = load_fits(FITTED), list[Judged](), list[Verdict](), dict[str, str]()
    for place, source in enumerate(SOURCES):
        progress(source.title, place / len(SOURCES))
        found = _stored(source, fits)
        cases = source.cases(read_rows(folder, source.table), Simulated())
        made = predictions(cases, found)
        judged += made
        verdicts += source.verdicts(source.title, made)
        sections.setdefault(cases[0].section, source.text + "\n" + _fitted_table(source, found))
    verdicts.insert(0, judge(judged))
    progress("published", 1.0)
    reasons = "\n".join(source.reasons for source in SOURCES if source.reasons)
    return Findings("published", _TITLE, INTRODUCTION, [c for _, c in judged], verdicts, reasons, sections=sections)


def judge(judged: Sequence[Judged]) -> Verdict:
    """The verdict over all sources."""
    rows = [check for check in unseen(judged) if check.unit.endswith("/s") and not check.unit.startswith("GB")]
    return Verdict(
        "All sources", f"median error of throughput at the larger scales, {len(rows)} rows", median_error(rows), ALLOWED
    )


def predictions(cases: Sequence[Case], found: Mapping[str, Parameters]) -> list[Judged]:
    """Every case with what is predicted for it."""
    return [
        (
            case,
            Check(
                section=case.section,
                name=case.name,
                predicted=case.predict(merged(found, case.stages)),
                measured=case.measured,
                unit=case.unit,
                fitted=bool(case.fits),
                series=case.series,
                note=case.note,
            ),
        )
        for case in cases
    ]


def refit(reference: Path | None, only: Sequence[str] = (), again: Sequence[str] = (), path: Path = FITTED) -> None:
    """Fit the sources, or `only` those of these names, and write `path` anew.

    With `again`, only the stages whose names begin so are fitted, and others keep what `path` holds.

    Raises
    ------
    InputError
        If a table cannot be read, or a fit finds no row.
    """
    folder = folder_of(reference)
    for source in SOURCES:
        if only and source.name not in only:
            continue
        cases, stored = source.cases(read_rows(folder, source.table), Simulated()), load_fits(path).get(source.name, {})
        kept = {
            name: entry["parameters"] for name, entry in stored.items() if again and not name.startswith(tuple(again))
        }
        found = fit(source.stages, cases, kept)
        fits = {stage.name: _provenance(stage.name, found, source, cases) for stage in source.stages}
        save_fits(path, {**load_fits(path), source.name: fits})


def _provenance(stage: str, found: Mapping[str, Parameters], source: Source, cases: Sequence[Case]) -> dict[str, Any]:
    rows = [case for case in cases if case.fits == stage]
    return {
        "parameters": found[stage],
        "table": source.table,
        "rows": [f"{case.section}: {case.name}" for case in rows],
        "median_error": median_error([check for _, check in predictions(rows, found)]),
    }


def _stored(source: Source, fits: Mapping[str, Any]) -> dict[str, Parameters]:
    stored = fits.get(source.name, {})
    missing = [stage.name for stage in source.stages if stage.name not in stored]
    if missing:
        raise InputError(
            f"{FITTED}: {source.name}: no fit of {missing[0]!r}; 'python -m validation.published --refit' makes it"
        )
    return {name: entry["parameters"] for name, entry in stored.items()}


def _fitted_table(source: Source, found: Mapping[str, Parameters]) -> str:
    lines = ["| fitted | to | values |", "|---|---|---|"]
    for stage in source.stages:
        values = ", ".join(f"`{name}` {value:.4g}" for name, value in found[stage.name].items())
        lines.append(f"| {stage.name} | {stage.rows} | {values} |")
    return "\n".join(lines)

"""Which size reaches a throughput: asked of a plan, and looked up in what was measured.

Every series of published runs that differ in size alone is asked for the fewest GPUs that reach a throughput, in two
ways. *Between two sizes*: the geometric mean of what two neighbouring sizes were measured to reach, which the larger
reaches and the smaller does not; a plan is right if its errors are less than half a step. *As measured*: exactly what a
size was measured to reach, where any error towards the slow side asks for the next size. A plan is *right*, *one step
off* (a neighbouring size of the series, or none of them where the largest was right) or *wrong*.

The bounds below were written down before the first comparison was run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from pathlib import Path

from simulator.planning.configuration import Configuration
from simulator.planning.evaluation import judged
from simulator.planning.question import Question, Target
from validation.checks import Check, Findings, Progress, Verdict
from validation.plans.series import PlannedRuns, Series, series_of
from validation.published.findings import FITTED
from validation.published.fitting import load_fits
from validation.published.hkbu import HKBU
from validation.published.mxnet import MXNET
from validation.published.reference import folder_of, read_rows
from validation.published.source import Source
from validation.published.tensorflow import TENSORFLOW

__all__ = ["Answer", "answers", "findings", "verdicts"]

_TITLE = "Plans: the system size that reaches a throughput"
#: Sources whose runs come in several sizes with throughputs.
SOURCES = (TENSORFLOW, MXNET, HKBU)
#: Least share of answers that are right, between two sizes, and that are right or one step off, as measured.
_RIGHT, _NEAR = 0.90, 0.95
_BETWEEN, _AS_MEASURED = "between two sizes", "as measured"

INTRODUCTION = """\
Made by `python -m validation.plans > validation/plans/README.md`. Jobs and fitted parameters are those of
[validation/published](../published/README.md); the plan admits, simulates and judges them as `clustersim plan
--target throughput=…` does. The tables are not part of this repository: they are looked for in
`../shared/reference/published` or where `--reference` says.

For every series of runs that differ in their number of GPUs alone, the plan is asked for the fewest GPUs that reach a
throughput: *between two sizes*, the geometric mean of two neighbouring measured throughputs, which tells whether the
plan would have bought the right size; and *as measured*, the very throughput of a size, where every per cent that is
predicted too low asks for the next size. A row is *fitted* if a fit saw the size that is the answer; such rows are
shown and not judged, and neither are runs on real data, which may be bound by reading it. The bounds were written down
before the comparison was first run.
"""


REASONS = """\
- *HKBU, ByteScheduler-A2A on ResNet-50* was measured a third slower than plain overlap, which nothing here explains
  (see [validation/published](../published/README.md)), so plans ask for half the GPUs: 3 of the 6 misses between two
  sizes.
- *HKBU, BERT-Large over 100 Gb/s TCP*: by measurement, the parameter server on eight GPUs is slower than all-reduce on
  four (28 to 51 samples a second), and the plan finds four slightly slower than they were, so it asks for sixteen.
  Where throughput does not grow with the size, a few per cent decide over a factor of two and more in the machine: the
  wrong answer as measured is of these.
- *As measured*, more than a third of the answers ask for the next size. This is what errors of a few per cent on both
  sides give: a plan for exactly what a machine does has no margin. Ask for the throughput that is needed, not for one
  that a size was found to have.
"""


@dataclass(frozen=True)
class Answer:
    """One question and its two answers.

    Attributes
    ----------
    way : str
        ``"between two sizes"`` or ``"as measured"``.
    wanted : float
        Samples a second that are to be reached.
    predicted, measured : int
        Fewest GPUs of the series that reach it; twice the largest where none does.
    steps : int
        By how many sizes of the series the prediction is too large; negative if too small.
    fitted : bool
        Whether a fit saw the row of the right answer.
    """

    series: Series
    way: str
    wanted: float
    predicted: int
    measured: int
    steps: int
    fitted: bool

    @property
    def real_data(self) -> bool:
        """Whether reading and decoding samples may have been what limited the run, of which no model speaks."""
        return "real data" in self.series.section

    @property
    def judged(self) -> bool:
        """Whether it counts in a verdict."""
        return not (self.fitted or self.real_data)

    def check(self) -> Check:
        """As a row of a table; its note says by how many sizes it is off."""
        series, off = self.series, abs(self.steps)
        method = f" {series.method}," if series.method else ""
        note = (
            f"{'one size' if off == 1 else f'{off} sizes'} too {'large' if self.steps > 0 else 'small'}" if off else ""
        )
        return Check(
            section=f"{series.section}: {self.way}",
            name=f"{series.name},{method} {self.wanted:,.4g} a second",
            predicted=self.predicted,
            measured=self.measured,
            unit="GPUs",
            fitted=self.fitted,
            series=series.method,
            note=note,
        )


def findings(reference: Path | None, progress: Progress = lambda what, share: None) -> Findings:
    """All questions to all series.

    Raises
    ------
    InputError
        If a table cannot be read, or fits are missing.
    """
    folder = folder_of(reference)
    if not folder.is_dir():
        return Findings("plans", _TITLE, missing=f"{folder}: no such folder; expected the published tables")
    found: list[Answer] = []
    for place, source in enumerate(SOURCES):
        progress(source.title, place / len(SOURCES))
        found += [answer for series in _series(source, folder) for answer in answers(series)]
    progress("plans", 1.0)
    checks = [answer.check() for answer in found]
    return Findings("plans", _TITLE, INTRODUCTION, checks, verdicts(found), REASONS)


def _series(source: Source, folder: Path) -> list[Series]:
    planned = PlannedRuns()
    stored = {name: entry["parameters"] for name, entry in load_fits(FITTED)[source.name].items()}
    return series_of(source.cases(read_rows(folder, source.table), planned), stored, planned)


def answers(series: Series) -> list[Answer]:
    """Every question that the series can be asked."""
    found = []
    for smaller, run in zip(series.runs, series.runs[1:], strict=False):
        if run.measured > smaller.measured:
            found.append(_answer(series, _BETWEEN, sqrt(smaller.measured * run.measured)))
    found += [_answer(series, _AS_MEASURED, run.measured) for run in series.runs]
    return found


def _answer(series: Series, way: str, wanted: float) -> Answer:
    planned = _fewest(series, lambda place: _will_do(series.runs[place].configuration, wanted))
    measured = _fewest(series, lambda place: series.runs[place].measured >= wanted)
    sizes = [run.size for run in series.runs] + [2 * series.runs[-1].size]
    fitted = series.runs[measured].fitted
    return Answer(series, way, wanted, sizes[planned], sizes[measured], planned - measured, fitted)


def _fewest(series: Series, will_do: Callable[[int], bool]) -> int:
    """The place of the fewest GPUs that will do; one past the last if none will."""
    return next((place for place in range(len(series.runs)) if will_do(place)), len(series.runs))


def _will_do(configuration: Configuration, wanted: float) -> bool:
    return isinstance(judged(configuration, Question(None, target=Target("throughput", wanted))), Configuration)


def verdicts(found: Sequence[Answer]) -> list[Verdict]:
    """Shares of answers that are right, or nearly so, over all sources and for each."""
    rows = []
    sources = dict.fromkeys(answer.series.section.partition(":")[0] for answer in found if answer.judged)
    for name, mine in (("All sources", found), *((each, [a for a in found if _of(a, each)]) for each in sources)):
        between = [abs(a.steps) for a in mine if a.judged and a.way == _BETWEEN]
        exact = [abs(a.steps) for a in mine if a.judged and a.way == _AS_MEASURED]
        if between:
            text = f"right size {_BETWEEN}, {len(between)} questions"
            rows.append(Verdict(name, text, _share(between, 0), _RIGHT, "at least", note=_told(between)))
        if exact:
            text = f"right size or one step off {_AS_MEASURED}, {len(exact)} questions"
            rows.append(Verdict(name, text, _share(exact, 1), _NEAR, "at least", note=_told(exact)))
    return rows


def _of(answer: Answer, source: str) -> bool:
    return answer.series.section.partition(":")[0] == source


def _share(steps: Sequence[int], most: int) -> float:
    return sum(step <= most for step in steps) / len(steps) if steps else nan


def _told(steps: Sequence[int]) -> str:
    right, near = sum(step == 0 for step in steps), sum(step == 1 for step in steps)
    return f"{right} right, {near} one step off, {len(steps) - right - near} wrong"

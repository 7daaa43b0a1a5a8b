"""Runs side by side: a list of results that knows what each is called, shows itself, and tells how sure it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simulator.result import Result
from simulator.scenario import Scenario

if TYPE_CHECKING:
    import pandas

    from simulator.planning.draws import Draws
    from simulator.report.picture import Picture

__all__ = ["Comparison", "names_of"]


class Comparison(list[Result]):
    """Results of several scenarios, in their order.

    Attributes
    ----------
    scenarios : dict
        What was run, by name.
    """

    def __init__(self, scenarios: Mapping[str, Scenario], results: Iterable[Result]) -> None:
        super().__init__(results)
        self.scenarios = dict(scenarios)

    @property
    def named(self) -> dict[str, Result]:
        """The results by name."""
        return dict(zip(self.scenarios, self, strict=True))

    def draws(self, draws: int = 100, seed: int = 0, **options: Any) -> Draws:
        """How sure the order is: see `simulator.planning.uncertainty.draw_times`, whose options these are."""
        from simulator.planning.uncertainty import draw_times

        results = {name: result.to_dict() for name, result in self.named.items()}
        return draw_times(self.scenarios, draws, seed, results=results, **options)

    def to_frame(self) -> pandas.DataFrame:
        """A pandas DataFrame with a row a run; its columns are those of `Result.to_frame`, after the name."""
        from simulator.frames import frame_of

        return frame_of([{"name": name, **result.row()} for name, result in self.named.items()])

    def plot(self) -> Picture:
        """Where each run spends its time: stacked bars, a gradient's time by part."""
        from simulator.report.picture import breakdown_picture

        return breakdown_picture(self.named)

    def _repr_html_(self) -> str:
        from simulator.report.notebook import comparison_html

        return comparison_html(self.named)


def names_of(scenarios: Iterable[Scenario]) -> dict[str, Scenario]:
    """Scenarios by names that tell them apart: the algorithm, and each other key in which they differ."""
    found = list(scenarios)
    keys = [_flat(each.tables.model_dump()) for each in found]
    every = sorted({key for each in keys for key in each})
    differing = [key for key in every if len({repr(each.get(key)) for each in keys}) > 1 and key != "algorithm.name"]
    names: Counter[str] = Counter()
    named = {}
    for scenario, values in zip(found, keys, strict=True):
        told = [scenario.tables.algorithm.name]
        told += [f"{key.rsplit('.', 1)[-1]}={values[key]}" for key in differing if values.get(key) is not None]
        name = " ".join(told)
        names[name] += 1
        named[name if names[name] == 1 else f"{name} ({names[name]})"] = scenario
    return named


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found

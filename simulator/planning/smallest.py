"""The fewest nodes of each system, algorithm and batch that do what was asked for; see `simulator.planning.search`.

All searches go on side by side, so that a round of theirs is simulated together. Counts that arithmetic alone rules
out cost nothing to ask about.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from simulator.planning.admission import Admitted
from simulator.planning.candidates import Family, candidate
from simulator.planning.configuration import Configuration
from simulator.planning.evaluation import Evaluation, Evaluator
from simulator.planning.node_counts import NodeCounts
from simulator.planning.ruled_out import RuledOut
from simulator.planning.search import fewest
from simulator.scenario import Scenario

__all__ = ["smallest_of_each"]

#: Reasons that more nodes can change; a configuration ruled out for another, such as its budget, is large enough.
_TOO_SMALL = ("deadline", "throughput", "memory", "batch", "setup", "failed")


def smallest_of_each(
    scenario: Scenario, families: Sequence[Family], counts: NodeCounts, evaluator: Evaluator
) -> list[Evaluation]:
    """Everything that was found on the way, family by family, with fewer nodes first."""
    first, last = counts.counts
    searches = {family: fewest(first, last) for family in families}
    found: dict[Family, dict[int, Evaluation]] = {family: {} for family in families}
    asked = {family: next(search) for family, search in searches.items()}
    while asked:
        admitted: dict[Family, Admitted] = {}
        for family, count in list(asked.items()):
            one = _ask(scenario, family, count, evaluator, searches, found, asked)
            if one is not None:
                admitted[family] = one
        simulated = evaluator.simulate(list(admitted.values()))
        for family, evaluation in zip(admitted, simulated, strict=True):
            found[family][asked[family]] = evaluation
            _advance(family, _will_do(evaluation), searches, asked)
    return [found[family][count] for family in families for count in sorted(found[family])]


def _ask(
    scenario: Scenario,
    family: Family,
    count: int,
    evaluator: Evaluator,
    searches: dict[Family, Generator[int, bool, int | None]],
    found: dict[Family, dict[int, Evaluation]],
    asked: dict[Family, int],
) -> Admitted | None:
    """The next configuration of the family that must be simulated; those on the way need not be."""
    while True:
        one = evaluator.admit(candidate(scenario, family, count))
        if isinstance(one, Admitted):
            return one
        found[family][count] = one
        _advance(family, _will_do(one), searches, asked)
        if family not in asked:
            return None
        count = asked[family]


def _advance(
    family: Family,
    will_do: bool,
    searches: dict[Family, Generator[int, bool, int | None]],
    asked: dict[Family, int],
) -> None:
    try:
        asked[family] = searches[family].send(will_do)
    except StopIteration:
        del asked[family]


def _will_do(evaluation: Evaluation) -> bool:
    return isinstance(evaluation, Configuration) or (
        isinstance(evaluation, RuledOut) and evaluation.kind not in _TOO_SMALL
    )

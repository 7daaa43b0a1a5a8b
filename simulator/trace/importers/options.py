"""What an importer cannot know from a file and the user can say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.errors import InputError, UnknownNameError
from simulator.trace.spans import Category

__all__ = ["ImportOptions", "Rule", "parse_rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Events whose name the pattern is found in (ignoring case) belong to a category; the empty one leaves them out."""

    pattern: re.Pattern[str]
    category: str


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read foreign files; the defaults suit most.

    Attributes
    ----------
    repair : bool
        Recover what can be recovered of damaged files instead of refusing them.
    rules : tuple of Rule
        For Chrome traces of other programs: which events count, tried before the built-in rules.
    processes : str
        What the processes of a Chrome trace are: ``"ranks"``, or ``"lanes"`` of one rank.
    align : str
        What the clocks of several files are aligned by: ``"auto"``, ``"collectives"``, ``"steps"`` or ``"none"``.
    merge_gap : float
        Operations of one kind that follow each other within so many seconds become one span; what the program does
        between its kernels counts as part of the computation. 0 keeps every operation.
    ranks, ranks_per_node : int, optional
        Of a benchmark whose output does not say.
    collective : str, optional
        Kind of the collective of a benchmark whose output does not say.
    batch_size : int, optional
        Samples a worker and step, kept with an imported trace.
    """

    repair: bool = False
    rules: tuple[Rule, ...] = ()
    processes: str = "ranks"
    align: str = "auto"
    merge_gap: float = 1e-3
    ranks: int | None = None
    ranks_per_node: int | None = None
    collective: str | None = None
    batch_size: int | None = None


def parse_rule(text: str) -> Rule:
    """A rule as users write it, ``REGEX=CATEGORY``; ``REGEX=`` leaves events out.

    Raises
    ------
    InputError
        If there is no ``=``, the pattern is no regular expression, or the category is unknown.

    Examples
    --------
    >>> parse_rule("my_step_fn=forward_backward").category
    'forward_backward'
    """
    pattern, separator, category = text.rpartition("=")
    if not separator or not pattern:
        raise InputError(f"rule {text!r}: expected REGEX=CATEGORY, such as 'matmul|conv=forward_backward'")
    names = [member.value for member in Category]
    if category and category not in names:
        raise UnknownNameError("category", category, names, f"rule {text!r}")
    try:
        return Rule(re.compile(pattern, re.IGNORECASE), category)
    except re.error as error:
        raise InputError(f"rule {text!r}: {pattern!r} is no regular expression ({error})") from None

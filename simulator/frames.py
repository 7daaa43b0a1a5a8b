"""Tables as pandas DataFrames (an optional extra): one place that imports pandas, and says how to get it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError

if TYPE_CHECKING:
    import pandas

__all__ = ["frame_of"]


def frame_of(
    rows: Iterable[Mapping[str, Any]] | Mapping[str, Any], columns: Iterable[str] | None = None
) -> pandas.DataFrame:
    """A DataFrame of plain records, or of columns by name.

    Parameters
    ----------
    rows : iterable of mapping, or mapping of sequences
    columns : iterable of str, optional
        Their order; also what there is where there are no rows.

    Raises
    ------
    InputError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise InputError("data frames need pandas: pip install 'clustersim[notebook]'") from None
    data = dict(rows) if isinstance(rows, Mapping) else list(rows)
    return pandas.DataFrame(data, columns=None if columns is None else list(columns))

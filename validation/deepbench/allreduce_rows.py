"""Measured all-reduce times of the DeepBench collection as typed rows, from the project's reference folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.deepbench.tables import read_table

__all__ = ["MeasuredAllReduce", "read_all_reduces"]

#: The size at which the GPU runs used another code path; see `MeasuredAllReduce.regular`.
_ODD_FLOATS = 16_777_216


@dataclass(frozen=True, slots=True)
class MeasuredAllReduce:
    """One row of ``allreduce.csv``.

    Attributes
    ----------
    device, library : str
        As the sheets name them.
    ranks, nodes, floats : int
        How many ranks on how many nodes, each with an array of so many 4-byte numbers.
    seconds, deviation : float
        Mean and standard deviation over the benchmark's repetitions [s].
    row : int
        In the sheet.
    """

    device: str
    library: str
    ranks: int
    nodes: int
    floats: int
    seconds: float
    deviation: float
    row: int

    @property
    def size(self) -> float:
        """Bytes of a rank's array."""
        return 4.0 * self.floats

    @property
    def regular(self) -> bool:
        """Whether the row was measured by the system's usual code path.

        The benchmark sends 16,777,217 floats where the sheets say 16,777,216. On GPUs that size was mostly run by
        another library (NCCL with one process, or a ring over MPI) and takes up to 2.4 times as long as its
        neighbours in size imply; on KNL it fits between them.
        """
        return self.floats != _ODD_FLOATS or self.device == "KNL7250"


def read_all_reduces(folder: Path) -> list[MeasuredAllReduce]:
    """All rows of ``allreduce.csv`` in file order; a folder that cannot be read raises InputError."""
    return read_table(folder, "allreduce", _all_reduces)


def _all_reduces(row: Mapping[str, str]) -> Iterator[MeasuredAllReduce]:
    yield MeasuredAllReduce(
        device=row["device"],
        library=row["library"],
        ranks=int(row["ranks"]),
        nodes=int(row["nodes"]),
        floats=int(row["floats"]),
        seconds=float(row["time_us"]) * 1e-6,
        deviation=float(row["std_us"]) * 1e-6,
        row=int(row["row"]),
    )

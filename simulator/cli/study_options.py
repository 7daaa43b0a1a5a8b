"""What commands share that run studies: where finished runs are kept, and what carries them out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.planning.store import ResultStore

__all__ = ["STORE_NAME", "open_store", "study_options", "study_store"]

#: The file of finished runs in a study's folder.
STORE_NAME = "points.sqlite"


def study_options(runs: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--out``, ``--jobs`` and ``--dask``, of a study of what it calls `runs`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(
            (
                click.option(
                    "--out",
                    type=click.Path(path_type=Path),
                    help=f"Folder of the study; finished {runs} are kept there, and found.",
                ),
                click.option(
                    "--jobs", type=click.IntRange(min=1), help="Processes on this machine; all cores by default."
                ),
                click.option(
                    "--dask",
                    metavar="ADDRESS",
                    help="Use the workers of the Dask scheduler there, such as tcp://host:8786.",
                ),
            )
        ):
            command = option(command)
        return command

    return decorate


def study_store(out: Path | None, jobs: int | None, dask: str | None) -> Path | None:
    """Where the store of the study in that folder lies, if it is to have one; the folder is made if it is not there.

    Raises
    ------
    InputError
        If it cannot be made, or the options do not go together.
    """
    if jobs is not None and dask is not None:
        raise InputError("--jobs and --dask exclude one another: the workers of a Dask cluster are started with it")
    if out is None:
        return None
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be made a folder ({error.strerror or error})") from None
    return out / STORE_NAME


def open_store(path: Path | None) -> AbstractContextManager[ResultStore | None]:
    """The store in that file, or none."""
    from simulator.planning.store import ResultStore

    return nullcontext() if path is None else ResultStore(path)

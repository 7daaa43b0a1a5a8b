"""Outcomes of finished points on disk, found again by the content of their scenario.

One SQLite file. A point is a row, written in a transaction of its own and forced to disk before the next one, so a
study that is killed loses nothing that was finished; a transaction that the kill cut off is undone by SQLite when the
file is opened again. The tables are stated in docs/studies.md. One study writes at a time; anybody may read meanwhile.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from simulator.errors import InputError, RunError
from simulator.planning.keys import release, scenario_key
from simulator.planning.lock import FileLock
from simulator.planning.outcome import Outcome, Record, outcome_of, record_of
from simulator.scenario import Scenario

__all__ = ["APPLICATION", "SCHEMA_VERSION", "ResultStore", "scenario_key"]

#: Of the tables below; in the file as SQLite's ``user_version``.
SCHEMA_VERSION = 1
#: Marks a file as such a store, in SQLite's ``application_id``: "CluS" in ASCII.
APPLICATION = 0x436C7553

_EXPECTED = "expected a store of finished points, as 'clustersim sweep --out' makes it"
_TABLES = """
CREATE TABLE points (
    key      TEXT PRIMARY KEY,  -- SHA-256 of the scenario's content, the files it names and the release
    status   TEXT NOT NULL CHECK (status IN ('done', 'infeasible', 'failed')),
    message  TEXT NOT NULL,     -- why there is no result; empty where there is one
    result   TEXT,              -- JSON, clustersim/result/1; NULL where there is none
    scenario TEXT NOT NULL,     -- JSON of the scenario's tables
    release  TEXT NOT NULL,     -- version of clustersim that made it
    finished TEXT NOT NULL      -- when, in UTC, ISO 8601
) WITHOUT ROWID;
CREATE VIEW runs AS SELECT
    key,
    json_extract(scenario, '$.cluster.system') AS system,
    json_extract(scenario, '$.cluster.nodes') AS nodes,
    json_extract(result, '$.workers') AS workers,
    json_extract(scenario, '$.workload.network') AS network,
    json_extract(scenario, '$.workload.batch_size') AS batch_size,
    json_extract(scenario, '$.algorithm.name') AS algorithm,
    json_extract(scenario, '$.simulation.seed') AS seed,
    status,
    json_extract(result, '$.time_s') AS time_s,
    json_extract(result, '$.throughput_samples_per_s') AS throughput_samples_per_s,
    json_extract(result, '$.energy_j') AS energy_j,
    json_extract(result, '$.cost_usd') AS cost_usd,
    message
FROM points;
"""


class ResultStore:
    """The outcomes of finished points, in a file. A context manager; `close` lets the next study write.

    Parameters
    ----------
    path : Path
        Made if it does not exist. Beside it lies an empty ``.lock``, which says that a study is writing.

    Raises
    ------
    InputError
        If the file cannot be read or written, is damaged, holds something else, or another study is writing to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._refuse_other_files()
        try:
            self._lock = FileLock(path.with_name(path.name + ".lock"))
        except BlockingIOError:
            raise InputError(f"{path}: another study is writing to it; wait for it, or use another place") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
        try:
            self._open()
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the next study write. What was added is on disk already."""
        self._database.close()
        self._lock.close()

    def __len__(self) -> int:
        """How many outcomes are kept, failed ones included."""
        with self._reading():
            return int(self._database.execute("SELECT count(*) FROM points").fetchone()[0])

    def get(self, scenario: Scenario) -> Outcome | None:
        """The outcome of a point that has been answered, or None; what failed has not been."""
        return self.answer(scenario_key(scenario))

    def answer(self, key: str) -> Outcome | None:
        """As `get`, by the scenario's key."""
        with self._reading():
            query = "SELECT status, result, message FROM points WHERE key = ? AND status != 'failed'"
            row: Record | None = self._database.execute(query, (key,)).fetchone()
        if row is None:
            return None
        try:
            return outcome_of(row)
        except ValueError as error:
            raise InputError(f"{self.path}: is damaged: point {key[:12]} holds {error}; {_EXPECTED}") from None

    def add(self, scenario: Scenario, outcome: Outcome) -> None:
        """Keep the outcome of a finished point, in place of an earlier one.

        Raises
        ------
        RunError
            If it cannot be written, as on a full disk; what was added before is kept.
        """
        self.put(scenario_key(scenario), scenario, record_of(outcome))

    def put(self, key: str, scenario: Scenario, record: Record) -> None:
        """As `add`, for who has the key and the record already."""
        status, result, message = record
        tables = json.dumps(scenario.tables.model_dump(mode="json"))
        row = (key, status, message, result, tables, release(), datetime.now(UTC).isoformat(timespec="seconds"))
        try:
            # Outside a transaction every statement is one of its own, which ends when it is on disk.
            self._database.execute("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        except (sqlite3.Error, OSError) as error:
            raise RunError(f"{self.path}: cannot be written ({error}); what was finished before is kept") from None

    def _refuse_other_files(self) -> None:
        """Refuse what SQLite would take for damaged although it is something else."""
        try:
            with self.path.open("rb") as file:
                beginning = file.read(16)
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror or error})") from None
        if beginning.startswith(b"{"):
            raise InputError(
                f"{self.path}: holds lines of JSON, as earlier versions kept their runs; name a new file, "
                "in which they are done again"
            )
        if beginning and not b"SQLite format 3\0".startswith(beginning):
            raise InputError(f"{self.path}: is no SQLite file; {_EXPECTED}")

    def _open(self) -> None:
        try:
            self._database = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: cannot be opened ({error})") from None
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        with self._reading():
            # A journal beside the file rather than a write-ahead log: the file alone is the store, on any file system.
            self._database.execute("PRAGMA journal_mode = DELETE")
            self._database.execute("PRAGMA synchronous = FULL")
            application, schema = (self._pragma(name) for name in ("application_id", "user_version"))
            empty = not self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if empty and not application:
                self._create()
                return
            if application != APPLICATION:
                raise InputError(f"{self.path}: is another program's SQLite file; {_EXPECTED}")
            if schema > SCHEMA_VERSION:
                self._refuse_schema(schema)
            with closing(self._database.execute("PRAGMA quick_check(1)")) as found:
                state = str(found.fetchone()[0])
            if state != "ok":
                raise sqlite3.DatabaseError(" ".join(state.removeprefix("*** in database main ***").split()))

    def _create(self) -> None:
        self._database.executescript(
            f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    def _refuse_schema(self, schema: int) -> NoReturn:
        raise InputError(
            f"{self.path}: has schema {schema}, from a newer clustersim; this one knows {SCHEMA_VERSION}: "
            "install the newer one, or name a new file"
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Say in one line what SQLite finds wrong with the file."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise InputError(f"{self.path}: cannot be used ({error})") from None
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{self.path}: is damaged ({error}); move it away to begin anew, or save what is left with "
                "'sqlite3 FILE .recover'"
            ) from None

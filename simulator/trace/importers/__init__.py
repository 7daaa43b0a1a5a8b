"""Other people's runs: profiles and benchmark outputs of many programs as traces and observations.

What a file is, its content says, not its name:

=====================================================  =================================
file                                                   becomes
=====================================================  =================================
this project's trace                                   the trace
PyTorch profiler (Kineto) JSON, also gzip, one a rank  one trace of all ranks
Chrome trace-event JSON of any program                 a trace, by rules on event names
NCCL-tests output                                      times of collectives
OSU micro-benchmark output                             times of messages or collectives
a table (CSV)                                          times of steps, collectives, …
=====================================================  =================================
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simulator.calibration.observations import Observation
from simulator.errors import InputError, located
from simulator.trace.checks import refuse_problems, repair
from simulator.trace.chrome_reader import is_trace, trace_of
from simulator.trace.importers.chrome_events import read_chrome_events
from simulator.trace.importers.kineto import is_kineto, read_kineto
from simulator.trace.importers.nccl_tests import is_nccl_tests, read_nccl_tests
from simulator.trace.importers.options import ImportOptions, Rule, parse_rule
from simulator.trace.importers.osu import is_osu, read_osu
from simulator.trace.importers.recordings import Recording, merge
from simulator.trace.importers.table import is_table, read_table, table_of
from simulator.trace.json_events import parse_document, read_text
from simulator.trace.spans import Trace

__all__ = ["EXPECTED", "ImportOptions", "Rule", "parse_rule", "read_measurements", "table_of"]

EXPECTED = (
    "a trace of this project, a PyTorch profiler trace, Chrome trace JSON, the output of NCCL-tests or of an OSU "
    "benchmark, or a CSV table of devices, batch and step time"
)
_SUFFIXES = (".json", ".json.gz", ".gz", ".csv", ".txt", ".out", ".log")


def read_measurements(
    path: Path | Sequence[Path], *, options: ImportOptions | None = None
) -> Trace | list[Observation]:
    """What was measured, from one file or from several that belong together.

    Parameters
    ----------
    path : Path or sequence of Path
        Files, or a folder of them. Several profiler traces are one a rank and become one trace with aligned clocks;
        several tables or benchmark outputs become one list.
    options : ImportOptions, optional

    Returns
    -------
    Trace or list of Observation
        Traces have passed `simulator.trace.checks.check`; what had to be repaired stands in ``metadata["repairs"]``,
        what is not known in ``metadata["notes"]``, and how clocks were aligned in ``metadata["clocks"]``.

    Raises
    ------
    InputError
        One line that names the file, the event or line, and what was expected.
    """
    options = options or ImportOptions()
    paths = [path] if isinstance(path, Path) else list(path)
    files = [file for one in paths for file in _files(one)]
    if not files:
        raise InputError(f"no files to read; expected {EXPECTED}")
    traces: list[tuple[Path, Trace]] = []
    recordings: list[Recording] = []
    observations: list[Observation] = []
    for file in files:
        _read(file, options, traces, recordings, observations)
    if bool(traces) + bool(recordings) + bool(observations) > 1 or len(traces) > 1:
        kinds = f"{len(traces)} traces, {len(recordings)} ranks' profiles, {len(observations)} measured times"
        raise InputError(f"{files[0]} and {len(files) - 1} more: {kinds}; expected files that belong together")
    if observations:
        return observations
    if traces:
        return _checked(traces[0][1], str(traces[0][0]), options.repair)
    where = str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    return _checked(merge(recordings, options), where, options.repair)


def _files(path: Path) -> list[Path]:
    """The files of a folder that may be measurements, or the file itself."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.is_file() and file.name.endswith(_SUFFIXES))
    if not found:
        raise InputError(f"{path}: no file in this folder ends in {', '.join(_SUFFIXES)}; expected {EXPECTED}")
    return found


def _read(
    file: Path,
    options: ImportOptions,
    traces: list[tuple[Path, Trace]],
    recordings: list[Recording],
    observations: list[Observation],
) -> None:
    """Add what the file holds to the list of its kind."""
    text, lost = read_text(file, EXPECTED, options.repair)
    start = text.lstrip()[:1]
    if is_nccl_tests(text):
        observations.extend(read_nccl_tests(text, str(file), options))
    elif is_osu(text):
        observations.extend(read_osu(text, str(file), options))
    elif start in ("{", "["):
        document = parse_document(text, str(file), EXPECTED, options.repair)
        document.lost = "; ".join(part for part in (lost, document.lost) if part)
        if is_trace(document):
            traces.append((file, trace_of(document, options.repair)))
        elif is_kineto(document):
            recordings.append(read_kineto(document, options))
        else:
            recordings.extend(read_chrome_events(document, options))
    elif is_table(text):
        observations.extend(read_table(text, str(file), options))
    else:
        shown = text.lstrip().partition("\n")[0][:40]
        raise InputError(f"{file}: not recognised (it begins with {shown!r}); expected {EXPECTED}")


def _checked(trace: Trace, where: str, mend: bool) -> Trace:
    """The trace, refused or repaired if its events cannot all be true."""
    if not trace.spans:
        raise InputError(f"{where}: a trace without a single span")
    if not mend:
        refuse_problems(trace, where)
        return trace
    with located(where):
        trace, notes = repair(trace)
    before = trace.metadata.get("repairs")
    if notes or before:
        trace.metadata["repairs"] = [*(before if isinstance(before, list) else []), *notes]
    return trace

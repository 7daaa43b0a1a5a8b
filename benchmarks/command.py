"""The commands: how they are called, and what becomes of errors."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.effort import Effort
from benchmarks.findings import growth_cells, print_changes, print_profile, print_table
from benchmarks.record import read_record, records_in, write_record
from benchmarks.table import page_cells, print_record
from simulator.errors import InputError, SimulatorError, UnknownNameError

if TYPE_CHECKING:
    from benchmarks.peers.simgrid import SimGrid

__all__ = ["HISTORY", "main"]

HISTORY = Path(__file__).parent / "history"

#: Wide enough for the tables wherever they go.
_WIDTH = 240

#: Profiled if nothing else is named: seconds each, and hardly anything but messages.
_TYPICAL = "W1:ring, 27 MB, P = 256,W3:P = 64"


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0; 1 if predicted times differ or a run failed; 2 for bad input."""
    try:
        options = _parser().parse_args(_with_default(arguments))
        return int(options.command(options))
    except SimulatorError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # whoever reads has had enough; nothing is left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _with_default(arguments: Sequence[str]) -> list[str]:
    """Without a command, the workloads are run."""
    wanted = list(arguments)
    return wanted if wanted and wanted[0] in (*_COMMANDS, "-h", "--help") else ["run", *wanted]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast the simulator is.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (text, add_options) in _COMMANDS.items():
        add_options(commands.add_parser(name, help=text, description=text))
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    usual = Effort()
    parser.add_argument("--only", metavar="W1,W4", help="these workloads only; W1:ring those whose size says so")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: whether it works")
    parser.add_argument("--repeat", type=_positive, help=f"runs of each, of which the best counts ({usual.repeats})")
    parser.add_argument("--no-simgrid", action="store_true", help="ours only")
    parser.add_argument("--no-exact", action="store_true", help="not without shortcuts")
    parser.add_argument("--exact-messages", type=_positive, default=usual.exact_messages, help="most messages without")
    parser.add_argument("--limit", type=_positive, default=usual.limit_s, help="seconds after which a run is given up")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the results there")
    parser.add_argument("--keep", action="store_true", help="keep them in benchmarks/history")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from benchmarks.cases import cases, quick_cases, selected
    from benchmarks.suite import run_cases

    chosen = selected(quick_cases() if options.quick else cases(), options.only)
    target = _target(options)
    simgrid = _simgrid(options)
    with Console(stderr=True).status("") as status:
        for record in run_cases(chosen, _effort(options), simgrid, status.update):
            if target:
                write_record(record, target)
    print_record(record, Console(width=_WIDTH))
    return 1 if any(row.disagreements or row.ours is None for row in record.rows) else 0


def _simgrid(options: argparse.Namespace) -> SimGrid | None:
    from benchmarks.peers.simgrid import HOW_TO_INSTALL, find_simgrid

    if options.no_simgrid:
        return None
    found = find_simgrid()
    if found is None:
        print(HOW_TO_INSTALL, file=sys.stderr)
    return found


def _target(options: argparse.Namespace) -> Path | None:
    """Where the results go; looked at before anything is run."""
    target: Path | None = options.json
    if target is None and options.keep:
        target = HISTORY / f"{_now():%Y-%m-%dT%H%M}.json"
    if target and not target.parent.is_dir():
        raise InputError(f"{target}: cannot keep the results: there is no folder {target.parent}")
    return target


def _effort(options: argparse.Namespace) -> Effort:
    usual = Effort()
    return Effort(
        repeats=options.repeat or (1 if options.quick else usual.repeats),
        limit_s=options.limit,
        exact_messages=0 if options.no_exact else options.exact_messages,
    )


def _show_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, nargs="?", help="the newest of the history if left out")
    parser.add_argument("--markdown", action="store_true", help="as a table for a page")
    parser.set_defaults(command=_show)


def _show(options: argparse.Namespace) -> int:
    record = read_record(options.file or _newest(1)[-1])
    if options.markdown:
        print_table(*page_cells(record), True)
    else:
        print_record(record, Console(width=_WIDTH))
    return 0


def _compare_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", type=Path, nargs="?", help="the last but one of the history if left out")
    parser.add_argument("new", type=Path, nargs="?", help="the newest of the history if left out")
    parser.set_defaults(command=_compare)


def _compare(options: argparse.Namespace) -> int:
    if options.old is None:
        options.old, options.new = _newest(2)
    old, new = read_record(options.old), read_record(options.new or _newest(1)[0])
    print_changes(old, new, Console(width=_WIDTH))
    return 0


def _growth_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", metavar="W1,incast", help="what is named so only")
    parser.add_argument("--repeat", type=_positive, default=2, help="runs of each size, of which the best counts (2)")
    parser.add_argument("--limit", type=_positive, default=20, help="a way ends at the first run so many seconds long")
    parser.add_argument("--most", type=_positive, help="the largest size; all up to 4096 ranks and 10,000 flows")
    parser.add_argument("--no-simgrid", action="store_true", help="ours only")
    parser.add_argument("--markdown", action="store_true", help="as a table for a page")
    parser.set_defaults(command=_growth)


def _growth(options: argparse.Namespace) -> int:
    from benchmarks.growth import families, grown

    wanted = [part.strip() for part in (options.only or "").split(",") if part.strip()]
    chosen = [name for name in families() if not wanted or any(part.lower() in name.lower() for part in wanted)]
    if not chosen:
        raise UnknownNameError("workload", options.only, ("W1", "W3", "W4"), "--only")
    simgrid = _simgrid(options)
    with Console(stderr=True).status("") as status:
        curves = list(grown(chosen, simgrid, options.repeat, options.limit, options.most, status.update))
    print_table(*growth_cells(curves), options.markdown)
    return 0


def _layers_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", metavar="W1,W3", default=_TYPICAL, help=f"as of run; {_TYPICAL}")
    parser.add_argument("--fast", action="store_true", help="as users get it, instead of without shortcuts")
    parser.set_defaults(command=_layers)


def _layers(options: argparse.Namespace) -> int:
    from benchmarks.cases import cases, selected
    from benchmarks.layers import profile

    for case in selected(cases(), options.only):
        print_profile(case.key, profile(case.workload, exact=not options.fast), Console(width=_WIDTH))
    return 0


def _newest(count: int) -> Sequence[Path]:
    found = records_in(HISTORY)
    if len(found) < count:
        raise InputError(f"the history holds {len(found)} records; expected {count}, or files to compare")
    return found[-count:]


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _positive(text: str) -> int:
    number = int(float(text))
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {text}")
    return number


_COMMANDS = {
    "run": ("the workloads, beside SimGrid where it is installed", _run_options),
    "compare": ("what has changed between two records", _compare_options),
    "growth": ("exponents of the cost as the work grows", _growth_options),
    "layers": ("messages a second without shortcuts, and where the time goes", _layers_options),
    "show": ("the table of a record", _show_options),
}

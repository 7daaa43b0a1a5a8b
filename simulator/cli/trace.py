"""``clustersim trace`` and ``import``: traces of this program and of others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.common import check_plot, check_writable, console, write_json
from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.trace import Trace

__all__ = ["import_", "trace"]


def _import_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What an importer cannot know from the files it reads."""
    for decorate in (
        click.option("--repair", is_flag=True, help="Recover and repair what can be; say what was done."),
        click.option("--rule", "rules", multiple=True, metavar="REGEX=PART", help="What events of a Chrome trace are."),
        click.option("--align", default="auto", show_default=True, help="Clocks by: auto, collectives, steps or none."),
        click.option("--processes", default="ranks", show_default=True, help="Of a Chrome trace: ranks or lanes."),
    ):
        command = decorate(command)
    return command


def _note(loaded: Trace) -> None:
    """Say on standard error what was repaired, left out or assumed while a trace was read."""
    for key in ("repairs", "clocks", "notes"):
        lines = loaded.metadata.get(key, [])
        for line in lines if isinstance(lines, list) else []:
            print(f"{key.removesuffix('s')}: {line}", file=sys.stderr)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_import_options
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Draw a timeline: .svg, .png or .pdf.")
@click.option("--steps", default="0:2", show_default=True, metavar="FIRST:LAST", help="Steps of the timeline.")
@click.option("--pieces", type=click.IntRange(min=1), default=20, show_default=True, help="Critical-path rows to show.")
@click.option("--json", "json_path", metavar="FILE", help="Write breakdown and lanes as JSON ('-': only).")
def trace(
    files: Sequence[Path],
    repair: bool,
    rules: Sequence[str],
    align: str,
    processes: str,
    plot_path: Path | None,
    steps: str,
    pieces: int,
    json_path: str | None,
) -> None:
    """Show where the time of a trace went: breakdown, lanes, the end of its critical path.

    FILES are a trace of this program, or those of another, one a rank: PyTorch profiler or Chrome trace JSON.
    """
    from simulator.report.tables import trace_view
    from simulator.trace import Trace as TraceType
    from simulator.trace import breakdown, communication_ratio
    from simulator.trace.importers import ImportOptions, parse_rule, read_measurements

    check_writable(json_path)
    check_plot(plot_path)
    options = ImportOptions(repair, tuple(map(parse_rule, rules)), processes, align)
    loaded = read_measurements(files, options=options)
    if not isinstance(loaded, TraceType):
        raise InputError(f"{files[0]}: {len(loaded):,} measured times, not a trace; see 'clustersim import'")
    _note(loaded)
    console(json_path).print(trace_view(loaded, pieces))
    if plot_path is not None:
        from simulator.report.plots import timeline

        timeline(loaded, plot_path, *_step_range(steps))
        print(f"plot: {plot_path}", file=sys.stderr)
    parts = breakdown(loaded)
    document = {
        "schema": "clustersim/trace-summary/1",
        "time_s": loaded.duration,
        "spans": len(loaded.spans),
        "breakdown_s": parts,
        "communication_ratio": communication_ratio(parts),
    }
    write_json(json_path, document)


def _step_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition(":")
    try:
        return int(first), int(last or first)
    except ValueError:
        raise InputError(f"--steps: expected FIRST:LAST, such as 10:12, got {text!r}") from None


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_import_options
@click.option("--ranks", type=click.IntRange(min=1), help="Devices of a benchmark or table that does not say.")
@click.option("--ranks-per-node", type=click.IntRange(min=1), help="Devices a node, of one that does not say.")
@click.option("--collective", help="Kind of collective of a benchmark that does not say: all_reduce, broadcast, …")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples a device and step, where files do not say.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where a trace (JSON) or times (CSV) go.")
def import_(
    files: Sequence[Path],
    repair: bool,
    rules: Sequence[str],
    align: str,
    processes: str,
    ranks: int | None,
    ranks_per_node: int | None,
    collective: str | None,
    batch_size: int | None,
    out: Path,
) -> None:
    """Turn what other programs measured into a trace or a table of times, to look at and to calibrate with.

    FILES (or a folder) are PyTorch profiler traces, one a rank, Chrome trace JSON, output of NCCL-tests or of OSU
    micro-benchmarks, or CSV tables of devices, batch size and step time; their content says which.
    """
    from simulator.trace import Trace
    from simulator.trace.chrome import write_trace
    from simulator.trace.importers import ImportOptions, parse_rule, read_measurements, table_of

    check_writable(out)
    options = ImportOptions(
        repair,
        tuple(map(parse_rule, rules)),
        processes,
        align,
        ranks=ranks,
        ranks_per_node=ranks_per_node,
        collective=collective,
        batch_size=batch_size,
    )
    loaded = read_measurements(files, options=options)
    if isinstance(loaded, Trace):
        _note(loaded)
        write_trace(loaded, out)
        print(f"{out}: a trace of {len(loaded.ranks)} ranks, {len(loaded.spans):,} spans, {loaded.duration:.6g} s")
        return
    try:
        out.write_text(table_of(loaded), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from None
    print(f"{out}: {len(loaded):,} measured times")

"""The command line, ``clustersim``. Heavy modules are imported by the commands that need them, so help comes at once.

Results go to standard output, progress and errors to standard error. Exit codes: 0 success, 2 bad input (one line
says which file, which key, what was expected), 1 a run that failed.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.errors import InputError, SimulatorError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from simulator.result import Result
    from simulator.scenario import Scenario
    from simulator.trace import Trace

__all__ = ["main"]

COMPARISON_SCHEMA = "clustersim/comparison/1"
_WIDTH_WITHOUT_TERMINAL = 150


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clustersim")
def cli() -> None:
    """Which distributed training algorithm, on which cluster, how big: simulated before you have the machines.

    SCENARIO is a TOML file, or the name of a bundled example (see 'clustersim examples').
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: run a command, turn expected errors into one line and an exit code."""
    try:
        code = cli.main(args=arguments, prog_name="clustersim", standalone_mode=False)
    except click.ClickException as error:
        _fail(" ".join(error.format_message().split()), error.exit_code)
    except SimulatorError as error:
        _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has gone; there is nobody left to tell.
        sys.stderr.close()
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    print(f"clustersim: {message}", file=sys.stderr)
    sys.exit(code)


# Options shared by commands -------------------------------------------------------------------------------------------


def _scenario_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        click.argument("scenario"),
        click.option(
            "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key of the scenario."
        ),
        click.option("--seed", type=click.IntRange(min=0), help="Short for --set simulation.seed=…"),
        click.option("--exact", is_flag=True, help="Simulate every step, even those that repeat the one before."),
        click.option(
            "--json", "json_path", metavar="FILE", help="Write the result as JSON ('-': standard output only)."
        ),
    ):
        command = decorate(command)
    return command


def _load(scenario: str, assignments: Sequence[str], seed: int | None, exact: bool) -> Scenario:
    from simulator.scenario import Scenario, parse_assignment

    overrides = dict(parse_assignment(text) for text in assignments)
    if seed is not None:
        overrides["simulation.seed"] = seed
    if exact:
        overrides["simulation.exact"] = True
    return Scenario.load(scenario, overrides)


def _console(json_path: str | None = None) -> Console:
    """Where tables go: standard output, or nowhere when that is kept for JSON."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    return Console(width=width, quiet=json_path == "-", highlight=False)


def _check_writable(*paths: str | Path | None) -> None:
    """Refuse outputs that could not be written, before work is done for them."""
    for path in paths:
        if path is None or path == "-":
            continue
        folder = Path(path).resolve().parent
        if not folder.is_dir():
            raise InputError(f"{path}: cannot be written: there is no folder {folder}")
        if Path(path).is_dir():
            raise InputError(f"{path}: cannot be written: it is a folder")


def _check_plot(path: Path | None) -> None:
    """Refuse a plot that could not be drawn, before work is done for it."""
    if path is not None:
        from simulator.figures import check_drawable

        _check_writable(path)
        check_drawable(path)


def _write_json(json_path: str | None, document: Any) -> None:
    if json_path is None:
        return
    text = json.dumps(document, indent=2, allow_nan=False)
    if json_path == "-":
        print(text)
        return
    try:
        Path(json_path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{json_path}: cannot be written ({error.strerror or error})") from None


@contextmanager
def _progress(total: int, label: str) -> Iterator[Callable[[str, int], None]]:
    """A bar on standard error; yields ``show(what, completed)``. It stays invisible until a second has passed."""
    import time

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    task = bar.add_task(label, total=total)
    begun = time.monotonic()
    shown = False

    def show(what: str, completed: int) -> None:
        nonlocal shown
        if not shown and time.monotonic() - begun > 1.0:
            bar.start()
            shown = True
        bar.update(task, description=what, completed=completed)

    try:
        yield show
    finally:
        if shown:
            bar.stop()


# Commands -------------------------------------------------------------------------------------------------------------


@cli.command()
@_scenario_options
@click.option("--trace", "trace_path", type=click.Path(path_type=Path), help="Write a Chrome/Perfetto trace.")
@click.option("--no-interval", is_flag=True, help="Leave out how sure the time is that rests on a calibration.")
def run(
    scenario: str,
    assignments: Sequence[str],
    seed: int | None,
    exact: bool,
    json_path: str | None,
    trace_path: Path | None,
    no_interval: bool,
) -> None:
    """Simulate SCENARIO and print how long it takes, what bounds it and where the time goes."""
    from simulator.report.tables import result_view
    from simulator.simulation import Simulation

    _check_writable(json_path, trace_path)
    simulation = Simulation(_load(scenario, assignments, seed, exact))
    with _progress(simulation.steps, simulation.algorithm.name) as show:
        result = simulation.run(lambda step: show(simulation.algorithm.name, step))
        if not no_interval:
            from simulator.calibration.interval import with_interval

            result = with_interval(result, simulation.scenario, lambda name: show(f"how sure: {name}", 0))
    _console(json_path).print(result_view(result))
    _write_json(json_path, result.to_dict())
    if trace_path is not None:
        from simulator.trace.chrome import write_trace

        write_trace(result.trace, trace_path)
        print(f"trace: {trace_path} (open it at https://ui.perfetto.dev)", file=sys.stderr)


@cli.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the profiles.")
@click.option("--name", help="Of the system; that of the folder by default.")
@click.option("--quick", is_flag=True, help="Fewer shapes, sizes and repetitions: 15 seconds instead of a minute.")
@click.option("--messages/--no-messages", default=True, help="Measure messages over MPI (default), or assume them.")
@click.option("--mpiexec", help="Command that starts processes; the one beside this Python by default.")
@click.option("--json", "json_path", metavar="FILE", help="Write the measurements as JSON ('-': standard output only).")
def probe(out: Path, name: str | None, quick: bool, messages: bool, mpiexec: str | None, json_path: str | None) -> None:
    """Measure this machine, and write what was found as a system profile that scenarios can name.

    Without mpi4py, everything but messages between processes is measured.
    """
    from simulator.hardware import load_system
    from simulator.probe.check import check_gradients
    from simulator.probe.measurement import FULL, QUICK, measure
    from simulator.probe.profile import check_name, write_profiles
    from simulator.probe.view import probe_document, probe_view

    system_name = name or out.resolve().name
    check_name(system_name)
    _check_writable(json_path, out.resolve() / "profile.toml" if out.exists() else None)
    effort = QUICK if quick else FULL
    with _progress(100, "starting") as show:
        found = measure(
            effort,
            _message_probe(mpiexec) if messages else None,
            lambda what, share: show(what, round(100 * share)),
        )
    path = write_profiles(found, out, system_name)
    checks = check_gradients(load_system(path), effort.rounds)
    _console(json_path).print(probe_view(found, checks, str(path)))
    _write_json(json_path, probe_document(found, checks, str(path)))


def _message_probe(mpiexec: str | None) -> Callable[[int, Callable[[float], None]], Any] | None:
    """What measures messages between processes; None, with a word why, where it is not installed."""
    from validation.training.launch import find_mpiexec
    from validation.training.message_times import measure_messages

    try:
        find_mpiexec(mpiexec)
    except InputError as error:
        if mpiexec is not None:
            raise
        print(f"clustersim: messages are not measured: {error}", file=sys.stderr)
        return None
    return lambda rounds, progress: measure_messages(rounds, progress=progress, mpiexec=mpiexec)


@cli.command()
@click.argument("traces", nargs=-1, required=True, metavar="TRACE...", type=click.Path(path_type=Path))
@click.option("--scenario", help="What was run, where the files do not say.")
@click.option("--profile", help="System profile to calibrate; the scenario's by default.")
@click.option(
    "--fit",
    "wanted",
    default="compute,network,overhead,jitter",
    show_default=True,
    metavar="GROUP,…",
    help="What to fit: groups, or names of parameters such as compute.scale.lenet.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Overlay to write: a .toml file.")
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Draw the residuals: .svg, .png or .pdf.")
@click.option("--fit-steps", is_flag=True, help="Fit whole steps as well, by simulation, instead of checking them.")
@click.option("--starts", type=click.IntRange(min=1), default=8, show_default=True, help="Fits from different points.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the points to start from.")
@click.option("--json", "json_path", metavar="FILE", help="Write the calibration as JSON ('-': standard output only).")
def calibrate(
    traces: tuple[Path, ...],
    scenario: str | None,
    profile: str | None,
    wanted: str,
    out: Path,
    plot_path: Path | None,
    fit_steps: bool,
    starts: int,
    seed: int,
    json_path: str | None,
) -> None:
    """Fit the model of a system to TRACEs or tables of measured times, and write what was found as an overlay.

    A TRACE is a file that 'clustersim record' or 'run --trace' wrote, another program's profile, benchmark output or
    table, or a folder with one profile a rank. Scenarios use the overlay with [calibration] overlay = "FILE".
    """
    from simulator.calibration.calibrate import calibrate as fit_parameters
    from simulator.calibration.calibrate import recording
    from simulator.calibration.overlay_text import write_overlay
    from simulator.report.calibration import calibration_document, calibration_view, residual_plot
    from simulator.scenario import Scenario
    from simulator.trace.importers import read_measurements

    _check_writable(out, json_path)
    _check_plot(plot_path)
    said = None if scenario is None else Scenario.load(scenario)
    recordings = [recording(path, read_measurements(path), said, profile) for path in traces]
    names = [text.strip() for text in wanted.split(",") if text.strip()]
    with _progress(len(recordings) + 2, "calibrating") as show:
        done = itertools.count()
        found = fit_parameters(
            recordings,
            names,
            name=out.stem,
            starts=starts,
            seed=seed,
            fit_steps=fit_steps,
            progress=lambda what: show(what, next(done)),
        )
    _console(json_path).print(calibration_view(found))
    write_overlay(found.overlay, out)
    print(f"overlay: {out}", file=sys.stderr)
    if plot_path is not None:
        residual_plot(found, plot_path)
        print(f"plot: {plot_path}", file=sys.stderr)
    _write_json(json_path, calibration_document(found))


@cli.command()
@click.argument("scenario")
@click.option("--ranks", type=click.IntRange(min=1), default=2, show_default=True, help="Workers, a process each.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key of the scenario.")
@click.option("--steps", type=click.IntRange(min=1), help="Gradients of each worker; the scenario's by default.")
@click.option("--system", help="Profile of this machine, for predictions (see 'clustersim probe').")
@click.option("--out", type=click.Path(path_type=Path), default=Path("recording"), show_default=True, help="Folder.")
@click.option("--mpiexec", help="Command that starts processes, with its own options: 'mpiexec -hosts a,b'.")
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), help="End the run after so many seconds.")
@click.option("--json", "json_path", metavar="FILE", help="Write the description as JSON ('-': standard output only).")
def record(
    scenario: str,
    ranks: int,
    assignments: Sequence[str],
    steps: int | None,
    system: str | None,
    out: Path,
    mpiexec: str | None,
    time_limit: float | None,
    json_path: str | None,
) -> None:
    """Train SCENARIO's algorithm for real over MPI, and record the trace.

    One process a worker, and one for a master. Trace, accuracy and a description of the machine are left in a folder;
    of a run that failed, what there was until then.
    """
    from validation.training.recording import real_scenario
    from validation.training.recording import record as record_run
    from validation.training.view import recording_view

    _check_writable(json_path, out / "trace.json" if out.exists() else out)
    real = real_scenario(_load(scenario, assignments, None, False), ranks, system, steps)
    total = real.tables.workload.steps or 1
    with _progress(total, real.tables.algorithm.name) as show:
        recording = record_run(real, out, lambda step: show(real.tables.algorithm.name, step), mpiexec, time_limit)
    _console(json_path).print(recording_view(recording))
    _write_json(json_path, recording.to_dict())
    print(f"recording: {out} (trace.json, scenario.toml, recording.json, weights.npy)", file=sys.stderr)


@cli.command()
@_scenario_options
@click.option("--algorithms", help="Comma-separated; NAME or NAME:OPTION=VALUE. Default: the scenario's [compare].")
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Draw the breakdown: .svg, .png or .pdf.")
@click.option("--until", metavar="accuracy=A", help="Learn until that test accuracy; needs a [learning] table.")
@click.option("--replicates", type=click.IntRange(min=1), default=1, show_default=True, help="Seeds, with --until.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes, with --until; all cores by default.")
@click.option(
    "--store",
    "store_path",
    type=click.Path(path_type=Path),
    help="Keep finished runs of --until here, and resume from it.",
)
@click.option("--vary", multiple=True, metavar="KEY=V1,V2,…", help="Compare over values of a key; may be repeated.")
def compare(
    scenario: str,
    assignments: Sequence[str],
    seed: int | None,
    exact: bool,
    json_path: str | None,
    algorithms: str | None,
    plot_path: Path | None,
    until: str | None,
    replicates: int,
    jobs: int | None,
    store_path: Path | None,
    vary: Sequence[str],
) -> None:
    """Simulate SCENARIO once for each algorithm and each varied value, and print the runs side by side."""
    from simulator.report.tables import comparison_table
    from simulator.simulation import Simulation

    _check_writable(json_path, store_path)
    _check_plot(plot_path)
    base = _load(scenario, assignments, seed, exact)
    if until is not None:
        _compare_until(base, algorithms, vary, until, replicates, jobs, store_path, json_path, plot_path)
        return
    if replicates != 1 or jobs is not None or store_path is not None:
        raise InputError("--replicates, --jobs and --store have an effect only with --until accuracy=A")
    rows: list[tuple[str, Result]] = []
    # Build all before running any, so that a bad name in the last one is found at once.
    simulations = [(name, Simulation(variant)) for name, variant in _variants(base, algorithms, vary)]
    total = sum(simulation.steps for _, simulation in simulations)
    done = 0
    with _progress(total, "comparing") as show:
        for name, simulation in simulations:
            rows.append((name, simulation.run(lambda step, n=name, d=done: show(n, d + step))))  # type: ignore[misc]
            done += simulation.steps
    first = rows[0][1]
    title = f"{first.network} on {first.nodes} × {first.system}, batch {first.batch_size} a worker"
    console = _console(json_path)
    console.print(comparison_table(rows, title, console.width))
    if plot_path is not None:
        from simulator.report.plots import breakdown_bars

        breakdown_bars(rows, plot_path, title)
        print(f"plot: {plot_path}", file=sys.stderr)
    document = {
        "schema": COMPARISON_SCHEMA,
        "results": [{"name": name, **result.to_dict()} for name, result in rows],
    }
    _write_json(json_path, document)


def _compare_until(
    base: Scenario,
    algorithms: str | None,
    vary: Sequence[str],
    until: str,
    replicates: int,
    jobs: int | None,
    store_path: Path | None,
    json_path: str | None,
    plot_path: Path | None,
) -> None:
    """Learning runs of every variant under several seeds: time to accuracy with intervals, and the curves."""
    from simulator.planning.replicates import run_replicates, time_to_accuracy
    from simulator.planning.store import ResultStore
    from simulator.report.learning import accuracy_curves, time_to_accuracy_document, time_to_accuracy_table
    from simulator.scenario import parse_assignment
    from simulator.simulation import Simulation

    key, target = parse_assignment(until)
    if key != "accuracy" or not isinstance(target, float | int) or not 0 < target <= 1:
        raise InputError(f"--until: expected accuracy=A with 0 < A <= 1, such as accuracy=0.95, got {until!r}")
    if base.tables.learning is None:
        raise InputError(f"{base.where}: learning: missing; --until needs a scenario that learns")
    base = base.override({"learning.target_accuracy": float(target)})
    variants = _variants(base, algorithms, vary)
    for _, variant in variants:
        Simulation(variant)  # finds a wrong name in the last one before the first one runs
    with _progress(len(variants) * replicates, "learning") as show:
        store = None if store_path is None else ResultStore(store_path)
        found = run_replicates(variants, replicates, jobs, show, store)
    rows = [time_to_accuracy(name, float(target), results) for name, results in found.items()]
    _console(json_path).print(time_to_accuracy_table(rows))
    if plot_path is not None:
        accuracy_curves(rows, plot_path)
        print(f"plot: {plot_path}", file=sys.stderr)
    _write_json(json_path, time_to_accuracy_document(rows))


def _variants(base: Scenario, algorithms: str | None, vary: Sequence[str]) -> list[tuple[str, Scenario]]:
    """(label, scenario) for every algorithm and every combination of varied values."""
    from simulator.scenario import parse_assignment

    names = algorithms.split(",") if algorithms else base.tables.compare.algorithms or [base.tables.algorithm.name]
    choices: list[list[tuple[str, dict[str, Any]]]] = [[_algorithm_variant(base, name.strip()) for name in names]]
    for text in vary:
        key, values = parse_assignment(text)
        values = [parse_assignment(f"{key}={value}")[1] for value in str(values).split(",")]
        choices.append([(f"{key.rsplit('.', 1)[-1]}={value}", {key: value}) for value in values])
    variants = []
    for combination in itertools.product(*choices):
        changes: dict[str, Any] = {}
        for _, change in combination:
            changes |= change
        variants.append((" ".join(label for label, _ in combination), base.override(changes)))
    return variants


def _algorithm_variant(base: Scenario, text: str) -> tuple[str, dict[str, Any]]:
    """``"original-easgd:overlap=false"`` as the changes to a scenario; other algorithms' options are dropped."""
    from simulator.scenario import parse_assignment

    name, *options = text.split(":")
    changes: dict[str, Any] = {"algorithm.name": name}
    if name != base.tables.algorithm.name:
        changes |= {f"algorithm.{key}": None for key in ("collectives", *(base.tables.algorithm.model_extra or {}))}
    changes |= {f"algorithm.{key}": value for key, value in map(parse_assignment, options)}
    return text, changes


@cli.command()
@click.argument("name", required=False)
@click.option("--nodes", type=click.IntRange(min=1), default=1, show_default=True, help="Nodes of a system to show.")
@click.option("--draw", type=click.Path(path_type=Path), help="Draw the system to this .svg or .png file.")
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON ('-': standard output only).")
def profiles(name: str | None, nodes: int, draw: Path | None, json_path: str | None) -> None:
    """List hardware profiles, or show one: every number with kind and source, a system with its links and routes."""
    from simulator.report import profiles as views

    console = _console(json_path)
    if name is None:
        if draw is not None:
            raise InputError("--draw: expected the NAME of a system profile")
        listing = views.listing()
        console.print(views.listing_view(listing))
        _write_json(json_path, listing)
        return
    shown = views.find(name)
    view, document = views.profile_view(shown, nodes)
    console.print(view)
    _write_json(json_path, document)
    if draw is not None:
        views.draw_system(shown, nodes, draw)
        print(f"drawing: {draw}", file=sys.stderr)


@cli.command()
@click.argument("name", required=False)
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON ('-': standard output only).")
def networks(name: str | None, json_path: str | None) -> None:
    """List the neural networks with their sizes, or show the layers of one."""
    from simulator.report import networks as views

    view: RenderableType
    view, document = views.all_networks() if name is None else views.one_network(name)
    _console(json_path).print(view)
    _write_json(json_path, document)


@cli.command()
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON ('-': standard output only).")
def algorithms(json_path: str | None) -> None:
    """List the training algorithms with their options, collectives and sources."""
    from simulator.algorithms import algorithm_names, load_algorithm
    from simulator.report.tables import algorithms_table

    found = [load_algorithm(name) for name in algorithm_names()]
    rows = [
        (a.name, a.title, "\n".join(f"{o.name} = {json.dumps(o.default)}: {o.summary}" for o in a.options), a.source)
        for a in found
    ]
    _console(json_path).print(algorithms_table(rows))
    document = [
        {
            "name": a.name,
            "title": a.title,
            "source": a.source,
            "options": {o.name: {"default": o.default, "summary": o.summary} for o in a.options},
            "collectives": dict(a.collectives),
        }
        for a in found
    ]
    _write_json(json_path, document)


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


@cli.command()
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

    _check_writable(json_path)
    _check_plot(plot_path)
    options = ImportOptions(repair, tuple(map(parse_rule, rules)), processes, align)
    loaded = read_measurements(files, options=options)
    if not isinstance(loaded, TraceType):
        raise InputError(f"{files[0]}: {len(loaded):,} measured times, not a trace; see 'clustersim import'")
    _note(loaded)
    _console(json_path).print(trace_view(loaded, pieces))
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
    _write_json(json_path, document)


def _step_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition(":")
    try:
        return int(first), int(last or first)
    except ValueError:
        raise InputError(f"--steps: expected FIRST:LAST, such as 10:12, got {text!r}") from None


@cli.command("import")
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

    _check_writable(out)
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


@cli.command()
def examples() -> None:
    """List the bundled scenarios; each name can stand where a scenario file is expected."""
    from simulator.scenario import Scenario, example_names

    for name in example_names():
        tables = Scenario.load(name).tables
        workload, cluster = tables.workload, tables.cluster
        print(f"{name:18} {tables.algorithm.name} of {workload.network} on {cluster.nodes} × {cluster.system}")


@cli.command()
@click.argument("part", type=click.Choice(["paper", "deepbench", "published", "training", "peers", "all"]))
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="Folder with the raw measurements, or a clone of DeepBench; by default each part looks by itself.",
)
@click.option("--report", "report_path", type=click.Path(path_type=Path), help="Write a report: .html or .md.")
@click.option("--json", "json_path", metavar="FILE", help="Write the findings as JSON ('-': standard output only).")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Parts run side by side.")
@click.option("--all-rows", is_flag=True, help="Print every row; by default the worst of each table.")
def validate(
    part: str, reference: Path | None, report_path: Path | None, json_path: str | None, jobs: int, all_rows: bool
) -> int:
    """Compare predictions with measurements; exit 1 if an error is beyond what is allowed, 2 if PART cannot be run."""
    from validation.command import validate as run_validation
    from validation.provenance import provenance
    from validation.rendering.document import document
    from validation.rendering.terminal import part_view
    from validation.report import check_report, write_report

    _check_writable(json_path, report_path)
    if report_path is not None:
        check_report(report_path)
    with _progress(1000, f"validating {part}") as show:
        validation = run_validation(part, reference, jobs, lambda what, share: show(what, int(1000 * share)))
    made_by = provenance(["clustersim", "validate", part, *(["--reference", str(reference)] if reference else [])])
    console = _console(json_path)
    for findings in validation.findings:
        console.print(part_view(findings, all_rows))
    if report_path is not None:
        for path in write_report(validation.findings, report_path, made_by):
            print(f"report: {path}", file=sys.stderr)
    _write_json(json_path, document(validation.findings, made_by))
    return validation.exit_code

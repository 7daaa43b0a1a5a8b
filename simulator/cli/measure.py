"""``clustersim probe`` and ``record``: this machine measured, and training for real."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from simulator.cli.common import check_writable, console, load, progress, write_json
from simulator.errors import InputError

__all__ = ["probe", "record"]


@click.command()
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
    check_writable(json_path, out.resolve() / "profile.toml" if out.exists() else None)
    effort = QUICK if quick else FULL
    with progress(100, "starting") as show:
        found = measure(
            effort,
            _message_probe(mpiexec) if messages else None,
            lambda what, share: show(what, round(100 * share)),
        )
    path = write_profiles(found, out, system_name)
    checks = check_gradients(load_system(path), effort.rounds)
    console(json_path).print(probe_view(found, checks, str(path)))
    write_json(json_path, probe_document(found, checks, str(path)))


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


@click.command()
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

    check_writable(json_path, out / "trace.json" if out.exists() else out)
    real = real_scenario(load(scenario, assignments, None, False), ranks, system, steps)
    total = real.tables.workload.steps or 1
    with progress(total, real.tables.algorithm.name) as show:
        recording = record_run(real, out, lambda step: show(real.tables.algorithm.name, step), mpiexec, time_limit)
    console(json_path).print(recording_view(recording))
    write_json(json_path, recording.to_dict())
    print(f"recording: {out} (trace.json, scenario.toml, recording.json, weights.npy)", file=sys.stderr)

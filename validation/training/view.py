"""What a real run was, for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table

from simulator.trace import breakdown
from validation.training.recording import Recording

__all__ = ["recording_view"]


def recording_view(recording: Recording) -> RenderableType:
    """Time, accuracy and breakdown of a recording."""
    tables, trace = recording.scenario.tables, recording.trace
    steps = tables.workload.steps or 1
    workers = sum(rank.role == "worker" for rank in trace.ranks)
    samples = steps * workers * tables.workload.batch_size
    machine = recording.machine
    lines = Table.grid(padding=(0, 2))
    model = tables.learning.model if tables.learning else ""
    lines.add_row("run", f"{tables.algorithm.name}, {workers} workers, {model}, {steps} steps")
    lines.add_row("machine", f"{machine['processor']}, {machine['cores']} cores, {machine.get('mpi', '')}")
    lines.add_row("time", f"{trace.duration:.4g} s, {trace.duration / steps * 1e3:.4g} ms a step")
    lines.add_row("throughput", f"{samples / trace.duration:,.0f} samples/s")
    used = sum(recording.processor_times)
    if used:
        share = used / (trace.duration * machine["cores"])
        lines.add_row("processors", f"{used:.4g} s of a core, {share:.0%} of what {machine['cores']} cores have")
    if recording.curve:
        lines.add_row("accuracy", f"{recording.curve[-1]['accuracy']:.1%} at the end")
    parts = Table("part of the critical path", "seconds", "share", title_justify="left")
    for name, seconds in breakdown(trace).items():
        if seconds:
            parts.add_row(name.replace("_", " "), f"{seconds:.4g}", f"{seconds / trace.duration:.0%}")
    return Group(lines, parts)

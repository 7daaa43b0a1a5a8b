"""PyTorch profiler (Kineto) traces: one rank's file as spans of compute, copies and communication.

With a GPU, what counts are its kernels and copies: NCCL kernels are communication, copies from the host are batches,
and all other kernels are an update if the host launched them within an optimizer's step (found by the correlation id
that joins launch and kernel), else forward and backward pass. Without a GPU, the outermost operators of each thread
count, and collectives are the annotations that Gloo, MPI or NCCL process groups leave. Steps are ``ProfilerStep#N``;
what happens outside of them is left out, since only whole steps can be compared.

Sizes of collectives stand in the kernel's arguments (PyTorch 2.1 and later), in those of the ``record_param_comms``
operator that the launch lies in, or in the recorded shapes of its input; where they stand nowhere, sizes are 0 and a
note says so.

Not realistic where a kernel computes and communicates at once, or where parameters come from the host (offloading):
copies from the host all count as batches.

Source: files that ``torch.profiler.profile(...).export_chrome_trace`` of PyTorch 2.13 wrote on CPUs, one and two ranks
with Gloo. Names of GPU events and of arguments of collectives are recalled from the format's public use; they were not
checked against a file from a GPU.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from simulator.trace.importers.events import Event, Events, outermost, read_events
from simulator.trace.importers.options import ImportOptions
from simulator.trace.importers.recordings import BETWEEN_RANKS, Recording, Step
from simulator.trace.json_events import EventDocument
from simulator.trace.spans import NO_CAUSE, Category, Span

__all__ = ["collective_of", "is_kineto", "read_kineto"]

_GPU = frozenset(("kernel", "gpu_memcpy", "gpu_memset", "memcpy", "memset"))
_LAUNCH = frozenset(("cuda_runtime", "cuda_driver", "runtime", "hip_runtime", "xpu_runtime"))
_OPERATOR = frozenset(("cpu_op", "operator", "user_annotation"))
_STEP = re.compile(r"ProfilerStep\s*#?(\d{1,12})")
_UPDATE = ("Optimizer.step", "Optimizer.zero_grad")
_LOADER = "enumerate(DataLoader)"
_GROUP = re.compile(r"(gloo|mpi|nccl|ucc|xccl|hccl|rccl):_?(\w+)")
_BYTES = {
    "double": 8, "long": 8, "long int": 8, "int64": 8, "float64": 8, "complex64": 8,
    "float": 4, "int": 4, "int32": 4, "float32": 4, "uint32": 4,
    "half": 2, "c10::half": 2, "bfloat16": 2, "c10::bfloat16": 2, "short": 2, "float16": 2,
    "byte": 1, "char": 1, "bool": 1, "unsigned char": 1, "signed char": 1, "int8": 1, "uint8": 1,
}  # fmt: skip
#: No size [B] is larger.
_LARGEST = 1e18
#: Words in the names of kernels and collectives, the more special before those they contain.
_KINDS = (
    ("reducescatter", "reduce_scatter"),
    ("allreduce", "all_reduce"),
    ("allgather", "all_gather"),
    ("alltoall", "all_to_all"),
    ("broadcast", "broadcast"),
    ("barrier", "barrier"),
    ("sendrecv", "exchange"),
    ("gather", "gather"),
    ("scatter", "scatter"),
    ("reduce", "reduce"),
    ("recv", "receive"),
    ("send", "send"),
)


def is_kineto(document: EventDocument) -> bool:
    """Whether the PyTorch profiler wrote a document."""
    if {"distributedInfo", "deviceProperties"} & document.header.keys() and "schemaVersion" in document.header:
        return True
    kinds = _GPU | _LAUNCH | {"cpu_op", "user_annotation"}
    some = [event for event in document.events[:2000] if isinstance(event, dict)]
    marks = sum(isinstance(e.get("cat"), str) and e["cat"].lower() in kinds for e in some)
    return any(_STEP.match(str(e.get("name", ""))) for e in some) or marks > len(some) / 2


def collective_of(name: str) -> str:
    """The project's name of the collective that a library calls so, or nothing.

    Examples
    --------
    >>> collective_of("ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevComm*, unsigned long)")
    'all_reduce'
    >>> collective_of("_reduce_scatter_base")
    'reduce_scatter'
    """
    plain = re.sub(r"[^a-z]", "", name.lower())
    return next((kind for word, kind in _KINDS if word in plain), "")


def read_kineto(document: EventDocument, options: ImportOptions) -> Recording:
    """One rank's recording.

    Raises
    ------
    InputError
        Naming the first event that cannot be, unless `options.repair` leaves such events out.
    """
    events = read_events(document, options.repair)
    steps = _steps(events)
    on_gpu = any(event.kind in _GPU for event in events.intervals)
    recording = Recording(document.where, "PyTorch profiler", [], steps, notes=events.notes)
    _describe(recording, document.header, events, on_gpu)
    spans, unsized = _gpu_spans(events, steps) if on_gpu else _cpu_spans(events, steps)
    recording.spans = [span for span in spans if span.step >= 0]
    if unsized:
        recording.notes.append(
            f"{document.where}: {unsized:,} collectives of unknown size, taken as 0 bytes; "
            "profile with record_shapes=True"
        )
    if not steps:
        recording.notes.append(
            f"{document.where}: no ProfilerStep annotations, so all of it is one step; "
            "give torch.profiler.profile a schedule and call its step()"
        )
    return recording


def _describe(recording: Recording, header: dict[str, Any], events: Events, on_gpu: bool) -> None:
    """Who the recording is of, as far as the file's header says."""
    info = header.get("distributedInfo")
    if isinstance(info, dict):
        rank, world = info.get("rank"), info.get("world_size")
        recording.rank = rank if isinstance(rank, int) and rank >= 0 else None
        recording.world_size = world if isinstance(world, int) else None
        recording.backend = str(info.get("backend", ""))
    host = header.get("host_name")
    recording.host = host if isinstance(host, str) else ""
    devices = [d for d in _list(header.get("deviceProperties")) if isinstance(d, dict)]
    recording.devices_per_host = len(devices) if on_gpu else 0
    if on_gpu:
        recording.device = str(devices[0].get("name", "gpu")) if devices else "gpu"
    base = header.get("baseTimeNanoseconds")
    base = base if isinstance(base, int) and abs(base) < 2**63 else 0
    recording.epoch = base + round(events.origin * 1000)
    # Since 1970; clocks since boot are of no use between hosts, but the same for all processes of one.
    recording.absolute = recording.epoch > 10**18


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _steps(events: Events) -> list[Step]:
    found: dict[int, Step] = {}
    for event in events.intervals:
        number = _STEP.match(event.name)
        # The GPU has annotations of the same names; a step is what the host did.
        if number and not event.kind.startswith("gpu"):
            found.setdefault(int(number[1]), Step(int(number[1]), event.start, event.end))
    return sorted(found.values(), key=lambda step: step.start)


def _step_at(steps: Sequence[Step], time: float) -> int:
    """Number of the step that a time falls in or behind; -1 before the first and after the last, 0 without steps."""
    if not steps:
        return 0
    place = bisect_right(steps, time, key=lambda step: step.start) - 1
    if place < 0 or (place == len(steps) - 1 and time > steps[-1].end):
        return -1
    return steps[place].number


def _size(args: dict[str, Any]) -> float | None:
    """Bytes of a collective from its recorded arguments: those of the larger of its input and output."""
    counts = [args.get(key) for key in ("In msg nelems", "Out msg nelems")]
    elements = [int(count) for count in counts if isinstance(count, int | float) and 0 <= count < _LARGEST]
    width = _BYTES.get(str(args.get("dtype", "")).lower())
    if elements and width:
        return float(max(elements) * width)
    total, known = 0.0, False
    for shape, kind in zip(_list(args.get("Input Dims")), _list(args.get("Input type")), strict=False):
        width = _BYTES.get(str(kind).lower())
        if width and isinstance(shape, list) and shape and all(isinstance(n, int) and 0 <= n < 2**40 for n in shape):
            total, known = total + math.prod(map(float, shape)) * width, True
    return total if known and total < _LARGEST else None


def _communication(name: str, event: Event, step: int, size: float | None) -> Span:
    kind = collective_of(str(event.args.get("Collective name") or name)) or "communication"
    peer = -1
    if kind in ("send", "receive"):
        other = event.args.get("Dst Rank" if kind == "send" else "Src Rank")
        peer = other if isinstance(other, int) and other >= 0 else -1
    label = f"{kind} message" if peer >= 0 else kind
    return Span(0, "network", BETWEEN_RANKS, label, event.start, event.end, size or 0.0, step, peer, NO_CAUSE)


def _cpu_spans(events: Events, steps: Sequence[Step]) -> tuple[list[Span], int]:
    """Spans of a rank without GPU, and how many collectives are of unknown size."""

    def meaning(event: Event) -> tuple[str, str, str] | None:
        if event.kind not in _OPERATOR or _STEP.match(event.name):
            return None
        if _GROUP.match(event.name) and event.kind == "user_annotation":
            return "network", BETWEEN_RANKS, event.name
        if event.name.startswith(_LOADER):
            return "copy", Category.CPU_GPU_DATA, "load batch"
        if event.name.startswith(_UPDATE):
            return "compute", Category.HOST_UPDATE, "update"
        # Annotations (DistributedDataParallel.forward, the user's own) contain what they are about.
        return ("compute", Category.FORWARD_BACKWARD, "gradient") if event.kind != "user_annotation" else None

    spans, unsized = [], 0
    for event, (lane, category, name) in outermost(events.intervals, meaning)[0]:
        step = _step_at(steps, event.start)
        if category == BETWEEN_RANKS:
            size = _size(event.args)
            unsized += size is None and step >= 0 and "barrier" not in name
            spans.append(_communication(name.partition(":")[2], event, step, size))
        else:
            spans.append(Span(0, lane, category, name, event.start, event.end, 0.0, step, -1, NO_CAUSE))
    return spans, unsized


def _gpu_spans(events: Events, steps: Sequence[Step]) -> tuple[list[Span], int]:
    """Spans of a rank with a GPU, and how many collectives are of unknown size."""
    launches = {
        e.args["correlation"]: e for e in events.intervals if e.kind in _LAUNCH and _whole(e.args, "correlation")
    }
    updates = _Intervals([e for e in events.intervals if e.name.startswith(_UPDATE) and not e.kind.startswith("gpu")])
    groups = _Intervals([e for e in events.intervals if e.name == "record_param_comms"])
    spans, unsized = [], 0
    for event in events.intervals:
        if event.kind not in _GPU:
            if event.name.startswith(_LOADER) and not event.kind.startswith("gpu"):
                spans.append(_plain("host", Category.CPU_GPU_DATA, "load batch", event, _step_at(steps, event.start)))
            continue
        launch = launches.get(event.args["correlation"]) if _whole(event.args, "correlation") else None
        launched = launch.start if launch else event.start
        step = _step_at(steps, launched)
        if "nccl" in event.name.lower() or "rccl" in event.name.lower():
            operator = groups.around(launch) if launch else None
            args = {**(operator.args if operator else {}), **event.args}
            size = _size(args)
            unsized += size is None and step >= 0
            spans.append(_communication(event.name, event._replace(args=args), step, size))
        elif event.kind in ("gpu_memcpy", "memcpy") and "PtoP" not in event.name and "DtoD" not in event.name:
            name = "load batch" if "HtoD" in event.name else "copy to host"
            carried = event.args.get("bytes")
            size = float(carried) if isinstance(carried, int | float) and 0 <= carried < _LARGEST else 0.0
            spans.append(_plain("copy", Category.CPU_GPU_DATA, name, event, step)._replace(bytes=size))
        elif launch and updates.around(launch):
            spans.append(_plain("compute", Category.DEVICE_UPDATE, "update", event, step))
        else:
            spans.append(_plain("compute", Category.FORWARD_BACKWARD, "gradient", event, step))
    return spans, unsized


def _whole(args: dict[str, Any], key: str) -> bool:
    return isinstance(args.get(key), int)


def _plain(lane: str, category: Category, name: str, event: Event, step: int) -> Span:
    return Span(0, lane, category.value, name, event.start, event.end, 0.0, step, -1, NO_CAUSE)


class _Intervals:
    """Intervals of the host that do not nest, for "which of them does this launch lie in"."""

    def __init__(self, events: list[Event]) -> None:
        self._threads: dict[tuple[int | str, int | str], list[Event]] = {}
        for event in sorted(events, key=lambda event: event.start):
            self._threads.setdefault((event.process, event.thread), []).append(event)

    def around(self, inner: Event) -> Event | None:
        """The interval of the same thread that `inner` begins in."""
        events = self._threads.get((inner.process, inner.thread), [])
        place = bisect_right(events, inner.start, key=lambda event: event.start)
        return events[place - 1] if place and events[place - 1].end >= inner.start else None

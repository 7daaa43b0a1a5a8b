"""What was measured as profiles: a system, its CPU, the messages between its processes, and its kernels.

Four files in one folder, each named after the system; the system names the others as its neighbours. A folder that has
the folders of the package `hardware_profiles` gets each file in its place there, known by its name alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from simulator.cost.fit_tables import convolution_table, gemm_table
from simulator.errors import InputError
from simulator.hardware.catalogue import ProfileKind
from simulator.probe.fits import PRECISION
from simulator.probe.load import copy_bytes
from simulator.probe.measurement import Measurement, core_rates
from simulator.probe.timing import Measured
from simulator.toml_text import toml_text

__all__ = ["check_name", "write_profiles"]

_SOURCE = "probe"
_WATTS = 10.0  #: a core, for want of a meter
_LATENCY = 100e-6  #: of a message, where none was measured [s]


def check_name(name: str) -> None:
    """Refuse what cannot name a profile.

    Raises
    ------
    InputError
        If it is more than letters, digits and hyphens.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name):
        raise InputError(f"--name: expected letters, digits and hyphens, such as 'workstation', got {name!r}")


def write_profiles(found: Measurement, folder: Path, name: str) -> Path:
    """Write the four files; the path of the system's.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    check_name(name)
    in_package = all((folder / kind).is_dir() for kind in get_args(ProfileKind))
    suffix = "" if in_package else ".toml"
    documents: list[tuple[ProfileKind, str, dict[str, Any]]] = [
        ("kernels", f"{name}-kernels", _kernels(found, f"{name}-kernels")),
        ("devices", f"{name}-cpu", _device(found, name, f"{name}-kernels{suffix}")),
        ("links", f"{name}-memory", _link(found, f"{name}-memory")),
        ("systems", name, _system(found, name, f"{name}-cpu{suffix}", f"{name}-memory{suffix}")),
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, stem, tables in documents:
            path = (folder / kind if in_package else folder) / f"{stem}.toml"
            path.write_text(toml_text(tables), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from None
    return path


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _origin(found: Measurement) -> str:
    return f"clustersim probe on {found.machine.processor}"


def _number(measured: Measured, unit: str, note: str = "", kind: str = "measured") -> dict[str, Any]:
    """A sourced number; the unit is left out of a plain one."""

    def text(value: float) -> str | float:
        return f"{value:.6g} {unit}" if unit else float(f"{value:.6g}")

    entry: dict[str, Any] = {"value": text(measured.value), "kind": kind, "source": _SOURCE}
    if measured.std > 0:
        entry["std"] = text(measured.std)
    return entry | {"date": _today()} | ({"note": note} if note else {})


def _stated(value: str | float, kind: str, note: str = "") -> dict[str, Any]:
    return {"value": value, "kind": kind, "source": _SOURCE} | ({"note": note} if note else {})


def _device(found: Measurement, name: str, kernels: str) -> dict[str, Any]:
    machine, cores = found.machine, found.machine.cores
    memory = machine.memory or 8e9
    stream = _number(found.cores.all_stream, "B/s", "all cores at once: two arrays read, one written")
    tables: dict[str, Any] = {
        "schema": "clustersim/device/1",
        "name": f"{name}-cpu",
        "title": f"{machine.processor}, {cores} core{'s' * (cores > 1)}",
        "family": "cpu",
        "vendor": machine.vendor,
        "year": int(_today()[:4]),
        "main_memory": "ram",
        "sockets": machine.sockets,
        "kernel_model": kernels,
        "kernel_model_rule": "fitted to kernels measured on one core of this very machine",
        "units": _stated(cores, "measured", "cores that a process may use"),
        "clock": _stated(f"{machine.clock:.6g} Hz", "measured", "as the system reports it")
        if machine.clock
        else _stated("2 GHz", "assumed", "the system reports none"),
        "core_bandwidth": _number(found.cores.core_stream, "B/s", "one core alone: two arrays read, one written"),
        "parallel_region_overhead": _number(found.call, "s", "the smallest matrix product: what every call takes"),
        "peak": {
            precision: _number(peak.scaled(cores), "FLOP/s", "the fastest product on one core, times the cores")
            for precision, peak in found.peaks.items()
        },
        "memories": {
            "ram": {
                "capacity": _stated(
                    f"{memory:.6g} B", *(("measured",) if machine.memory else ("assumed", "the system reports none"))
                ),
                "bandwidth": stream,
                "achieved_bandwidth": stream,
            }
        },
        "power": {"tdp": _stated(f"{_WATTS * cores:g} W", "assumed", f"not measured; {_WATTS:g} W a core")},
        "sources": {_SOURCE: _origin(found)},
    }
    if machine.cache:
        tables["cache"] = _stated(f"{machine.cache:.6g} B", "measured", "the last level, as the system reports it")
    return _tables_last(tables)


def _link(found: Measurement, name: str) -> dict[str, Any]:
    together = found.cores.all_copy
    if found.message_fit is not None:
        one = found.message_fit.bandwidth
        rate = _number(one, "B/s", "one message between two processes", "fitted")
        latency = found.message_fit.latency
        overhead = _number(latency, "s", "where one side has been waiting for the other", "fitted")
    else:
        one = found.cores.core_copy
        reason = "messages were not measured; what one core copies"
        rate = _number(one, "B/s", reason, "assumed")
        overhead = _stated(
            f"{_LATENCY:g} s", "assumed", "messages were not measured; a process that sleeps between looks"
        )
    limit = together if together.value >= one.value else one
    bandwidth = _number(limit, "B/s", "what all cores copy at once, and at least one message's rate")
    return {
        "schema": "clustersim/link/1",
        "name": name,
        "title": f"Messages between processes of one {found.machine.processor}",
        "medium": "memory",
        "duplex": "half",
        "bandwidth": bandwidth,
        "raw_bandwidth": bandwidth,
        "flow_cap": rate,
        "latency": _stated("0 s", "derived", "inside the message overhead"),
        "message_overhead": overhead,
        "sources": {_SOURCE: _origin(found)},
    }


def _system(found: Measurement, name: str, device: str, link: str) -> dict[str, Any]:
    cores = found.machine.cores
    together = _within(found.cores.together, 1.0, cores)
    threads = _within(found.cores.threads, 1.0, cores)
    announcement = {}
    if found.messages is not None:
        note = "messages with a header, less messages that both sides know of"
        announcement = {"announcement": _number(found.messages.announcement, "s", note)}
    return {
        "schema": "clustersim/system/1",
        "name": name,
        "title": f"{found.machine.processor}, {cores} core{'s' * (cores > 1)}, one process a worker",
        "topology_sources": _SOURCE,
        "max_nodes": 1,
        "sources": {_SOURCE: _origin(found)},
        "node": {
            "host": "cpu",
            "accelerators": "cpu",
            "vertices": {"cpu": {"device": device}},
            "processes": {
                "link": link,
                "thread_cores": _number(threads, "", "threads that update arrays, over one such thread"),
                "time_slice": _number(found.cores.time_slice, "s", f"{2 * cores} busy processes, by interruptions"),
                "switch_time": _number(
                    found.cores.switch_time, "s", f"by products of {2 * cores} processes at once, and of {cores}"
                ),
                "balance_delay": _number(
                    found.cores.balance_delay, "s", f"by when the last of {cores + 1} equal processes ends"
                ),
                "copy_bandwidth": _number(found.cores.core_copy, "B/s", "what one core copies, from array to array"),
                "cached_copy_bandwidth": _number(found.cores.small_copy, "B/s", "the same within its own cache"),
                "cached_copy_size": _stated(f"{copy_bytes('small copy'):g} B", "assumed", "as measured"),
                **announcement,
                "cores": _number(together, "", "products on all cores at once, over those of one core alone"),
            },
        },
        "fabric": {"kind": "none"},
    }


def _within(measured: Measured, low: float, high: float) -> Measured:
    return Measured(min(max(measured.value, low), high), measured.std, measured.samples, measured.disturbed)


def _kernels(found: Measurement, name: str) -> dict[str, Any]:
    origin = _origin(found)
    rates = core_rates(found.machine, found.peaks, found.call, found.cores)

    def rate(value: str) -> dict[str, str]:
        return {"value": value, "kind": "measured", "source": origin}

    return {
        "name": name,
        "family": "cpu",
        "description": f"One core of {found.machine.processor}, NumPy in double precision",
        "provenance": {
            "data": "kernels timed by clustersim probe",
            "commit": "none: measured, not published",
            "date": _today(),
            "command": f"clustersim probe{' --quick' * found.quick}",
            "notes": f"Errors are relative, on held-out rows. {found.disturbed:.0%} of the samples were disturbed.",
        },
        "rates": {
            "units": {"value": 1, "kind": "measured", "source": "one core"},
            "clock": rate(f"{rates.clock:.6g} Hz"),
            "bandwidth": rate(f"{rates.bandwidth:.6g} B/s"),
            "cache_size": rate(f"{rates.cache_size:.6g} B"),
            "launch_overhead": rate(f"{rates.launch_overhead:.6g} s"),
            "peak": {precision: rate(f"{peak:.6g} FLOP/s") for precision, peak in rates.peak.items()},
        },
        "gemm": {PRECISION: gemm_table(found.fits.gemm.model, origin, found.fits.gemm.errors())},
        "convolution": {
            PRECISION: {
                direction.value: convolution_table(fit.model, origin, fit.errors())
                for direction, fit in found.fits.convolution.items()
            }
        },
        "elementwise": {
            kernel: {
                "kind": "measured",
                "source": origin,
                "bytes": [float(f"{size:.6g}") for size in table.sizes],
                "seconds": [float(f"{seconds:.6g}") for seconds in table.seconds],
            }
            for kernel, table in found.tables.items()
        },
    }


def _tables_last(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers before tables, as TOML has it."""
    is_table: Callable[[Any], bool] = lambda value: isinstance(value, Mapping) and "source" not in value  # noqa: E731
    return {key: tables[key] for key in sorted(tables, key=lambda key: is_table(tables[key]))}

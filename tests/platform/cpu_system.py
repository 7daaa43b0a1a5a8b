"""A small CPU whose ranks are processes, written to files: round numbers, so that times can be had by hand."""

from pathlib import Path

from simulator.scenario import Scenario
from simulator.simulation import load

SOURCE = 'kind = "assumed", source = "test", note = "round"'


def write_cpu_system(
    folder: Path,
    cores: int,
    *,
    thread_cores: float | None = None,
    nodes: int = 1,
    time_slice: float | None = None,
    switch_time: float | None = None,
    balance_delay: float | None = None,
    announcement: float | None = None,
) -> str:
    """The path of a system of one CPU: 1 GFLOP/s and 10 GB/s a core, 100 us and 5 GB/s a message."""
    (folder / "tiny-cpu.toml").write_text(f"""
schema = "clustersim/device/1"
name = "tiny-cpu"
title = "CPU of a test"
family = "cpu"
vendor = "nobody"
year = 2026
main_memory = "ram"
sockets = 1
kernel_model = "knl7250"
kernel_model_rule = "any will do"
units = {{ value = {cores}, {SOURCE} }}
clock = {{ value = "1 GHz", {SOURCE} }}
core_bandwidth = {{ value = "10 GB/s", {SOURCE} }}
[peak]
fp32 = {{ value = "{cores} GFLOP/s", {SOURCE} }}
fp64 = {{ value = "{cores} GFLOP/s", {SOURCE} }}
[memories.ram]
capacity = {{ value = "64 GB", {SOURCE} }}
bandwidth = {{ value = "{10 * cores} GB/s", {SOURCE} }}
achieved_bandwidth = {{ value = "{10 * cores} GB/s", {SOURCE} }}
[power]
tdp = {{ value = "100 W", {SOURCE} }}
[sources]
test = "invented"
""")
    (folder / "tiny-memory.toml").write_text(f"""
schema = "clustersim/link/1"
name = "tiny-memory"
title = "Shared memory of a test"
medium = "memory"
duplex = "half"
bandwidth = {{ value = "{5 * cores} GB/s", {SOURCE} }}
raw_bandwidth = {{ value = "{10 * cores} GB/s", {SOURCE} }}
flow_cap = {{ value = "5 GB/s", {SOURCE} }}
latency = {{ value = "0 us", {SOURCE} }}
message_overhead = {{ value = "100 us", {SOURCE} }}
[sources]
test = "invented"
""")
    stated = {
        "thread_cores": thread_cores,
        "time_slice": None if time_slice is None else f'"{time_slice} s"',
        "switch_time": None if switch_time is None else f'"{switch_time} s"',
        "balance_delay": None if balance_delay is None else f'"{balance_delay} s"',
        "announcement": None if announcement is None else f'"{announcement} s"',
    }
    processes = "\n".join(
        f"{key} = {{ value = {value}, {SOURCE} }}" for key, value in stated.items() if value is not None
    )
    several = nodes > 1
    nic = 'nic = { kind = "nic" }' if several else ""
    links = f'links = [{{ from = "cpu", to = "nic", link = "pcie3-x16", latency = {{ value = "0 us", {SOURCE} }} }}]'
    fabric = 'kind = "star"\ninjection = "ethernet-10g-tcp"' if several else 'kind = "none"'
    path = folder / "tiny.toml"
    path.write_text(f"""
schema = "clustersim/system/1"
name = "tiny"
title = "System of a test"
topology_sources = "test"
max_nodes = {nodes}
[sources]
test = "invented"
[node]
host = "cpu"
accelerators = "cpu"
{links if several else ""}
[node.vertices]
cpu = {{ device = "tiny-cpu.toml" }}
{nic}
[node.processes]
link = "tiny-memory.toml"
{processes}
[fabric]
{fabric}
""")
    return str(path)


def scenario(system: str, workers: int | None, algorithm: str = "sync-sgd", **changes) -> Scenario:
    """A short run of LeNet on such a system; keys of `changes` with ``__`` for a dot."""
    keys = {
        "cluster.system": system,
        "cluster.workers": workers,
        "workload.batch_size": 16,
        "workload.steps": 5,
        "workload.precision": "fp64",
        "algorithm.name": algorithm,
        "algorithm.collectives": None,
        "compare": None,
    }
    return load("m40x4-lenet", **{**keys, **{key.replace("__", "."): value for key, value in changes.items()}})

"""Jobs that share a machine, drawn at random: how many are faster than alone, which ones, and what a simulation costs.

    python -m benchmarks.sharing [seconds] [seed]

Two or three small jobs of ten algorithms, on the bundled Ethernet cluster with switches of eight ports, not 64, so with
two up-links for six nodes. A job is in its own way if alone it takes longer than when its messages feel nobody at
all (`network.model = "alpha-beta"`). Then a job beside traffic of tenants: wall microseconds for each of their flows.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from simulator.hardware import load_system
from simulator.scenario import Scenario
from simulator.sharing.machine import placed
from simulator.sharing.placement import Place, choose_nodes
from simulator.sharing.together import Tenant, play_together
from simulator.simulation import Simulation, load, simulate

ALGORITHMS = (
    "sync-sgd", "ddp-msgd", "sync-easgd1", "sync-easgd3", "local-sgd", "original-easgd", "sync-ps", "ad-psgd",
    "async-sgd", "async-easgd",
)  # fmt: skip
SCHEDULES = ("ring", "recursive-doubling", "rabenseifner", "binomial-tree", "double-binary-tree")
ROUNDING = 1e-9


def small_switches(folder: Path) -> Path:
    """The Ethernet cluster with 48 nodes on switches of eight ports."""
    text = load_system("ethernet-cluster").path.read_text()
    for before, after in (("radix = 64", "radix = 8"), ("= 3072", "= 48"), ('"ethernet-cluster"', '"small-switches"')):
        assert before in text
        text = text.replace(before, after)
    path = folder / "small-switches.toml"
    path.write_text(text)
    return path


def drawn_job(draw: random.Random, system: Path) -> Scenario:
    algorithm = draw.choice(ALGORITHMS)
    parameters, operations = draw.choice((1e5, 1e6, 3e6)) * draw.uniform(0.5, 1.5), 10 ** draw.uniform(6, 10)
    collectives = {"all_reduce": draw.choice(SCHEDULES)} if algorithm == "sync-sgd" else None
    return load("ethernet-resnet50").override(
        {
            "cluster.system": str(system),
            "cluster.nodes": draw.randint(2, 7),
            "workload.network": f"synthetic:parameters={parameters:.0f},flops={operations:.0f}",
            "workload.batch_size": 1,
            "workload.steps": draw.choice((2, 4, 6)),
            "algorithm.name": algorithm,
            "algorithm.collectives": collectives,
            "simulation.exact": True,
        }
    )


def never_faster(system: Path, seconds: float, seed: int) -> None:
    draw = random.Random(seed)
    jobs: Counter[bool] = Counter()
    faster: Counter[bool] = Counter()
    below_bound, least = 0, 1.0
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        scenarios = [drawn_job(draw, system) for _ in range(draw.choice((2, 3)))]
        counts = [scenario.tables.cluster.nodes for scenario in scenarios]
        nodes = choose_nodes(counts, draw.choice(("packed", "interleaved", "random")), 48, seed=draw.randrange(100))
        simulations = placed(scenarios, nodes, "random")
        tenants = [Tenant(simulation) for simulation in simulations]
        play_together(tenants)
        for scenario, simulation, tenant, where in zip(scenarios, simulations, tenants, nodes, strict=True):
            alone = simulation.run().time
            bound = Simulation(scenario.override({"network.model": "alpha-beta"}), Place(where)).run().time
            in_its_own_way = alone > bound * (1 + ROUNDING)
            assert tenant.end is not None
            jobs[in_its_own_way] += 1
            faster[in_its_own_way] += tenant.end < alone * (1 - ROUNDING)
            below_bound += tenant.end < bound * (1 - ROUNDING)
            least = min(least, tenant.end / alone)
    for own, words in ((False, "not in their own way"), (True, "in their own way")):
        print(f"{words:22} {jobs[own]:6,} jobs, {faster[own]:4} faster beside others than alone")
    print(f"least slow-down {least:.3f}; {below_bound} below the time of messages that feel nobody")


def traffic() -> None:
    print(f"{'load':>5} {'flows':>8} {'slow-down':>10} {'wall s':>7} {'us a flow':>10}")
    base = load("ethernet-resnet50").override({"background.placement": "random", "background.machine_nodes": 192})
    without = simulate(base.override({"background.load": 0, "simulation.exact": True})).wall_time
    for share in (0.1, 0.2, 0.3, 0.4, 0.5):
        result = simulate(base.override({"background.load": share}))
        assert result.sharing is not None
        flows = result.sharing["traffic"]["flows"]
        cost = (result.wall_time - without) / flows * 1e6
        print(f"{share:5} {flows:8,} {result.sharing['slow_down']:10.3f} {result.wall_time:7.2f} {cost:10.0f}")


def main() -> None:
    arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        system = small_switches(Path(folder))
        never_faster(system, float(arguments[0]) if arguments else 60.0, int(arguments[1]) if arguments[1:] else 0)
    traffic()


if __name__ == "__main__":
    main()

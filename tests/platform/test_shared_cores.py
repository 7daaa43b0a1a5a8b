"""Processes on the cores of one CPU: processor sharing by its own law, messages among them, and what is refused."""

import itertools
from pathlib import Path

import pytest
import simpy
from cpu_system import scenario, write_cpu_system
from hypothesis import given, settings
from hypothesis import strategies as st
from processor_sharing import jobs_of, processor_sharing, work

from simulator.errors import InputError
from simulator.execution.cursor import Cursor
from simulator.execution.exchange import Exchange
from simulator.hardware import load_system
from simulator.network.fluid import FluidNetwork
from simulator.platform import Platform, build_platform
from simulator.simulation import simulate
from simulator.trace import Trace

RATE = 5e9  # what one core copies


@pytest.fixture(scope="module")
def systems(tmp_path_factory) -> dict[tuple[int, float | None], str]:
    """Paths of systems by cores and thread cores."""
    return {
        (cores, threads): write_cpu_system(tmp_path_factory.mktemp("cpu"), cores, thread_cores=threads)
        for cores, threads in itertools.product((1, 2, 3, 4, 8), (None, 2, 8))
    }


def platform_of(systems, cores: int, processes: int, threads: float | None = None) -> Platform:
    return build_platform(load_system(systems[cores, threads]), 1, processes=processes)


def finish_times(platform: Platform, jobs: list[tuple[int, float, float]]) -> list[float]:
    """When each job ends: (process, start, seconds of a core)."""
    env = simpy.Environment()
    network = FluidNetwork(env)
    routes = [platform.core(place.name) for place in platform.accelerators]
    ends = [0.0] * len(jobs)

    def job(index, process, start, seconds):
        yield env.timeout(start)
        yield network.transfer(routes[process], seconds * routes[process].bandwidth)
        ends[index] = env.now

    for index, arguments in enumerate(jobs):
        env.process(job(index, *arguments))
    env.run()
    return ends


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([1, 2, 4]), jobs_of)
def test_processes_share_cores_as_processor_sharing_does(systems, cores, jobs):
    found = finish_times(
        platform_of(systems, cores, len(jobs)), [(process, *times) for process, times in enumerate(jobs)]
    )
    assert found == pytest.approx(processor_sharing(cores, jobs), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(jobs_of)
def test_no_more_processes_than_cores_are_never_slowed(systems, jobs):
    found = finish_times(platform_of(systems, 8, len(jobs)), [(process, *times) for process, times in enumerate(jobs)])
    assert found == pytest.approx([start + seconds for start, seconds in jobs], rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([1, 2, 3, 4]), jobs_of, work)
def test_one_more_process_never_lets_another_end_sooner(systems, cores, jobs, seconds):
    numbered = [(process, *times) for process, times in enumerate(jobs)]
    platform = platform_of(systems, cores, len(jobs) + 1)
    before = finish_times(platform, numbered)
    after = finish_times(platform, [*numbered, (len(jobs), 0.0, seconds)])
    assert all(later >= sooner * (1 - 1e-12) for sooner, later in zip(before, after[:-1], strict=True))


@pytest.mark.parametrize("cores", [1, 2, 3, 4])
@pytest.mark.parametrize("processes", [1, 2, 3, 5, 8])
def test_equal_work_takes_as_much_longer_as_there_are_processes_for_a_core(systems, cores, processes):
    ends = finish_times(platform_of(systems, cores, processes), [(process, 0.0, 0.25) for process in range(processes)])
    assert ends == pytest.approx([0.25 * max(1.0, processes / cores)] * processes, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1, 2, 3]), jobs_of)
def test_the_cores_do_exactly_the_work_there_is(systems, cores, jobs):
    platform = platform_of(systems, cores, len(jobs))
    env = simpy.Environment()
    network = FluidNetwork(env)

    def job(process, start, seconds):
        route = platform.core(process)
        yield env.timeout(start)
        yield network.transfer(route, seconds * route.bandwidth)

    env.run(env.all_of([env.process(job(p.name, *j)) for p, j in zip(platform.accelerators, jobs, strict=True)]))
    (use,) = [use for use in network.uses() if use.medium == "cores"]
    total = sum(seconds for _, seconds in jobs)
    assert use.load == pytest.approx(total / cores, rel=1e-12)
    assert use.load <= env.now * (1 + 1e-12)
    # Some core is busy whenever there is work: at least one core's worth, at most all.
    assert total / cores <= use.busy * (1 + 1e-12)
    assert use.busy <= total * (1 + 1e-12)
    assert network.traffic() == {}


@pytest.mark.parametrize(("threads", "longer"), [(None, 3.0), (2, 1.5), (8, 1.0)])
def test_threads_of_one_process_get_its_cores_and_no_more(systems, threads, longer):
    platform = platform_of(systems, 4, 1, threads)
    assert finish_times(platform, [(0, 0.0, 0.5)] * 3) == pytest.approx([0.5 * longer] * 3)


# Messages -------------------------------------------------------------------------------------------------------------


def message_end(platform: Platform, computing: int, size: float) -> float:
    """When a message from process 0 to 1 ends that starts with `computing` other processes at work for long."""
    env = simpy.Environment()
    network = FluidNetwork(env)
    names = [place.name for place in platform.accelerators]
    for name in names[2 : 2 + computing]:
        network.transfer(platform.core(name), 100.0 * platform.core(name).bandwidth)
    message = network.transfer(platform.route(names[0], names[1]), size)
    env.run(message)
    return env.now


@pytest.mark.parametrize(("computing", "share"), [(0, 1.0), (1, 1.0), (2, 2 / 3), (3, 2 / 4)])
def test_a_message_is_copied_by_one_core_which_it_competes_for(systems, computing, share):
    end = message_end(platform_of(systems, 2, 5), computing, 1e9)
    assert end == pytest.approx(100e-6 + 1e9 / (RATE * share), rel=1e-3)


def exchange_end(platform: Platform, pairs: list[tuple[int, int]], size: float) -> float:
    """When messages between pairs of processes, begun together, have all arrived."""
    env = simpy.Environment()
    names = [place.name for place in platform.accelerators]

    exchange = Exchange(
        env,
        FluidNetwork(env),
        route=lambda source, target: platform.route(names[source], names[target]),
        category=lambda source, target: "messages",
        trace=Trace(()),
    )
    for source, target in pairs:
        exchange.send(target, "tag", size, "w", Cursor(source, "network"))
        exchange.receive(source, "tag", Cursor(target, "network"))
    env.run()
    return env.now


@pytest.mark.parametrize(("cores", "longer"), [(1, 2), (2, 1), (4, 1)])
def test_each_message_keeps_the_receivers_core_busy(systems, cores, longer):
    """Two messages are two processes that copy, while those that send wait."""
    platform = platform_of(systems, cores, 4)
    alone = exchange_end(platform_of(systems, 8, 4), [(0, 1)], 1e9)
    overhead = exchange_end(platform, [(0, 1)], 0.0)
    both = exchange_end(platform, [(0, 1), (2, 3)], 1e9)
    assert both - overhead == pytest.approx(longer * (alone - overhead), rel=1e-9)


def test_messages_share_the_memory(systems):
    platform = platform_of(systems, 2, 6)
    names = [place.name for place in platform.accelerators]
    route = platform.route(names[0], names[1])
    memory = next(link for link in route.links if link.medium == "memory")
    assert memory.bandwidth == 2 * RATE
    assert route.bandwidth == RATE
    assert {platform.route(a, b).links[0] for a, b in itertools.permutations([*names, "n0.cpu.master"], 2)} == {memory}
    assert platform.link_class(names[0], "n0.cpu.master") == "local"


def test_places_are_processes_of_their_chip(systems):
    platform = platform_of(systems, 2, 3)
    assert [place.name for place in platform.accelerators] == [f"n0.cpu.process{index}" for index in range(3)]
    assert [place.name for place in platform.hosts] == ["n0.cpu.master"]
    assert {place.vertex for place in (*platform.accelerators, *platform.hosts)} == {"n0.cpu"}
    assert {place.cores for place in (*platform.accelerators, *platform.hosts)} == {1}
    assert len(build_platform(load_system(systems[2, None]), 1).accelerators) == 2


def test_processes_of_other_nodes_are_reached_over_the_fabric(tmp_path):
    platform = build_platform(load_system(write_cpu_system(tmp_path, 2, nodes=3)), 3, processes=4)
    route = platform.route("n0.cpu.process3", "n2.cpu.process0")
    assert [link.medium for link in route.links] == ["pcie", "ethernet", "ethernet", "pcie"]
    assert platform.link_class("n0.cpu.process3", "n2.cpu.process0") == "node-node"


# Whole runs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sync-sgd", "sync-easgd1", "sync-easgd3", "original-easgd", "local-sgd"])
def test_with_cores_for_all_nothing_is_slower_than_without_sharing(systems, algorithm):
    shared = simulate(scenario(systems[8, 8], 4, algorithm))
    alone = simulate(scenario(systems[8, 8], 4, algorithm, network__model="alpha-beta"))
    assert shared.time == pytest.approx(alone.time, rel=1e-12)
    assert [span.end for span in shared.trace.spans] == pytest.approx(
        [span.end for span in alone.trace.spans], rel=1e-9
    )


@pytest.mark.parametrize(("cores", "workers"), [(1, 3), (2, 3), (2, 4), (3, 5), (8, 4)])
def test_gradients_of_equal_ranks_take_workers_for_a_core_as_long(systems, cores, workers):
    def gradients(result):
        return [span.end - span.start for span in result.trace.spans if span.name == "gradient" and span.step == 0]

    (alone,) = gradients(simulate(scenario(systems[cores, None], 1)))
    together = gradients(simulate(scenario(systems[cores, None], workers)))
    assert together == pytest.approx([alone * max(1.0, workers / cores)] * workers, rel=1e-9)


@pytest.mark.parametrize("algorithm", ["sync-sgd", "async-sgd", "hogwild-easgd", "sync-easgd3"])
def test_more_ranks_on_the_same_cores_never_take_less_time(systems, algorithm):
    times = [simulate(scenario(systems[2, None], workers, algorithm)).time for workers in range(1, 6)]
    assert all(later >= sooner * (1 - 1e-9) for sooner, later in itertools.pairwise(times))


@pytest.mark.parametrize("algorithm", ["sync-sgd", "original-easgd", "sync-easgd1"])
def test_repeated_steps_are_those_of_the_exact_run(systems, algorithm):
    changes = {"workload.steps": 120, "algorithm.name": algorithm}
    short = simulate(scenario(systems[2, None], 4).override(changes))
    exact = simulate(scenario(systems[2, None], 4).override({**changes, "simulation.exact": True}))
    assert short.simulated_steps < exact.simulated_steps == 120
    assert short.time == pytest.approx(exact.time, rel=1e-9)


@pytest.mark.parametrize("algorithm", ["async-sgd", "hogwild-sgd"])
def test_the_same_scenario_gives_the_same_trace(systems, algorithm):
    one, other = (simulate(scenario(systems[2, None], 4, algorithm, simulation__jitter=0.1)) for _ in range(2))
    assert [tuple(span) for span in one.trace.spans] == [tuple(span) for span in other.trace.spans]


def test_what_bounds_an_oversubscribed_run_are_its_cores(systems):
    result = simulate(scenario(systems[2, None], 4))
    assert result.links[0].resource == "n0.cpu cores"
    assert 0.9 < result.links[0].utilisation <= 1 + 1e-9
    assert result.links[0].bytes == 0.0
    assert set(result.traffic) == {"memory"}


def test_a_master_is_a_process_beside_its_workers(systems):
    result = simulate(scenario(systems[2, None], 3, "async-sgd"))
    assert {info.device for info in result.trace.ranks if info.role == "master"} == {"n0.cpu.master"}


def test_workers_are_spread_evenly_once_the_cores_are_taken(tmp_path):
    path = write_cpu_system(tmp_path, 2, nodes=2)
    workers = {count: simulate(scenario(path, count, cluster__nodes=2)).trace.ranks for count in (2, 4, 6, None)}
    nodes = {count: [info.node for info in ranks] for count, ranks in workers.items()}
    assert nodes == {2: [0, 0], 4: [0, 0, 1, 1], 6: [0, 0, 0, 1, 1, 1], None: [0, 0, 1, 1]}


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network.model": "alpha-beta"}, "network.model.*4 processes on 2 cores of tiny.*'fluid'"),
        ({"simulation.overlap_slowdown": 0.5}, "simulation.overlap_slowdown.*compete"),
        ({"cluster.partitions": 1}, "cluster.partitions.*cluster.workers"),
    ],
    ids=["alpha-beta", "overlap", "partitions"],
)
def test_keys_that_would_leave_sharing_out_are_refused(systems, changes, words):
    with pytest.raises(InputError, match=words):
        simulate(scenario(systems[2, None], 4).override(changes))


def changed(folder: Path, file: str, old: str, new: str) -> str:
    path = write_cpu_system(folder, 2)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("tiny-cpu.toml", 'family = "cpu"', 'family = "manycore"', "node.processes: tiny-cpu is no cpu"),
        ("tiny-cpu.toml", "core_bandwidth", "#", "node.processes: tiny-cpu states no core_bandwidth"),
        ("tiny.toml", "tiny-memory.toml", "no-such-link", "node.processes.*no-such-link"),
        ("tiny.toml", "tiny-memory.toml", "gone.toml", r"gone\.toml: no such file"),
        ("tiny.toml", 'accelerators = "cpu"', 'accelerators = "cpu2"', "node.accelerators"),
    ],
    ids=["family", "core-bandwidth", "link", "link-file", "accelerators"],
)
def test_profiles_that_do_not_say_what_a_process_gets_are_refused(tmp_path, file, old, new, words):
    with pytest.raises(InputError, match=words):
        load_system(changed(tmp_path, file, old, new))


def test_files_are_found_beside_the_file_that_names_them(tmp_path, monkeypatch):
    folder = tmp_path / "machines"
    folder.mkdir()
    write_cpu_system(folder, 2)
    monkeypatch.chdir(tmp_path)
    assert load_system("machines/tiny.toml").devices["cpu"].name == "tiny-cpu"

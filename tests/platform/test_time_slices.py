"""Processes that take turns on cores, in time slices: what follows from the rules by hand, and what always holds."""

import itertools
from collections.abc import Sequence

import pytest
import simpy
from cpu_system import scenario, write_cpu_system
from hypothesis import given, settings
from hypothesis import strategies as st
from processor_sharing import jobs_of as long_jobs
from processor_sharing import processor_sharing

from simulator.execution.clock import Clock
from simulator.hardware import load_system
from simulator.network.fluid import FluidNetwork
from simulator.network.time_sharing import BUSY_SHARE, TimeSharedCores
from simulator.platform import Platform, build_platform
from simulator.platform.corrections import CoresCorrection, PlatformCorrections
from simulator.probe.cores import PIECE, balance_delay
from simulator.simulation import simulate

SLICE = 4e-3
RATE = 5e9  # what one core copies
OVERHEAD = 100e-6

#: (start, seconds) of jobs, of some slices each.
jobs_of = long_jobs.map(lambda jobs: [(start / 100, seconds / 100) for start, seconds in jobs])


@pytest.fixture(scope="module")
def systems(tmp_path_factory) -> dict[int, str]:
    """Paths of systems with time slices, by cores."""
    return {
        cores: write_cpu_system(tmp_path_factory.mktemp("cpu"), cores, thread_cores=2, time_slice=SLICE)
        for cores in (1, 2, 4, 8)
    }


def platform_of(system: str, processes: int, cores: CoresCorrection | None = None) -> Platform:
    corrections = PlatformCorrections(cores=cores or CoresCorrection())
    return build_platform(load_system(system), 1, processes=processes, corrections=corrections)


class Machine:
    """Processes of a platform that are given work by hand."""

    def __init__(self, platform: Platform) -> None:
        self.env = Clock()
        self.network = TimeSharedCores(self.env, FluidNetwork(self.env))
        self.platform = platform
        self.names = [place.name for place in platform.accelerators]

    def work(self, process: int, seconds: float) -> simpy.Event:
        route = self.platform.core(self.names[process])
        return self.network.transfer(route, seconds * route.bandwidth)

    def run(self, jobs: Sequence[tuple[int, float, Sequence[float]]]) -> list[list[float]]:
        """When each piece of work ends: for each job (process, start, pieces one after the other)."""
        ends: list[list[float]] = [[] for _ in jobs]

        def job(index, process, start, pieces):
            yield self.env.timeout(start)
            for seconds in pieces:
                yield self.work(process, seconds)
                ends[index].append(self.env.now)

        for index, arguments in enumerate(jobs):
            self.env.process(job(index, *arguments))
        self.env.run()
        return ends


def ends_of(platform: Platform, *jobs: tuple[int, float, Sequence[float]]) -> list[list[float]]:
    return Machine(platform).run(jobs)


def milliseconds(ends: list[list[float]]) -> list[list[float]]:
    return [[round(1e3 * end, 9) for end in each] for each in ends]


# By hand, on one core ------------------------------------------------------------------------------------------------


def test_two_processes_take_turns_of_a_slice(systems):
    ends = ends_of(platform_of(systems[1], 2), (0, 0.0, [10e-3]), (1, 0.0, [10e-3]))
    # 4 and 4, 4 and 4, 2 and 2.
    assert milliseconds(ends) == [[18.0], [20.0]]


@pytest.mark.parametrize(("arrives", "ends"), [(1e-3, 5.0), (3e-3, 5.0), (6e-3, 7.0)])
def test_who_arrives_waits_until_the_other_has_had_a_slice(systems, arrives, ends):
    (long,), (short,) = ends_of(platform_of(systems[1], 2), (0, 0.0, [20e-3]), (1, arrives, [1e-3]))
    assert short * 1e3 == pytest.approx(ends)
    assert long * 1e3 == pytest.approx(21.0)


def test_who_has_more_to_do_goes_on_with_the_rest_of_his_slice(systems):
    ends = ends_of(platform_of(systems[1], 2), (0, 0.0, [1e-3, 1e-3, 1e-3]), (1, 0.0, [1e-3]))
    assert milliseconds(ends) == [[1.0, 2.0, 3.0], [4.0]]
    ends = ends_of(platform_of(systems[1], 2), (0, 0.0, [3e-3, 3e-3]), (1, 0.0, [1e-3]))
    assert milliseconds(ends) == [[3.0, 7.0], [5.0 - 1.0 + 1.0]]


def test_who_sleeps_is_owed_no_more_than_a_slice(systems):
    """The one that comes after 100 ms runs as long as the other is behind it, not for 50 ms."""
    (long,), (late,) = ends_of(platform_of(systems[1], 2), (0, 0.0, [200e-3]), (1, 100e-3, [40e-3]))
    assert long == pytest.approx(0.24)
    assert 0.1 + 2 * 40e-3 - 2 * SLICE <= late <= 0.1 + 2 * 40e-3 + 1e-9


@pytest.mark.parametrize("lost", [0.0, 1e-4, 1e-3])
def test_who_was_interrupted_loses_the_switch_time(systems, lost):
    platform = platform_of(systems[1], 2, CoresCorrection(switch_time=lost))
    (first,), (second,) = ends_of(platform, (0, 0.0, [6e-3]), (1, 0.0, [6e-3]))
    # Both are interrupted once, and pay for it when they go on.
    assert first == pytest.approx(4e-3 + 4e-3 + 2e-3 + lost)
    assert second == pytest.approx(12e-3 + 2 * lost)


def test_the_scenario_can_say_how_long_slices_are(systems):
    platform = platform_of(systems[1], 2, CoresCorrection(time_slice=1e-3))
    assert milliseconds(ends_of(platform, (0, 0.0, [2e-3]), (1, 0.0, [2e-3]))) == [[3.0], [4.0]]


# Always --------------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(jobs_of)
def test_with_a_core_for_each_nobody_waits(systems, jobs):
    found = ends_of(platform_of(systems[8], len(jobs)), *((p, start, [work]) for p, (start, work) in enumerate(jobs)))
    assert [end for (end,) in found] == pytest.approx([start + work for start, work in jobs], rel=1e-9)


@pytest.mark.parametrize("cores", [1, 2, 4])
@settings(max_examples=30, deadline=None)
@given(jobs=jobs_of)
def test_short_slices_are_processor_sharing(systems, cores, jobs):
    """Nobody is further from his even share than some slices."""
    length = 1e-4
    platform = platform_of(systems[cores], len(jobs), CoresCorrection(time_slice=length))
    found = ends_of(platform, *((p, start, [work]) for p, (start, work) in enumerate(jobs)))
    apart = [abs(end - shared) for (end,), shared in zip(found, processor_sharing(cores, jobs), strict=True)]
    assert max(apart) <= 2 * len(jobs) * len(jobs) * length


@pytest.mark.parametrize("cores", [1, 2, 4])
@settings(max_examples=30, deadline=None)
@given(jobs=jobs_of)
def test_cores_do_all_the_work_and_idle_only_without(systems, cores, jobs):
    machine = Machine(platform_of(systems[cores], len(jobs)))
    found = machine.run([(p, start, [work]) for p, (start, work) in enumerate(jobs)])
    total = sum(work for _, work in jobs)
    (use,) = [use for use in machine.network.uses() if use.medium == "cores"]
    assert use.load == pytest.approx(total / cores, rel=1e-9)
    assert total / cores <= use.busy * (1 + 1e-9)
    assert use.busy <= total * (1 + 1e-9)
    last = max(end for (end,) in found)
    # The last to end has waited only while all cores were at work for others (Graham 1966).
    longest = max(work for _, work in jobs)
    assert last <= max(start for start, _ in jobs) + total / cores + (1 - 1 / cores) * longest + 1e-9
    assert all(end >= start + work - 1e-9 for (end,), (start, work) in zip(found, jobs, strict=True))


# A queue for each core -----------------------------------------------------------------------------------------------

#: What one of n + 1 processes on n cores has to do, and how long cores are idle before they help.
piece_and_delay = st.tuples(st.floats(0.02, 0.5), st.floats(1e-3, 0.05))


@pytest.mark.parametrize("cores", [2, 4, 8])
@settings(max_examples=15, deadline=None)
@given(piece_and_delay)
def test_the_last_of_one_too_many_is_helped_after_the_delay(systems, cores, both):
    """W while all cores are at work, d on one core alone, and half of what is left on two; or 2 W, if d is longer."""
    work, delay = both
    platform = platform_of(systems[cores], cores + 1, CoresCorrection(balance_delay=delay))
    found = [end for (end,) in ends_of(platform, *((process, 0.0, [work]) for process in range(cores + 1)))]
    late = min(delay, work)
    assert max(found) == pytest.approx(work + late + (work - late) / 2, abs=SLICE)
    assert sorted(found)[: cores - 1] == pytest.approx([work] * (cores - 1))


@pytest.mark.parametrize("cores", [2, 4])
@pytest.mark.parametrize("delay", [2e-3, 12e-3, 30e-3])
def test_the_probe_finds_the_delay_from_when_processes_end(systems, cores, delay):
    platform = platform_of(systems[cores], cores + 1, CoresCorrection(balance_delay=delay))
    ends = ends_of(platform, *((process, 0.0, [PIECE]) for process in range(cores + 1)))
    assert balance_delay(cores, [end for (end,) in ends]) == pytest.approx(delay, abs=2 * SLICE)


@pytest.mark.parametrize("cores", [2, 4])
@settings(max_examples=30, deadline=None)
@given(jobs=jobs_of, delay=st.floats(1e-4, 0.1))
def test_idle_cores_leave_work_undone_for_no_longer_than_the_delay(systems, cores, jobs, delay):
    """Every job waits for all others at most, and each that ends leaves a core idle for the delay at most."""
    machine = Machine(platform_of(systems[cores], len(jobs), CoresCorrection(balance_delay=delay)))
    found = machine.run([(p, start, [work]) for p, (start, work) in enumerate(jobs)])
    total = sum(work for _, work in jobs)
    (use,) = [use for use in machine.network.uses() if use.medium == "cores"]
    assert use.load == pytest.approx(total / cores, rel=1e-9)
    assert all(end >= start + work - 1e-9 for (end,), (start, work) in zip(found, jobs, strict=True))
    longest = max(work for _, work in jobs)
    bound = max(start for start, _ in jobs) + total / cores + (1 - 1 / cores) * longest
    assert max(end for (end,) in found) <= bound + len(jobs) * delay + 1e-9


@pytest.mark.parametrize("algorithm", ["sync-sgd", "sync-easgd3", "async-sgd", "hogwild-easgd"])
def test_runs_with_queues_of_cores_end_and_repeat(tmp_path, algorithm):
    system = write_cpu_system(tmp_path, 2, thread_cores=2, time_slice=SLICE, balance_delay=12e-3)
    one, other = (simulate(scenario(system, 3, algorithm)) for _ in range(2))
    assert [tuple(span) for span in one.trace.spans] == [tuple(span) for span in other.trace.spans]
    (tmp_path / "one").mkdir()
    single = write_cpu_system(tmp_path / "one", 1, thread_cores=2, time_slice=SLICE)
    alone = simulate(scenario(single, 3, algorithm))
    assert one.time <= alone.time * (1 + 1e-9)


@pytest.mark.parametrize(("threads", "longer"), [(1, 1.0), (2, 1.0), (3, 1.5), (4, 2.0)])
def test_threads_of_one_process_get_its_cores_and_no_more(systems, threads, longer):
    found = ends_of(platform_of(systems[4], 1), *((0, 0.0, [0.5]) for _ in range(threads)))
    assert [end for (end,) in found] == pytest.approx([0.5 * longer] * threads)


# Messages ------------------------------------------------------------------------------------------------------------


def message_end(machine: Machine, size: float, computing: int = 0, after: float = 0.0) -> float:
    """How long a message from process 0 to 1 takes while others have computed for some time, and go on."""
    for process in range(2, 2 + computing):
        machine.work(process, 10.0)
    if after:
        machine.env.run(until=after)
    route = machine.platform.route(machine.names[0], machine.names[1])
    machine.env.run(machine.network.transfer(route, size))
    return machine.env.now - after


@pytest.mark.parametrize("size", [0.0, 1e3, 1e6, 1e9])
def test_a_message_alone_takes_latency_and_bandwidth(systems, size):
    assert message_end(Machine(platform_of(systems[2], 4)), size) == pytest.approx(OVERHEAD + size / RATE, rel=1e-9)


def test_a_message_keeps_both_processes_at_work(systems):
    machine = Machine(platform_of(systems[2], 2))
    message_end(machine, 1e6)
    (cores,) = machine.network._chips.values()
    # One after the other: the sender wakes the receiver.
    assert cores.busy_so_far() == pytest.approx(2 * BUSY_SHARE * OVERHEAD + 1e6 / RATE)
    assert machine.network.traffic() == {"memory": 1e6}


@pytest.mark.parametrize("computing", [1, 2, 3, 4])
@pytest.mark.parametrize("after", [1e-3, 2.5e-3, 7e-3, 50e-3])
def test_a_message_waits_for_cores_and_not_for_long(systems, computing, after):
    """Less than a slice for each core it needs, as it has had less than those who compute."""
    size = 1e5
    alone = OVERHEAD + size / RATE
    found = message_end(Machine(platform_of(systems[2], 8)), size, computing, after)
    # One process computing leaves one core, which both sides need for their part of the software.
    assert alone - 1e-9 <= found <= alone + (2 * SLICE if computing > 1 else 0.0) + 1e-9


def test_a_header_takes_its_time_once_an_array(tmp_path):
    system = write_cpu_system(tmp_path, 4, thread_cores=2, time_slice=SLICE, announcement=50e-6)
    machine = Machine(platform_of(system, 2))
    route = machine.platform.route(*machine.names)
    assert route.announced.time(1e6) == pytest.approx(route.time(1e6) + 50e-6)
    assert platform_of(system, 2, CoresCorrection(time_slice=1e-3)).overheads()["announcement"] == 50e-6


# Whole runs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sync-sgd", "sync-easgd3", "original-easgd", "async-sgd", "hogwild-easgd"])
def test_a_run_takes_as_long_as_its_work_and_no_longer_than_one_core_would(systems, algorithm):
    runs = {cores: simulate(scenario(systems[cores], 4, algorithm)) for cores in (1, 2, 8)}
    assert runs[8].time <= runs[2].time * (1 + 1e-9)
    assert runs[2].time <= runs[1].time * (1 + 1e-9)
    for cores, run in runs.items():
        (use,) = [use for use in run.links if use.resource == "n0.cpu cores"]
        assert use.utilisation <= 1 + 1e-9, cores


@pytest.mark.parametrize("algorithm", ["async-sgd", "sync-easgd3"])
def test_the_same_scenario_gives_the_same_trace(systems, algorithm):
    one, other = (simulate(scenario(systems[2], 4, algorithm, simulation__jitter=0.1)) for _ in range(2))
    assert [tuple(span) for span in one.trace.spans] == [tuple(span) for span in other.trace.spans]


@pytest.mark.parametrize("algorithm", ["sync-sgd", "original-easgd", "sync-easgd1"])
def test_repeated_steps_are_those_of_the_exact_run(systems, algorithm):
    short = simulate(scenario(systems[2], 4, algorithm, workload__steps=60))
    exact = simulate(scenario(systems[2], 4, algorithm, workload__steps=60, simulation__exact=True))
    assert short.time == pytest.approx(exact.time, rel=1e-9)


def test_the_same_messages_as_without_slices(systems, tmp_path):
    plain = write_cpu_system(tmp_path, 2, thread_cores=2)

    def messages(system: str):
        spans = simulate(scenario(system, 3, "sync-easgd2")).trace.spans
        keyed = sorted((s.rank, s.peer, s.step, s.name, s.bytes) for s in spans if s.peer >= 0)
        return [(key, len(list(group))) for key, group in itertools.groupby(keyed)]

    assert messages(systems[2]) == messages(plain)

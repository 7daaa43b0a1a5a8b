"""The clock does what SimPy's environment does: the same events in the same order, the same time, the same failures."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from simulator.execution.clock import Clock, Delay, happen

Process = Generator[simpy.Event, Any, None]
#: What one process does: waits of so many seconds, zero among them so that ties are common.
WAITS = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0]), min_size=1, max_size=6)


def played(env: simpy.Environment, waits: list[list[float]], until: float | None) -> list[tuple[float, int, str]]:
    """Who wakes when, in what order; processes also wait for one another's ends."""
    log: list[tuple[float, int, str]] = []
    processes: list[simpy.Process] = []

    def process(number: int) -> Process:
        for wait in waits[number]:
            yield env.timeout(wait)
            log.append((env.now, number, "wakes"))
        if number:
            yield processes[number - 1]
            log.append((env.now, number, "goes on"))

    processes += [env.process(process(number)) for number in range(len(waits))]
    env.run(until=processes[-1] if until is None else until)
    log.append((env.now, -1, "end"))
    return log


@given(st.lists(WAITS, min_size=1, max_size=5), st.none() | st.sampled_from([0.15, 0.3, 2.0]))
def test_events_are_those_of_simpy(waits: list[list[float]], until: float | None) -> None:
    assert played(Clock(), waits, until) == played(simpy.Environment(), waits, until)


def relayed(waits: list[float], at_once: bool) -> list[tuple[float, int, str]]:
    """Who goes on when: two processes wait for each event, which succeeds when a delay has passed."""
    env, log = Clock(), list[tuple[float, int, str]]()
    events = [simpy.Event(env) for _ in waits]

    def follow(number: int, side: str) -> Process:
        yield events[number]
        log.append((env.now, number, side))
        yield Delay(env, 0.1)
        log.append((env.now, number, side + " later"))

    def relay(event: simpy.Event) -> None:
        if at_once:
            happen(env, event)
        else:
            event.succeed()

    for number, (wait, event) in enumerate(zip(waits, events, strict=True)):
        Delay(env, wait).callbacks.append(lambda _, event=event: relay(event))
        for side in ("one", "other"):
            env.process(follow(number, side))
    env.run()
    return log


@given(WAITS)
def test_what_happens_at_once_happens_in_the_same_order(waits: list[float]) -> None:
    log = relayed(waits, at_once=True)
    assert log == relayed(waits, at_once=False)
    assert len(log) == 4 * len(waits)


def test_what_happens_has_happened() -> None:
    env = Clock()
    event = simpy.Event(env)
    happen(env, event)
    assert event.processed
    assert event.ok
    assert env.peek() == float("inf")


def test_time_does_not_run_back() -> None:
    with pytest.raises(ValueError, match="back"):
        Delay(Clock(), -1.0)


@pytest.mark.parametrize("environment", [Clock, simpy.Environment])
def test_one_step_at_a_time(environment: type[simpy.Environment]) -> None:
    env = environment()
    seen = list[float]()
    for delay in (2.0, 1.0):
        env.timeout(delay).callbacks.append(lambda _: seen.append(env.now))
    env.step()
    assert (env.now, seen) == (1.0, [1.0])
    env.run()
    assert (env.now, seen) == (2.0, [1.0, 2.0])


class TwoFold(Exception):
    """Cannot be made of its own `args`."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def failing(env: simpy.Environment, error: Exception) -> Process:
    yield env.timeout(1.0)
    raise error


def test_a_failure_nobody_catches_ends_the_run_as_it_is() -> None:
    env, error = Clock(), TwoFold("a", "b")
    env.process(failing(env, error))
    with pytest.raises(TwoFold) as caught:
        env.run(until=env.timeout(2.0))
    assert caught.value is error
    assert env.now == 1.0


def test_a_failure_that_somebody_catches_does_not() -> None:
    env, caught = Clock(), list[Exception]()

    def catcher() -> Process:
        try:
            yield env.process(failing(env, ValueError("no")))
        except ValueError as error:
            caught.append(error)

    env.run(until=env.process(catcher()))
    assert [str(error) for error in caught] == ["no"]


def test_waiting_for_what_never_happens_is_an_error() -> None:
    env = Clock()
    env.timeout(1.0)
    with pytest.raises(RuntimeError, match="no events are left"):
        env.run(until=env.event())
    assert env.now == 1.0


def test_what_has_happened_is_not_waited_for() -> None:
    env = Clock()
    done = env.timeout(1.0, value="there")
    assert env.run(until=done) == "there"
    env.timeout(5.0)
    assert env.run(until=done) == "there"
    assert env.now == 1.0

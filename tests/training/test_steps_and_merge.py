"""Step times and cuts of traces; journals of both sides of a message become one."""

import json
import os
import threading

import pytest

from simulator.errors import InputError
from simulator.simulation import load, simulate
from simulator.trace import NO_CAUSE, RankInfo, Span, Trace
from validation.training.guard import first_error, note_error
from validation.training.journal import Journal
from validation.training.locks import Lock
from validation.training.merge import merge, read_processes
from validation.training.process import homes
from validation.training.steps import cut, shared_step_time, step_time

RANKS = (RankInfo(0, "worker", "n0.cpu", "cpu", 0), RankInfo(1, "worker", "n0.cpu", "cpu", 0))


@pytest.fixture(scope="module")
def trace():
    return simulate(load("m40x4-lenet", **{"workload.steps": 12, "simulation.exact": True})).trace


def test_steps_make_up_the_run(trace):
    assert step_time(trace) * 12 == pytest.approx(trace.duration, rel=0.05)


def test_workers_that_wait_for_one_another_have_one_step_time(trace):
    assert shared_step_time(trace, 4) == pytest.approx(step_time(trace, 4), rel=1e-3)


def paced(*seconds, steps=16):
    """Workers that take so long for each of their steps, and wait for nobody."""
    spans = [
        Span(rank, "compute", "forward_backward", "gradient", step * each, (step + 1) * each, 0.0, step, -1, NO_CAUSE)
        for rank, each in enumerate(seconds)
        for step in range(steps)
    ]
    return Trace(tuple(RankInfo(rank, "worker", f"n{rank}.cpu", "cpu", 0) for rank in range(len(seconds))), spans)


def test_together_workers_get_done_what_their_paces_add_up_to():
    uneven = paced(1.0, 2.0, 2.0)
    assert shared_step_time(uneven, 4) == pytest.approx(3 / (1 / 1 + 1 / 2 + 1 / 2))
    assert step_time(uneven, 4) == pytest.approx((1 + 2 + 2) / 3)


def test_there_must_be_a_time_in_which_all_are_at_work():
    assert shared_step_time(paced(1.0, 4.0, steps=16), 3) == pytest.approx(2 / (1 + 1 / 4))
    with pytest.raises(InputError, match="done all 16 steps by 16 s, before another had done 4"):
        shared_step_time(paced(1.0, 4.0, steps=16), 4)


def test_one_step_that_was_held_up_does_not_count(trace):
    late = [
        span._replace(start=span.start + 1.0, end=span.end + 1.0) if span.step > 8 else span for span in trace.spans
    ]
    assert step_time(Trace(trace.ranks, late), 2) == pytest.approx(step_time(trace, 2), rel=1e-3)


def test_a_settled_step_takes_the_same_in_a_cut(trace):
    assert step_time(cut(trace, 4, 6), 2) == pytest.approx(step_time(trace, 6), rel=1e-4)


def test_a_cut_holds_the_same_spans_moved_to_zero(trace):
    part = cut(trace, 4, 3)
    wanted = [span for span in trace.spans if 4 <= span.step < 7]
    assert len(part.spans) == len(wanted)
    assert min(span.start for span in part.spans) == 0.0
    assert {span.step for span in part.spans} == {0, 1, 2}
    assert sum(span.bytes for span in part.spans) == sum(span.bytes for span in wanted)
    assert sum(span.duration for span in part.spans) == pytest.approx(sum(span.duration for span in wanted))
    assert all(span.cause < index for index, span in enumerate(part.spans))


def test_too_short_a_trace_is_refused(trace):
    with pytest.raises(InputError, match="more than 12 steps, got 12"):
        step_time(trace, 12)


def test_a_worker_that_stopped_early_is_refused():
    part = Trace(RANKS, [])
    journal = simulate(load("m40x4-lenet", **{"workload.steps": 3})).trace
    part.spans.extend(span for span in journal.spans if not (span.rank == 1 and span.step == 2))
    part = Trace(journal.ranks, part.spans)
    with pytest.raises(InputError, match="worker 1 has no step 2, but others have"):
        step_time(part)


@pytest.fixture
def journals(tmp_path):
    """Rank 1's clock is 10 s ahead; it waits from 1 s on for a message that rank 0 sends from 3 s to 4 s."""
    first, second = Journal(tmp_path / "journal-0", 0), Journal(tmp_path / "journal-1", 1)
    first.add("compute", "forward_backward", "gradient", 100.0, 103.0, step=0)
    first.add("network", "gpu_gpu_parameters", "send w", 103.0, 104.0, 8.0, 0, peer=1, channel=0, order=0)
    second.add("network", "gpu_gpu_parameters", "receive w", 111.0, 114.5, 8.0, 0, peer=0, channel=0, order=0)
    for journal in (first, second):
        journal.close()
    for process, (begin, offset) in enumerate([(100.0, 0.0), (110.0, -10.0)]):
        clock = [[begin, offset, 1e-6], [begin + 5, offset, 1e-6]]
        document = {
            "process": process,
            "ranks": [process],
            "begin": begin,
            "end": begin + 5,
            "clock": clock,
            "staleness": [],
            "used": {},
        }
        (tmp_path / f"process-{process}.json").write_text(json.dumps(document))
    return tmp_path


def test_a_message_starts_when_both_of_its_sides_are_ready(journals):
    merged = merge(journals, RANKS, (0, 1), read_processes(journals, 2), {})
    spans = {span.name: span for span in merged.spans}
    assert spans["gradient"].start == 0.0
    for name, end in (("send w", 4.0), ("receive w", 4.5)):
        assert spans[name].start == pytest.approx(3.0)
        assert spans[name].end == pytest.approx(end)
        assert merged.spans[spans[name].cause].name == "gradient"
    assert spans["gradient"].cause == NO_CAUSE


def test_a_message_whose_other_side_was_never_written_is_kept(journals):
    (journals / "journal-0").unlink()
    merged = merge(journals, RANKS, (0, 1), read_processes(journals, 2), {})
    assert [span.name for span in merged.spans] == ["receive w"]


def test_threads_of_a_master_live_in_one_process():
    assert homes(3, 0) == (0, 1, 2)
    assert homes(3, 1) == (0, 1, 2, 3)
    assert homes(3, 3) == (0, 1, 2, 3, 3, 3)


def test_a_lock_is_given_first_come_first_served():
    lock, order = Lock(), []
    lock.acquire(0)
    threads = []

    def take(rank):
        lock.acquire(rank)
        order.append((rank, lock.holder))
        lock.release()

    for rank in (1, 2, 3):
        threads.append(threading.Thread(target=take, args=(rank,)))
        threads[-1].start()
        while len(lock._waiting) < rank:
            pass
    lock.release()
    for thread in threads:
        thread.join()
    assert order == [(1, 1), (2, 2), (3, 3)]
    assert lock.holder is None


def test_who_died_first_is_told_from_what_was_written_not_from_the_files_times(tmp_path):
    for process in (1, 0, 2):
        note_error(tmp_path, process, f"was killed ({process})")
    (tmp_path / "error-3.txt").write_text("")
    for path in tmp_path.iterdir():
        os.utime(path, (1.0, 1.0))
    assert first_error(tmp_path, 4) == (1, "was killed (1)")
    assert first_error(tmp_path / "elsewhere", 4) is None


def test_who_was_killed_goes_before_those_who_failed_for_want_of_it(tmp_path):
    for process, text in enumerate(("failed (MPI_Test)", "was killed (SIGTERM)", "was killed (SIGKILL)", "failed (?)")):
        note_error(tmp_path, process, text)
    assert first_error(tmp_path, 4) == (2, "was killed (SIGKILL)")
    assert first_error(tmp_path, 2) == (0, "failed (MPI_Test)")

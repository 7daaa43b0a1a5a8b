"""Threads of a process that wait for messages, and wake one another only for what has come."""

import importlib.util
import threading
import time

import numpy as np
import pytest

from simulator.algorithms.vocabulary import Array
from validation.training.transport import Transport, _Waiting

mpi = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None,
    reason="mpi4py is not installed: pip install 'clustersim[training]'",
)


class Request:
    def __init__(self):
        self.done = False
        self.tests = 0

    def Test(self):
        self.tests += 1
        return self.done

    def Get_status(self):
        return self.done


def test_what_has_come_is_seen_by_others_until_it_is_taken():
    request = Request()
    waiting = _Waiting(request, 0)
    assert not waiting.arrived()
    request.done = True
    assert waiting.arrived()
    assert waiting.Test()
    assert not waiting.arrived()  # the thread has it, and a finished request is not to be looked at
    assert request.tests == 1


def test_nobody_looks_at_a_request_that_is_being_tested():
    inside, leave = threading.Event(), threading.Event()

    class Slow(Request):
        def Test(self):
            inside.set()
            leave.wait(5)
            return True

    waiting = _Waiting(Slow(), 0)
    waiting._request.done = True
    thread = threading.Thread(target=waiting.Test)
    thread.start()
    inside.wait(5)
    assert not waiting.arrived()
    leave.set()
    thread.join()


@mpi
def test_a_thread_that_waits_in_vain_is_left_asleep(monkeypatch):
    """Two threads of ranks 1 and 2 wait; rank 0 sends to rank 1 alone. All live in this process."""
    from mpi4py import MPI

    transport = Transport(MPI.COMM_SELF, (0, 0, 0))
    rung = []
    ring = transport._bells.ring
    monkeypatch.setattr(transport._bells, "ring", lambda rank: (rung.append(rank), ring(rank)))
    heard = {}

    def receive(rank):
        header = transport.hear(0, rank)
        values = np.empty(header.numbers)
        transport.receive(values, header, rank)
        heard[rank] = values

    threads = {rank: threading.Thread(target=receive, args=(rank,)) for rank in (1, 2)}
    for thread in threads.values():
        thread.start()
    time.sleep(0.05)
    array = Array("x", (3,), 8, np.arange(3.0))
    transport.send(array.value, transport.announce(array, 0, 1), 1)
    threads[1].join(5)
    assert set(heard) == {1}
    assert 2 not in rung
    transport.send(array.value, transport.announce(array, 0, 2), 2)
    threads[2].join(5)
    assert heard[2].tolist() == [0.0, 1.0, 2.0]
    transport.close()

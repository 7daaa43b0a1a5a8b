"""A process that simulates one point after the other for a study: ``python -m simulator.planning.worker``.

It reads points from standard input and writes records to standard output, each a pickle after its length. The first
message is where modules are looked for. It ends when its input ends, at once and whatever it is at: whoever started it
is gone then, killed perhaps. What a user's code prints goes to standard error.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import struct
import sys
import threading
from typing import Any, BinaryIO

__all__ = ["main", "read_message", "write_message"]

_LENGTH = struct.Struct("<Q")


def write_message(stream: BinaryIO, message: Any) -> None:
    """Send one message.

    Raises
    ------
    OSError
        If nobody reads any more.
    """
    data = pickle.dumps(message)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read_message(stream: BinaryIO) -> Any:
    """The next message; both ends are processes of one study.

    Raises
    ------
    EOFError
        If the other end is gone, even in the middle of a message.
    """
    header = stream.read(_LENGTH.size)
    size = _LENGTH.unpack(header)[0] if len(header) == _LENGTH.size else 0
    data = stream.read(size)
    if len(header) < _LENGTH.size or len(data) < size:
        raise EOFError
    return pickle.loads(data)


def main() -> None:
    """Serve until the input ends."""
    # An interrupt from the terminal reaches every process of a study; the one that started it ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    points: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    sys.path[:] = read_message(sys.stdin.buffer)

    from simulator.planning.outcome import simulated

    def listen() -> None:
        try:
            while True:
                points.put(read_message(sys.stdin.buffer))
        except EOFError:
            os._exit(0)

    write_message(answers, "ready")
    threading.Thread(target=listen, daemon=True).start()
    while True:
        write_message(answers, simulated(*points.get()))


if __name__ == "__main__":
    main()

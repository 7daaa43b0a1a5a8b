"""Journals keep what was written, whatever becomes of the writer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from validation.training.clock import Alignment, Offset
from validation.training.journal import Entry, Journal, read_journal

ENTRIES = st.lists(
    st.builds(
        Entry,
        start=st.floats(0, 1e6),
        end=st.floats(0, 1e6),
        bytes=st.floats(0, 1e12),
        lane=st.sampled_from(["compute", "network", "second network"]),
        category=st.sampled_from(["forward_backward", "idle"]),
        name=st.text(min_size=1, max_size=12),
        step=st.integers(0, 10**6),
        peer=st.integers(-1, 64),
        channel=st.integers(-1, 2**40),
        order=st.integers(-1, 2**40),
    ),
    max_size=30,
)


def write(path, entries, close=True):
    journal = Journal(path, 3)
    for e in entries:
        journal.add(e.lane, e.category, e.name, e.start, e.end, e.bytes, e.step, e.peer, e.channel, e.order)
    journal.at_step(7)
    if close:
        journal.close()
    return journal


@given(entries=ENTRIES, close=st.booleans())
def test_what_is_written_is_read_also_from_a_journal_that_was_never_closed(tmp_path_factory, entries, close):
    path = tmp_path_factory.mktemp("journals") / "journal-3"
    journal = write(path, entries, close)
    content = read_journal(path)
    assert (content.rank, content.step, content.entries) == (3, 7, entries)
    if not close:
        journal.close()


@given(entries=ENTRIES, share=st.floats(0, 1))
def test_a_journal_cut_short_gives_a_beginning_or_is_refused(tmp_path_factory, entries, share):
    path = tmp_path_factory.mktemp("journals") / "journal-3"
    write(path, entries)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    try:
        content = read_journal(path)
    except InputError:
        assert share * len(data) < 33
    else:
        assert content.entries == entries[: len(content.entries)]


def test_a_journal_grows(tmp_path):
    entry = Entry(0.0, 1.0, 2.0, "compute", "idle", "name", 0, -1, -1, -1)
    write(tmp_path / "journal", [entry] * 30_000)
    assert len(read_journal(tmp_path / "journal").entries) == 30_000


def test_another_file_is_no_journal(tmp_path):
    (tmp_path / "journal").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="not the journal of a rank"):
        read_journal(tmp_path / "journal")


@given(st.floats(-1e3, 1e3), st.floats(-1e-4, 1e-4), st.floats(0, 100))
def test_offset_and_drift_between_two_measurements_are_taken_out(offset, drift, at):
    """A clock that shows t(1 + drift) + offset is read back to t anywhere between the two measurements."""

    def shown(true):
        return true * (1 + drift) + offset

    def measured(true):
        return Offset(shown(true), true - shown(true), 0.0)

    alignment = Alignment(measured(0.0), measured(100.0))
    assert alignment.common(shown(at)) == pytest.approx(at, abs=1e-9)

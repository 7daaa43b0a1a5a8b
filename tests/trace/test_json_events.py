"""Files of events: what comes before a cut is recovered, nothing is made up, nothing but InputError is raised."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import attempt, is_one_line

from simulator.errors import InputError
from simulator.trace.json_events import parse_document, read_document

EVENTS = [{"ph": "X", "name": f"é{n}", "ts": n * 1.5, "dur": 12, "args": {"list": [1, {"a": "]}"}]}} for n in range(5)]
DOCUMENT = {"schemaVersion": 1, "traceEvents": EVENTS, "last": "key"}


@pytest.mark.parametrize("text", [json.dumps(DOCUMENT), json.dumps(DOCUMENT, indent=2), json.dumps(EVENTS)])
def test_whole_documents_need_no_recovery(text: str) -> None:
    document = parse_document(text, "file", "events", recover=True)
    assert document.events == EVENTS
    assert document.lost == ""


@given(st.integers(0, len(json.dumps(DOCUMENT)) - 1), st.booleans())
def test_whatever_the_cut_what_is_recovered_is_a_prefix(cut: int, bare: bool) -> None:
    text = json.dumps(EVENTS if bare else DOCUMENT)[:cut]
    document, refusal = attempt(lambda: parse_document(text, "file", "events", recover=True))
    if document is None:
        assert is_one_line(refusal, "file: ")
        return
    assert document.events == EVENTS[: len(document.events)]
    assert len(document.events) == text.count('"]}"}]}}')
    if not bare:
        assert f"{len(document.events)} complete events" in document.lost


@given(st.integers(0, len(json.dumps(DOCUMENT)) - 2))
def test_without_recovery_a_cut_object_is_refused(cut: int) -> None:
    with pytest.raises(InputError):
        parse_document(json.dumps(DOCUMENT)[:cut], "file", "events")


def test_a_bare_array_may_end_without_its_bracket() -> None:
    text = json.dumps(EVENTS)
    for ending in (text[:-1], text[:-1] + ",", text[:-1] + ",\n"):
        assert parse_document(ending, "file", "events").events == EVENTS


@given(st.text(max_size=60))
def test_any_text_is_events_or_refused_in_one_line(text: str) -> None:
    for recover in (False, True):
        document, refusal = attempt(lambda recover=recover: parse_document(text, "file", "events", recover))
        assert document is not None or refusal.startswith("file: ")


def test_a_number_that_the_file_ends_in_may_have_had_more_digits() -> None:
    assert parse_document('{"traceEvents": [{"a": 1}], "x": 12', "f", "events", recover=True).header == {}


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
def test_compressed_files_are_recovered_as_far_as_they_go(tmp_path: Path, keep: float) -> None:
    many = {"traceEvents": [{"ph": "X", "n": n, "x": hash((n, "salt")[0] * 7919) % 1000003} for n in range(4000)]}
    packed = gzip.compress(json.dumps(many).encode())
    path = tmp_path / "trace.json.gz"
    path.write_bytes(packed)
    assert read_document(path, "events").events == many["traceEvents"]
    path.write_bytes(packed[: int(len(packed) * keep)])
    with pytest.raises(InputError, match=r"trace\.json\.gz: .*truncated"):
        read_document(path, "events")
    document = read_document(path, "events", recover=True)
    assert 0 < len(document.events) < 4000
    assert document.events == many["traceEvents"][: len(document.events)]
    assert "gzip" in document.lost


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe\x00", "not valid UTF-8"),
        (b"hello", "not valid JSON"),
        (b"{}", "no list traceEvents"),
        (b'{"traceEvents": {}}', "no list traceEvents"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"traceEvents": [' + b"9" * 5000 + b"]}", "not valid JSON"),
    ],
    ids=["not-utf8", "not-json", "no-events", "events-no-list", "nested-deeply", "huge-number"],
)
def test_what_is_no_document_is_refused_with_its_name(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=expected) as error:
        read_document(path, "events")
    assert str(error.value).startswith(str(path))


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_document(tmp_path, "events")

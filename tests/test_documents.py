"""Documents: what is wrong in a file is said in one line with file, key and expectation."""

from pathlib import Path

import pytest
from pydantic import Field

from simulator.documents import Bandwidth, Document, load_document, validate
from simulator.errors import InfeasibleError, InputError, UnknownNameError, located


class Inner(Document):
    bandwidth: Bandwidth
    lanes: int = Field(16, ge=1)


class Outer(Document):
    name: str
    link: Inner
    links: tuple[Inner, ...] = ()
    table: dict[str, Inner] = Field(default_factory=dict)


GOOD = {"name": "a", "link": {"bandwidth": "12 GB/s"}}


def test_units_are_gone_after_loading():
    assert validate(GOOD, Outer, "f.toml").link.bandwidth == 12e9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nmae": "b"}, "f.toml: nmae: unknown key; did you mean 'name'?"),
        ({"link": {"bandwith": "1 GB/s"}}, "f.toml: link.bandwith: unknown key; did you mean 'bandwidth'?"),
        ({"link": {}}, "f.toml: link.bandwidth: missing; it is required"),
        (
            {"link": {"bandwidth": "1 GB"}},
            "f.toml: link.bandwidth: expected a bandwidth such as '475 GB/s', but '1 GB' has",
        ),
        (
            {"link": {"bandwidth": "1 GB/s", "lanes": 0}},
            "f.toml: link.lanes: input should be greater than or equal to 1",
        ),
        ({"links": [{"bandwidth": "x"}]}, r"f.toml: links[0].bandwidth: expected a bandwidth"),
        (
            {"table": {"a": {"bandwidht": "1 GB/s"}}},
            "f.toml: table.a.bandwidht: unknown key; did you mean 'bandwidth'?",
        ),
    ],
)
def test_errors_name_file_key_and_expectation(change, message):
    with pytest.raises(InputError) as error:
        validate({**GOOD, **change}, Outer, "f.toml")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_broken_number_where_a_whole_one_belongs_is_shown():
    with pytest.raises(InputError, match=r"^f.toml: link.lanes: input should be a whole number, got 1.5$"):
        validate({**GOOD, "link": {"bandwidth": "12 GB/s", "lanes": 1.5}}, Outer, "f.toml")


def test_further_problems_are_counted():
    with pytest.raises(InputError, match=r"\(and 1 more\)"):
        validate({"link": {"lanes": 0}, "name": "a"}, Outer, "f.toml")


@pytest.mark.parametrize("content", [b"a = ", b"\xff\xfe", None])
def test_files_that_cannot_be_read(tmp_path: Path, content):
    path = tmp_path / "f.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"f\.toml: (not valid TOML|not UTF-8|no such file)"):
        load_document(path, Outer)


def test_a_folder_is_not_a_file(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load_document(tmp_path, Outer)


def test_errors_raised_inside_are_given_their_place():
    with (
        pytest.raises(InputError, match=r"^s.toml: workload.network: unknown network 'x'"),
        located("s.toml: workload.network"),
    ):
        raise UnknownNameError("network", "x", ["lenet"])
    with pytest.raises(InfeasibleError, match=r"^here: "), located("here"):
        raise InfeasibleError("too big")

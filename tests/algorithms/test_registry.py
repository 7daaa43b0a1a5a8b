"""Every algorithm declares itself completely, and nothing but the vocabulary is known to its file."""

import ast
from pathlib import Path

import pytest

import simulator.algorithms
from simulator.algorithms import algorithm_names, load_algorithm
from simulator.collectives.policy import policies
from simulator.collectives.registry import algorithms as collective_algorithms
from simulator.errors import InputError, UnknownNameError

FILES = sorted(Path(simulator.algorithms.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("name", algorithm_names())
def test_declarations_are_complete(name):
    algorithm = load_algorithm(name)
    assert algorithm.name == name
    assert algorithm.title
    assert algorithm.source
    assert callable(algorithm.holds) or algorithm.holds.weights >= 1
    for kind, schedule in algorithm.collectives.items():
        assert schedule in [*collective_algorithms(kind), *policies()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_algorithm_files_know_no_engine(path):
    """The one algorithm, three executions contract: no file here imports an executor, SimPy, MPI or hardware."""
    allowed = ("simulator.algorithms", "simulator.errors", "simulator.randomness")
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            assert name not in ("simpy", "mpi4py")
            assert not name.startswith("simulator") or name.startswith(allowed), f"{path.name} imports {name}"


def test_the_paper_s_algorithms_and_the_family_that_grew_from_them_are_there():
    expected = {"sync-sgd", "original-easgd", "sync-easgd1", "sync-easgd2", "sync-easgd3", "knl-sync-easgd"}
    expected |= {"async-sgd", "async-msgd", "hogwild-sgd", "async-easgd", "async-measgd", "hogwild-easgd"}
    expected |= {"ddp-msgd", "ssp", "local-sgd", "diloco", "ad-psgd", "topk-sgd", "8bit-sgd", "power-sgd"}
    assert expected <= set(algorithm_names())


def test_unknown_names_and_options_are_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'sync-easgd3'"):
        load_algorithm("sync-easgd33")
    original = load_algorithm("original-easgd")
    with pytest.raises(UnknownNameError, match=r"algorithm\.overlapp"):
        original.resolve_options({"overlapp": True})
    with pytest.raises(InputError, match="expected bool, got 1"):
        original.resolve_options({"overlap": 1})
    assert original.resolve_options({}) == {"overlap": True, "period": 1}


def test_options_out_of_bounds_or_out_of_the_choices_are_refused():
    diloco = load_algorithm("diloco")
    for given, message in (
        ({"period": 0}, r"algorithm\.period: expected at least 1, got 0"),
        ({"outer_momentum": 1.5}, r"algorithm\.outer_momentum: expected 0 to 1, got 1\.5"),
        ({"outer_rate": float("nan")}, r"algorithm\.outer_rate: expected at least 0, got nan"),
        ({"period": True}, "expected int, got True"),
    ):
        with pytest.raises(InputError, match=message):
            diloco.resolve_options(given)
    with pytest.raises(UnknownNameError, match="did you mean 'adamw'"):
        diloco.resolve_options({"inner": "adamW"})
    assert diloco.resolve_options({"inner": "sgd", "outer_rate": 1})["inner"] == "sgd"

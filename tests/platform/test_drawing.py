"""Pictures show every vertex once and every cable, nothing overlaps, and files come out in the format asked for."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from platform_laws import made_system

from simulator.errors import InputError
from simulator.hardware import load_system, names
from simulator.platform import build_platform
from simulator.platform.draw import draw
from simulator.platform.layout import Picture, fabric_picture, node_picture

LINKS = 'injection = "infiniband-edr"\n'
FABRICS = {
    "star": ('kind = "star"\n' + LINKS, 16),
    "small tree": ('kind = "fat-tree"\nradix = 8\n' + LINKS, 30),
    "three levels": ('kind = "fat-tree"\nlevels = 3\nradix = 4\n' + LINKS, 16),
    "flat torus": ('kind = "torus"\nshape = [4, 6]\nlink = "infiniband-edr"\n' + LINKS, 20),
    "deep torus": ('kind = "torus"\nshape = [3, 4, 4]\nlink = "infiniband-edr"\n' + LINKS, 48),
    "shared routers": ('kind = "torus"\nshape = [4, 4]\nnodes_per_router = 3\nlink = "infiniband-edr"\n' + LINKS, 40),
    "dragonfly": (
        'kind = "dragonfly"\ngroups = 4\ncolumns = 4\nnodes_per_router = 2\nrow = "infiniband-edr"\n'
        'global = "infiniband-edr"\n' + LINKS,
        32,
    ),
}


def assert_nothing_overlaps(picture: Picture) -> None:
    for (one, a), (other, b) in combinations(picture.boxes.items(), 2):
        apart = abs(a.x - b.x) >= (a.width + b.width) / 2 - 1e-9 or abs(a.y - b.y) >= (a.height + b.height) / 2 - 1e-9
        assert apart, f"{one} and {other} overlap"


@pytest.mark.parametrize("name", names("systems"))
def test_one_node_shows_every_vertex_and_every_cable(name: str) -> None:
    system = load_system(name)
    picture = node_picture(build_platform(system, 1))
    assert set(picture.boxes) == set(system.node.vertices)
    drawn = {frozenset((line.source, line.target)) for line in picture.lines}
    assert drawn == {frozenset((cable.source, cable.target)) for cable in system.node.cables}
    assert_nothing_overlaps(picture)


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("k80-fdr", 16),
        ("dgx1-v100", 16),
        ("dgx1-v100", 64),
        ("cori-knl", 64),
        ("cori-knl", 800),
        ("ethernet-cluster", 64),
    ],
)
def test_fabrics_of_sixteen_to_sixty_four_nodes_and_more_do_not_overlap(name: str, nodes: int) -> None:
    picture = fabric_picture(build_platform(load_system(name), nodes))
    assert {f"n{index}" for index in range(nodes)} <= set(picture.boxes)
    assert_nothing_overlaps(picture)


@pytest.mark.parametrize("kind", FABRICS)
def test_every_kind_of_fabric_can_be_drawn_without_overlaps(tmp_path: Path, kind: str) -> None:
    text, nodes = FABRICS[kind]
    platform = build_platform(made_system(tmp_path, text, nodes), nodes)
    picture = fabric_picture(platform)
    assert {f"n{index}" for index in range(nodes)} | set(platform.fabric.layers()) == set(picture.boxes)
    assert all({line.source, line.target} <= picture.boxes.keys() for line in picture.lines)
    assert_nothing_overlaps(picture)


def test_many_groups_are_drawn_as_one_box_each() -> None:
    picture = fabric_picture(build_platform(load_system("cori-knl"), 2000))
    assert set(picture.boxes) == {f"g{index}" for index in range(6)}
    assert len(picture.lines) == 15
    assert_nothing_overlaps(picture)


@pytest.mark.parametrize(("suffix", "magic"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_files_are_in_the_format_of_their_suffix(tmp_path: Path, suffix: str, magic: bytes) -> None:
    path = tmp_path / f"picture{suffix}"
    draw(build_platform(load_system("k80-fdr"), 2), path)
    assert path.read_bytes().startswith(magic)


def test_an_svg_names_every_device(tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    draw(build_platform(load_system("m40x4"), 1), path)
    text = path.read_text()
    assert all(f"<!-- {name}" in text for name in ("cpu", "plx", "gpu0", "gpu1", "gpu2", "gpu3"))


def test_other_suffixes_and_missing_folders_are_refused(tmp_path: Path) -> None:
    platform = build_platform(load_system("m40x4"), 1)
    with pytest.raises(InputError, match=r"picture.gif: expected a file name that ends in .svg, .png, .pdf"):
        draw(platform, tmp_path / "picture.gif")
    with pytest.raises(InputError, match="cannot be written"):
        draw(platform, tmp_path / "nowhere" / "picture.svg")


def test_without_matplotlib_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__

    def without_matplotlib(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(InputError, match=r"pip install 'clustersim\[plot\]'"):
        draw(build_platform(load_system("m40x4"), 1), tmp_path / "picture.svg")

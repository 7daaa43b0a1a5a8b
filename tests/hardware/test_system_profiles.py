"""System profiles: what every one states, ranges of names, and errors of one line that name file, key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import InputError, UnknownNameError
from simulator.hardware import System, load_system, names
from simulator.hardware.fabric import FatTreeProfile
from simulator.hardware.name_ranges import expand

GOOD = """schema = "clustersim/system/1"
name = "made"
title = "Made for a test"
topology_sources = "here"
max_nodes = 8

[sources]
here = "this test"

[node]
host = "cpu"
accelerators = "gpu[0-1]"
links = [
    { from = "cpu", to = "plx", link = "pcie3-x16" },
    { from = "plx", to = "gpu[0-1]", link = "pcie3-x16" },
    { from = "cpu", to = "nic0", link = "pcie3-x16" },
]

[node.vertices]
cpu = { device = "xeon-2s" }
plx = { kind = "pcie-switch" }
"gpu[0-1]" = { device = "m40" }
nic0 = { kind = "nic" }

[fabric]
kind = "star"
injection = "infiniband-fdr"
ports = 36
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "made.toml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module", params=names("systems"))
def system(request: pytest.FixtureRequest) -> System:
    return load_system(request.param)


def test_accelerators_and_hosts_are_devices(system: System) -> None:
    assert {system.node.host, *system.node.accelerators} <= set(system.devices)
    families = {system.devices[name].family for name in system.node.accelerators}
    assert families <= {"gpu", "manycore"}
    assert system.devices[system.node.host].family == ("manycore" if system.node.self_hosted else "cpu")


def test_every_profile_says_where_its_topology_is_from_and_what_it_assumes(system: System) -> None:
    profile = system.profile
    assert all(len(profile.sources[key]) > 10 for key in profile.topology_sources)
    assert profile.assumptions


def test_every_source_is_used(system: System) -> None:
    text = system.path.read_text(encoding="utf-8")
    for key in system.profile.sources:
        assert text.count(f'"{key}"') >= 1, f"{key} is cited by nothing"


def test_accelerators_reach_the_host_at_most_at_the_rate_of_their_slot(system: System) -> None:
    for cable in system.node.cables:
        assert 0 <= cable.type.latency < 1e-5
        assert 1e9 < cable.type.bandwidth < 2e12


def test_a_system_of_ones_own_needs_only_a_file(tmp_path: Path) -> None:
    system = load_system(write(tmp_path, GOOD))
    assert (system.name, system.accelerators_per_node, system.max_nodes) == ("made", 2, 8)
    assert system.devices["gpu0"] is system.devices["gpu1"]


def test_overrides_replace_the_link_profiles_figures_and_count_multiplies(tmp_path: Path) -> None:
    override = (
        'link = "pcie3-x16", count = 2, bandwidth = { value = "9 GB/s", kind = "measured", source = "here" }, '
        'latency = { value = "1 us", kind = "measured", source = "here" }'
    )
    text = GOOD.replace('to = "nic0", link = "pcie3-x16"', f'to = "nic0", {override}')
    cable = load_system(write(tmp_path, text)).node.cables[-1].type
    assert (cable.bandwidth, cable.latency, cable.count) == (18e9, 1e-6, 2)


WRONG = {
    "misspelt device": (
        'device = "m40"',
        'device = "m4o"',
        r"node.vertices.gpu0.device: unknown device profile.*'m40'",
    ),
    "misspelt link": (
        'to = "plx", link = "pcie3-x16"',
        'to = "plx", link = "pcie3-16"',
        r"node.links\[0\].link: unkn.*",
    ),
    "unknown vertex": (
        'to = "gpu[0-1]"',
        'to = "gpu[0-2]"',
        r"node.links\[1\].to: unknown vertex 'gpu2'; did you mean",
    ),
    "unknown accelerator": ('accelerators = "gpu[0-1]"', 'accelerators = "gqu0"', r"node.accelerators: unknown vertex"),
    "accelerator is a switch": ('accelerators = "gpu[0-1]"', 'accelerators = "plx"', r"'plx' is a pcie-switch"),
    "no accelerator": ('accelerators = "gpu[0-1]"', "accelerators = []", r"node.accelerators: expected at least one"),
    "accelerator twice": ('"gpu[0-1]"\nlinks', '["gpu0", "gpu0"]\nlinks', r"node.accelerators: a name is given twice"),
    "unknown host": ('host = "cpu"', 'host = "cpus"', r"node.host: unknown vertex 'cpus'; did you mean 'cpu'"),
    "two hosts": ('host = "cpu"', 'host = "gpu[0-1]"', r"node.host: expected the name of one device"),
    "disconnected": (
        '    { from = "plx", to = "gpu[0-1]", link = "pcie3-x16" },\n',
        "",
        r"node.links: no link leads from 'cpu' to gpu0, gpu1",
    ),
    "linked twice": ('from = "cpu", to = "nic0"', 'from = "plx", to = "cpu"', r"node.links\[2\]: 'plx' and 'cpu' are"),
    "linked to itself": ('from = "cpu", to = "nic0"', 'from = "cpu", to = "cpu"', r"'cpu' is linked to itself"),
    "zero cables": ('to = "nic0", link', 'to = "nic0", count = 0, link', r"node.links\[2\].count: .*greater than or"),
    "vertex of both kinds": (
        '{ kind = "nic" }',
        '{ kind = "nic", device = "m40" }',
        r"node.vertices.nic0: expected eit",
    ),
    "unknown kind of vertex": ('kind = "nic"', 'kind = "nick"', r"node.vertices.nic0.kind: .*'nick'"),
    "bad range": ('"gpu[0-1]" = {', '"gpu[0-x]" = {', r"node.vertices: expected a range such as"),
    "no unit": (
        "[sources]",
        '[overheads]\npeer = { value = "7", kind = "recalled", source = "here" }\n[sources]',
        r"overheads.peer.value: expected a time such as '1.5 us', but '7' has no unit",
    ),
    "unknown source": (
        "[sources]",
        '[overheads]\npeer = { value = "7 us", kind = "recalled", source = "hear" }\n[sources]',
        r"overheads.peer.source: 'hear' is not a key of \[sources\]; did you mean 'here'",
    ),
    "unknown topology source": (
        'topology_sources = "here"',
        'topology_sources = "there"',
        r"topology_sources: 'there' is n",
    ),
    "unknown fabric": (
        'kind = "star"',
        'kind = "stra"',
        r"fabric.kind: unknown fabric kind 'stra'; did you mean 'star'",
    ),
    "no kind of fabric": ('kind = "star"\n', "", r"fabric.kind: missing"),
    "unknown key of a fabric": ("ports = 36", "prots = 36", r"fabric: prots: unknown key; did you mean 'ports'"),
    "missing key of a fabric": ('injection = "infiniband-fdr"\n', "", r"fabric: injection: missing"),
    "misspelt fabric link": ("infiniband-fdr", "infiniband-fd", r"fabric.injection.link: unknown link profile"),
    "too few ports": (
        "ports = 36",
        "ports = 7",
        r"max_nodes: the fabric attaches 7 adapters, 7 nodes with 1 each, got 8",
    ),
    "no nodes": ("max_nodes = 8", "max_nodes = 0", r"max_nodes: .*greater than or equal to 1"),
    "no adapters": ('nic0 = { kind = "nic" }', 'nic0 = { kind = "switch" }', r"expected a vertex with kind = 'nic'"),
    "mode without memory": ("max_nodes = 8", 'max_nodes = 8\nmemory_mode = "flat"', r"unknown memory_mode 'flat'"),
    "another name than the file": ('name = "made"', 'name = "other"', r"name: expected 'made', as the file is called"),
    "unknown key": ("max_nodes = 8", "max_nodes = 8\nmax_node = 8", r"max_node: unknown key; did you mean 'max_nodes'"),
    "wrong schema": ("system/1", "system/2", r"schema: .*clustersim/system/1"),
    "misspelt key of a link": ('from = "cpu", to = "plx"', 'form = "cpu", to = "plx"', r"form: unknown key.*'from'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line_that_names_the_file(tmp_path: Path, case: str) -> None:
    before, after, message = WRONG[case]
    assert before in GOOD
    path = write(tmp_path, GOOD.replace(before, after, 1))
    with pytest.raises(InputError, match=message) as raised:
        load_system(path)
    text = str(raised.value)
    assert "\n" not in text
    assert text.startswith(f"{path}: ")


def test_modes_are_those_of_the_device(tmp_path: Path) -> None:
    text = load_system("cori-knl").path.read_text(encoding="utf-8").replace("cori-knl", "made")
    path = write(tmp_path, text)
    assert load_system(path).profile.memory_mode == "cache"
    write(tmp_path, text.replace('memory_mode = "cache"', 'memory_mode = "cach"'))
    with pytest.raises(UnknownNameError, match=r"unknown memory_mode 'cach'; did you mean 'cache'"):
        load_system(path)
    write(tmp_path, text.replace('cluster_mode = "quadrant"', 'cluster_mode = "snc-3"'))
    with pytest.raises(UnknownNameError, match=r"unknown cluster_mode 'snc-3'; did you mean 'snc-"):
        load_system(path)


def test_an_unknown_system_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown system profile 'm40x8'; did you mean 'm40x4'"):
        load_system("m40x8")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.toml: no such file"):
        load_system(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpu", ["gpu"]),
        ("gpu[0-2]", ["gpu0", "gpu1", "gpu2"]),
        ("gpu[3,0]", ["gpu3", "gpu0"]),
        ("n[0-1].nic[2-3]", ["n0.nic2", "n0.nic3", "n1.nic2", "n1.nic3"]),
        ("a[5]b", ["a5b"]),
    ],
)
def test_ranges_expand(text: str, expected: list[str]) -> None:
    assert list(expand(text)) == expected


@pytest.mark.parametrize(
    "text", ["", "gpu[]", "gpu[1-0]", "gpu[a]", "gpu[0-", "[0-3]", "gpu[0-99999999]", "a b", "n[0-999][0-999]"]
)
def test_malformed_ranges_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        expand(text)


@pytest.mark.parametrize(
    ("radix", "levels", "oversubscription", "capacity"),
    [(36, 2, 1, 648), (36, 3, 1, 11_664), (64, 3, 1, 65_536), (64, 2, 3, 3072), (40, 3, 1, 16_000)],
)
def test_fat_trees_hold_what_their_radix_allows(
    radix: int, levels: int, oversubscription: float, capacity: int
) -> None:
    shape = {"kind": "fat-tree", "injection": "any", "radix": radix, "levels": levels}
    profile = FatTreeProfile.model_validate({**shape, "oversubscription": oversubscription})
    assert profile.capacity() == capacity

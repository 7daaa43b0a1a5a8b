"""A wrong profile gives one line that names the file, the key and what was expected."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.hardware import load_device, load_link, profile_path

BANDWIDTH = 'bandwidth = { value = "288.4 GB/s", kind = "datasheet", source = "techpowerup" }'

DEVICE_MISTAKES = {
    "unknown key": (
        BANDWIDTH,
        BANDWIDTH.replace("bandwidth =", "bandwith ="),
        "memories.gddr5.bandwith: unknown key; did you mean 'bandwidth'?",
    ),
    "unknown key of a number": (
        BANDWIDTH,
        BANDWIDTH.replace("source =", "sauce ="),
        "memories.gddr5.bandwidth.sauce: unknown key; did you mean 'source'?",
    ),
    "wrong unit": (
        BANDWIDTH,
        BANDWIDTH.replace("GB/s", "GB"),
        "memories.gddr5.bandwidth.value: expected a bandwidth such as '475 GB/s', but '288.4 GB' has the unit 'GB'",
    ),
    "no unit": (
        BANDWIDTH,
        BANDWIDTH.replace('"288.4 GB/s"', "288.4"),
        "memories.gddr5.bandwidth.value: expected a bandwidth such as '475 GB/s', got 288.4 without a unit",
    ),
    "negative": (BANDWIDTH, BANDWIDTH.replace("288.4", "-288.4"), "memories.gddr5.bandwidth.value: "),
    "bare number": (BANDWIDTH, 'bandwidth = "288.4 GB/s"', "memories.gddr5.bandwidth: "),
    "bad kind": (BANDWIDTH, BANDWIDTH.replace("datasheet", "guessed"), "memories.gddr5.bandwidth.kind: "),
    "no source": (
        BANDWIDTH,
        BANDWIDTH.replace(', source = "techpowerup"', ""),
        "memories.gddr5.bandwidth.source: missing; it is required",
    ),
    "missing source key": (
        BANDWIDTH,
        BANDWIDTH.replace("techpowerup", "techpowerupp"),
        "memories.gddr5.bandwidth.source: 'techpowerupp' is not a key of [sources]; did you mean 'techpowerup'?",
    ),
    "rule not stated": (
        BANDWIDTH,
        BANDWIDTH.replace("datasheet", "derived"),
        "memories.gddr5.bandwidth: note is missing; a number of kind 'derived' must state its rule",
    ),
    "missing table": ("[power]", "[energy]", "energy: unknown key"),
    "missing key": ('family = "gpu"\n', "", "family: missing; it is required"),
    "other schema": ("clustersim/device/1", "clustersim/device/9", "schema: "),
    "other name": ('name = "m40"', 'name = "m4"', "name: expected 'm40', as the file is called, got 'm4'"),
    "faster than peak": (
        'value = "231 GB/s"',
        'value = "2310 GB/s"',
        "memories.gddr5: achieved_bandwidth: expected at",
    ),
    "unknown memory": (
        'main_memory = "gddr5"',
        'main_memory = "gddr6"',
        "main_memory: 'gddr6' is not one of the memories; did you mean 'gddr5'?",
    ),
    "precision": ("fp64 =", "fp46 =", "peak.fp46"),
    "fraction of a unit": ("value = 24,", "value = 23.5,", "units.value: "),
    "rule without model": ("kernel_model_rule =", "# kernel_model_rule =", "kernel_model_rule: missing"),
    "no launch": ("launch_overhead =", "# launch_overhead =", "launch_overhead: missing; it is required of a gpu"),
    "not TOML": ("[power]", "[power", "not valid TOML"),
}

KNL_MISTAKES = {
    "no modes": ('fast_memory = "mcdram"\n', "", "memory_modes: expected exactly when there is a fast_memory"),
    "default mode": (
        'default_memory_mode = "cache"',
        'default_memory_mode = "cash"',
        "default_memory_mode: 'cash' is not one of the modes; did you mean 'cache'?",
    ),
    "fraction above one": ('value = "50 %"', 'value = "150 %"', "memory_modes.hybrid.cache_fraction.value: "),
    "fast memory is the slow one": ('fast_memory = "mcdram"', 'fast_memory = "ddr4"', "fast_memory: expected a memory"),
    "cache gets faster": ('value = "59 GB/s"', 'value = "359 GB/s"', "memory_cache: beyond_bandwidth: expected at"),
    "cache beats the memory": ('value = "352 GB/s"', 'value = "480 GB/s"', "memory_cache.inside_bandwidth: expected"),
    "beyond the cache": ('value = "120 GB"', 'value = "12 GB"', "memory_cache.beyond_footprint: expected more than"),
}

LINK_MISTAKES = {
    "above the line rate": ('value = "12.35 GB/s"', 'value = "16 GB/s"', "bandwidth: expected at most raw_bandwidth"),
    "pageable above pinned": ('value = "6 GB/s"', 'value = "13 GB/s"', "pageable_bandwidth: expected at most"),
    "medium": ('medium = "pcie"', 'medium = "pci"', "medium: "),
    "duplex": ('duplex = "full"', 'duplex = "both"', "duplex: "),
    "unknown key": ("latency =", "latencey =", "latencey: unknown key; did you mean 'latency'?"),
}


def _spoilt(tmp_path, kind, name, old, new):
    text = profile_path(kind, name).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / f"{name}.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def _check(load, path, expected):
    with pytest.raises(InputError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: {expected}"), message
    assert "\n" not in message


@pytest.mark.parametrize("mistake", DEVICE_MISTAKES)
def test_device(tmp_path, mistake):
    old, new, expected = DEVICE_MISTAKES[mistake]
    _check(load_device, _spoilt(tmp_path, "devices", "m40", old, new), expected)


@pytest.mark.parametrize("mistake", KNL_MISTAKES)
def test_knl(tmp_path, mistake):
    old, new, expected = KNL_MISTAKES[mistake]
    _check(load_device, _spoilt(tmp_path, "devices", "knl-7250", old, new), expected)


@pytest.mark.parametrize("mistake", LINK_MISTAKES)
def test_link(tmp_path, mistake):
    old, new, expected = LINK_MISTAKES[mistake]
    _check(load_link, _spoilt(tmp_path, "links", "pcie3-x16", old, new), expected)


def test_missing_file(tmp_path):
    _check(load_link, tmp_path / "absent.toml", "no such file")

"""Names and paths of profiles, and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simulator import hardware
from simulator.errors import InputError, UnknownNameError
from simulator.hardware import load_device, load_link, names, profile_path

REQUIRED_DEVICES = [
    "knl-7210",
    "knl-7230",
    "knl-7250",
    "knl-7290",
    "k20",
    "k40",
    "k80",
    "m40",
    "titan-x-maxwell",
    "p100-pcie",
    "p100-sxm2",
    "v100-pcie",
    "v100-sxm2",
    "a100-40gb",
    "a100-80gb",
    "h100-sxm",
    "h200",
    "b200",
    "xeon-2s",
]
REQUIRED_LINKS = [
    "pcie2-x16",
    "pcie3-x16",
    "pcie4-x16",
    "pcie5-x16",
    "pcie-switch",
    "qpi",
    "upi",
    "nvlink1",
    "nvlink2",
    "nvlink3",
    "nvlink4",
    "nvlink5",
    "nvswitch",
    "infiniband-qdr",
    "infiniband-fdr",
    "infiniband-edr",
    "infiniband-hdr",
    "infiniband-ndr",
    "aries",
    "aries-injection",
    "aries-electrical",
    "aries-optical",
    "omni-path",
    "ethernet-10g-tcp",
    "ethernet-25g-tcp",
    "ethernet-100g-tcp",
]


def test_the_promised_profiles_are_there():
    assert not set(REQUIRED_DEVICES) - set(names("devices"))
    assert not set(REQUIRED_LINKS) - set(names("links"))


def test_names_are_sorted_and_lead_to_files():
    for kind in ("devices", "links"):
        found = names(kind)
        assert found == sorted(found)
        assert all(profile_path(kind, name).is_file() for name in found)


@pytest.mark.parametrize("name", ["./m40.toml", "m40.toml", "somewhere/m40", Path("m40")])
def test_what_looks_like_a_path_is_one(name):
    assert profile_path("devices", name) == Path(name)


def test_a_path_loads_the_same_profile_as_the_name():
    assert load_device(profile_path("devices", "m40")) == load_device("m40")
    assert load_link(str(profile_path("links", "aries"))) == load_link("aries")


def test_an_unknown_name_offers_the_nearest_one():
    with pytest.raises(UnknownNameError, match=r"^unknown device profile 'knl7250'; did you mean 'knl-7250'\?$"):
        load_device("knl7250")
    with pytest.raises(UnknownNameError, match=r"^unknown link profile 'pcie3x16'; did you mean 'pcie3-x16'\?$"):
        load_link("pcie3x16")
    with pytest.raises(UnknownNameError, match="unknown kind of profile 'device'; did you mean 'devices'"):
        names("device")


def test_a_missing_file_is_named():
    with pytest.raises(InputError, match=r"^nowhere/m40\.toml: no such file"):
        load_device("nowhere/m40.toml")


def test_every_exported_name_exists_and_no_other():
    for name in hardware.__all__:
        assert getattr(hardware, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'load_devices'"):
        _ = hardware.load_devices


def test_importing_the_package_loads_no_schema():
    code = "import sys, simulator.hardware; print('pydantic' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"

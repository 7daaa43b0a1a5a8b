"""Which profiles there are, and how a name or a path becomes a loaded profile.

Profiles are the TOML files of the installed package `hardware_profiles`, one folder for each kind. A name is a file
stem (``"m40"``); anything that ends in ``.toml`` or contains a slash is a path to a file of the user's own.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal, TypeVar, get_args

from simulator.documents import load_document
from simulator.errors import InputError, UnknownNameError
from simulator.hardware.sourced import Profile

__all__ = ["ProfileKind", "beside", "is_bundled", "load_profile", "names", "profile_path"]

ProfileKind = Literal["devices", "links", "systems", "kernels"]
AnyProfile = TypeVar("AnyProfile", bound=Profile)


def _folder(kind: ProfileKind) -> Path:
    if kind not in get_args(ProfileKind):
        raise UnknownNameError("kind of profile", str(kind), get_args(ProfileKind))
    return Path(str(resources.files("hardware_profiles"))) / kind


def names(kind: ProfileKind) -> list[str]:
    """The names of the profiles of a kind that come with the package, sorted.

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    """
    return sorted(path.stem for path in _folder(kind).glob("*.toml"))


def is_bundled(kind: ProfileKind, name: str) -> bool:
    """Whether a profile of that name comes with the package; cheaper than to look through `names`."""
    return Path(name).name == name and (_folder(kind) / f"{name}.toml").is_file()


def profile_path(kind: ProfileKind, name: str | Path) -> Path:
    """The file of a profile, from its name or from its path.

    Raises
    ------
    UnknownNameError
        If `name` is not a path and no such profile comes with the package. Whether a path exists is not checked here.
    """
    folder = _folder(kind)
    if isinstance(name, Path) or name.endswith(".toml") or "/" in name or "\\" in name:
        return Path(name)
    if not is_bundled(kind, name):
        raise UnknownNameError(f"{kind[:-1]} profile", name, names(kind))
    return folder / f"{name}.toml"


def beside(file: Path, name: str) -> str:
    """What a name in a profile stands for: a name, or a file whose path is relative to the profile that names it.

    Examples
    --------
    >>> beside(Path("machines/mine.toml"), "m40"), beside(Path("machines/mine.toml"), "my-cpu.toml")
    ('m40', 'machines/my-cpu.toml')
    """
    return str(file.parent / name) if name.endswith(".toml") else name


def load_profile(kind: ProfileKind, name: str | Path, model: type[AnyProfile]) -> AnyProfile:
    """The profile `name` of a kind, validated as `model`.

    Raises
    ------
    InputError
        If the name is unknown, the file is missing or wrong, or the profile's `name` is not its file's stem.
    """
    path = profile_path(kind, name)
    profile = load_document(path, model)
    if profile.name != path.stem:
        raise InputError(f"{path}: name: expected {path.stem!r}, as the file is called, got {profile.name!r}")
    return profile

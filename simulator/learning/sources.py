"""Which reader brings in the data set of a name or path."""

from __future__ import annotations

from pathlib import Path

from simulator.errors import InputError, suggestion
from simulator.learning import archive, cifar, digits, idx, synthetic
from simulator.learning.data import LearningData, checked

__all__ = ["load_data"]


def load_data(name_or_path: str | Path, *, seed: int = 0) -> LearningData:
    """A data set, by name or from the user's files.

    Parameters
    ----------
    name_or_path : str or Path
        ``"digits"`` (scikit-learn's bundled 8 × 8 digits), ``"synthetic"`` or ``"synthetic:classes=4,noise=0.3"``
        (see `simulator.learning.synthetic`), a folder with the four MNIST IDX files (plain or .gz), a folder with the
        CIFAR-10 binary batches, or an ``.npz`` file (see `simulator.learning.archive`).
    seed : int
        Draws the synthetic samples; the other sources do not depend on it.

    Raises
    ------
    InputError
        One line, if there is no such data set, or a file is missing, truncated or not what its format demands.
    """
    name = str(name_or_path)
    if name == digits.NAME:
        return checked(digits.read())
    if name.partition(":")[0] == synthetic.NAME:
        return checked(synthetic.generate(name, seed))
    return checked(_from_path(name, Path(name_or_path).expanduser()))


def _from_path(name: str, path: Path) -> LearningData:
    if path.is_dir():
        if idx.recognises(path):
            return idx.read(path)
        if cifar.recognises(path):
            return cifar.read(path)
        raise InputError(
            f"{path}: no data set in this folder; expected MNIST IDX files ({', '.join(idx.FILES)}, plain or .gz) "
            f"or CIFAR-10 binary batches ({', '.join(cifar.TRAIN_FILES)}, {cifar.TEST_FILE})"
        )
    if not path.exists():
        near = suggestion(name, [digits.NAME, synthetic.NAME])
        hint = near if "did you mean" in near else ""
        raise InputError(
            f"{name}: no such data set, folder or file{hint}; "
            f"expected {digits.NAME!r}, '{synthetic.NAME}:…', a folder of MNIST IDX or CIFAR-10 files, or an .npz file"
        )
    if path.suffix != ".npz":
        raise InputError(f"{path}: expected a folder or an .npz file, got a file ending in {path.suffix!r}")
    return archive.read(path)

"""Data sets: how many samples, how large one is on the wire, how large a copy is in memory.

A sample is sent and kept as the paper this project starts from does it: single-precision numbers, no label counted.
That gives its two figures for CIFAR-10:

- a batch of 64 is 64 · 3 · 32 · 32 · 4 B = 786,432 B = 768 KiB, the paper's "768 KB";
- one copy, training and test samples together, is 60,000 · 3,072 · 4 B = 737,280,000 B = 0.6866 GiB. The paper's
  "687 MB" is that number of GiB times a thousand; in MB of 10⁶ bytes it is 737, in MiB 703.

``load_dataset`` takes a name from `dataset_names`, a path that ends in ``.toml`` or
``synthetic:shape=3x224x224,samples=1e6[,test_samples=0][,classes=1000]``. A file of one's own looks like this::

    schema = "clustersim/dataset/1"
    name = "tiles"
    title = "Satellite tiles"     # optional, as are test_samples, classes, element_size [bytes] and source
    sample_shape = [4, 128, 128]
    samples = 250000
    test_samples = 10000
    classes = 21
    element_size = 4
    source = "our archive, 2024"
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from simulator.errors import InputError, UnknownNameError
from simulator.workload.parametric import parse_options, whole_number
from simulator.workload.shapes import Shape, elements

__all__ = ["Dataset", "dataset_names", "load_dataset"]


@dataclass(frozen=True)
class Dataset:
    """Samples of one shape.

    Parameters
    ----------
    name, title : str
        How to ask for it, and what it is.
    samples, test_samples : int
        In the training and in the test part.
    sample_shape : tuple of int
        (channels, height, width) of a sample as it is sent to a device.
    classes : int
        Labels to tell apart.
    element_size : int
        Bytes of one number as it is sent and kept.
    kind, source : str
        Where the counts come from: ``recalled`` from a named document, or ``assumed`` by the user.
    """

    name: str
    title: str
    samples: int
    test_samples: int
    sample_shape: Shape
    classes: int
    element_size: int = 4
    kind: str = "assumed"
    source: str = "given by the user"

    @property
    def sample_bytes(self) -> int:
        """Size [bytes] of one sample on the wire, without its label."""
        return elements(self.sample_shape) * self.element_size

    def batch_bytes(self, batch: int) -> int:
        """Size [bytes] of a batch of samples on the wire."""
        return batch * self.sample_bytes

    @property
    def stored_bytes(self) -> int:
        """Size [bytes] of one copy in memory, training and test samples."""
        return (self.samples + self.test_samples) * self.sample_bytes


_DATASETS = MappingProxyType(
    {
        dataset.name: dataset
        for dataset in (
            Dataset(
                "mnist",
                "MNIST, handwritten digits",
                samples=60_000,
                test_samples=10_000,
                sample_shape=(1, 28, 28),
                classes=10,
                kind="recalled",
                source="LeCun, Cortes and Burges, The MNIST database; counts as in You et al., SC'17",
            ),
            Dataset(
                "cifar10",
                "CIFAR-10, small colour images",
                samples=50_000,
                test_samples=10_000,
                sample_shape=(3, 32, 32),
                classes=10,
                kind="recalled",
                source="Krizhevsky 2009, Learning multiple layers of features; counts as in You et al., SC'17",
            ),
            Dataset(
                "imagenet",
                "ImageNet, ILSVRC-2012, stored at 256 × 256",
                samples=1_281_167,
                test_samples=150_000,  # 50,000 for validation and 100,000 for the test, the paper's 0.15 M
                sample_shape=(3, 256, 256),
                classes=1000,
                kind="recalled",
                source="Russakovsky et al. 2015, ImageNet large scale visual recognition challenge, table 2",
            ),
        )
    }
)


def dataset_names() -> list[str]:
    """Names `load_dataset` knows, sorted."""
    return sorted(_DATASETS)


def load_dataset(name: str) -> Dataset:
    """The data set of that name, file or parameters.

    Raises
    ------
    UnknownNameError
        If there is no such data set; the text offers the nearest name.
    InputError
        If the file or the parameters are wrong.
    """
    if name.endswith(".toml"):
        return _read_dataset(Path(name))
    if name.startswith("synthetic:"):
        return _parse_synthetic(name)
    if name not in _DATASETS:
        raise UnknownNameError("dataset", name, _DATASETS)
    return _DATASETS[name]


def _parse_synthetic(name: str) -> Dataset:
    where = f"dataset {name!r}"
    keys = ("shape", "samples", "test_samples", "classes")
    options = parse_options(name.removeprefix("synthetic:"), keys, where)
    for key in ("shape", "samples"):
        if key not in options:
            raise InputError(f"{where}: {key}: missing; expected synthetic:shape=3x224x224,samples=1e6")
    shape = tuple(whole_number(size, "shape", where) for size in options["shape"].split("x"))
    return Dataset(
        name,
        "Synthetic samples",
        samples=whole_number(options["samples"], "samples", where),
        test_samples=whole_number(options.get("test_samples", "0"), "test_samples", where, least=0),
        sample_shape=shape,
        classes=whole_number(options.get("classes", "1000"), "classes", where),
    )


def _read_dataset(path: Path) -> Dataset:
    # pydantic is slow to import and only files need it.
    from simulator.documents import load_document
    from simulator.workload.schemas import DatasetDocument

    document = load_document(path, DatasetDocument)
    return Dataset(
        document.name,
        document.title or document.name,
        samples=document.samples,
        test_samples=document.test_samples,
        sample_shape=document.sample_shape,
        classes=document.classes,
        element_size=document.element_size,
        source=document.source or str(path),
    )

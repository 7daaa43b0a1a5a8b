"""How the parts of a breakdown look: their words, and a hatch beside the colour, so that colour alone says nothing.

Colours are classes of ``plot.css``, named after the part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.trace.spans import Category

__all__ = ["PARTS", "Part", "part"]


@dataclass(frozen=True, slots=True)
class Part:
    """`kind` is the class of its colour, `hatch` a number of `simulator.report.html.svg.hatched`."""

    words: str
    kind: str
    hatch: int


#: In the order in which bars stack them: communication, arithmetic, waiting.
PARTS: Mapping[str, Part] = {
    Category.GPU_GPU_PARAMETERS: Part("GPU–GPU parameters", "gpu_gpu_parameters", 1),
    Category.CPU_GPU_DATA: Part("CPU–GPU data", "cpu_gpu_data", 3),
    Category.CPU_GPU_PARAMETERS: Part("CPU–GPU parameters", "cpu_gpu_parameters", 2),
    Category.NODE_NODE_PARAMETERS: Part("node–node parameters", "node_node_parameters", 6),
    Category.FORWARD_BACKWARD: Part("forward/backward", "forward_backward", 0),
    Category.DEVICE_UPDATE: Part("device update", "device_update", 5),
    Category.HOST_UPDATE: Part("host update", "host_update", 4),
    Category.IDLE: Part("idle", "idle", 0),
}


def part(category: str) -> Part:
    """The look of a part; one that is not among the paper's keeps its name.

    Examples
    --------
    >>> part("forward_backward").words, part("checkpoint_write").words
    ('forward/backward', 'checkpoint write')
    """
    return PARTS.get(category) or Part(category.replace("_", " "), "other", 0)

"""How arrays travel, the same in simulated and in real time: the messages of an array, and what a collective yields."""

from __future__ import annotations

import numpy as np

from simulator.algorithms.rank import Task
from simulator.algorithms.vocabulary import Array, Collective

__all__ = ["collective_parts", "collective_result", "message_parts"]


def message_parts(layout: tuple[int, ...], packed: bool) -> tuple[int, ...]:
    """Elements of each message that an array of that layout travels in: one, or one a layer."""
    return (sum(layout),) if packed else tuple(elements for elements in layout if elements)


def collective_parts(operation: Collective, result: Array, packed: bool) -> tuple[int, ...]:
    """Elements of each of the schedules that a collective is played in."""
    return (result.elements,) if operation.kind == "all_gather" else message_parts(result.layout, packed)


def collective_result(operation: Collective, position: int, task: Task) -> Array:
    """What the rank at that position of the group will have: at first a copy of what it brings, or zeros."""
    array, initial = operation.array, task.initial
    if array is None:
        value = None if initial is None else np.zeros_like(initial)
        return Array("total", task.layout, task.element_size, value)
    if operation.kind == "all_gather":
        members, value = len(operation.group), None
        if array.value is not None:
            value = np.zeros((members, len(array.value)), array.value.dtype)
            value[position] = array.value
            value = value.reshape(-1)
        return Array("gathered", array.layout * members, array.element_size, value)
    name = array.name if operation.kind == "broadcast" else "total"
    return Array(name, array.layout, array.element_size, None if array.value is None else array.value.copy())

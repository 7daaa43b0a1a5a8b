"""Which samples each worker sees at each step: shuffled epochs, dealt out in consecutive slices.

Epoch e is a random permutation of all samples. The epochs one behind the other are one endless sequence, and at step t
worker w of P with batch b takes its positions (t·P + w)·b onwards. So P workers of batch b see together exactly what
one worker of batch P·b sees, every sample is seen once an epoch, and a longer run begins with the shorter one.
"""

from __future__ import annotations

import numpy as np

from simulator.errors import InputError
from simulator.learning.data import Integers
from simulator.randomness import stream

__all__ = ["Sampler"]

_EPOCHS_KEPT = 4


class Sampler:
    """Deals samples to workers.

    Parameters
    ----------
    samples : int
        Training samples there are.
    workers, batch : int
        Workers, and samples each of them takes a step.
    seed : int
        Seed of the permutations, which come from the stream named ``"data"``, one index an epoch.

    Raises
    ------
    InputError
        If one of the counts is below 1.

    Examples
    --------
    >>> alone, pair = Sampler(100, 1, 8, seed=3), Sampler(100, 2, 4, seed=3)
    >>> bool((alone.indices(0, 5) == np.concatenate([pair.indices(0, 5), pair.indices(1, 5)])).all())
    True
    """

    def __init__(self, samples: int, workers: int, batch: int, seed: int) -> None:
        for name, value in (("samples", samples), ("workers", workers), ("batch", batch)):
            if value < 1:
                raise InputError(f"sampler: {name}: expected at least 1, got {value}")
        self.samples = samples
        self.workers = workers
        self.batch = batch
        self.seed = seed
        self._permutations: dict[int, Integers] = {}

    def indices(self, worker: int, step: int) -> Integers:
        """Indices of the samples of one worker's step, shape ``(batch,)``; any order of calls gives the same.

        Raises
        ------
        IndexError
            If there is no such worker, or the step is negative.
        """
        if not 0 <= worker < self.workers or step < 0:
            raise IndexError(f"no step {step} of worker {worker} among {self.workers}")
        epoch, offset = divmod((step * self.workers + worker) * self.batch, self.samples)
        parts, missing = [], self.batch
        while missing:
            part = self._permutation(epoch)[offset : offset + missing]
            parts.append(part)
            missing -= len(part)
            epoch, offset = epoch + 1, 0
        return np.concatenate(parts)

    def epochs(self, steps: int) -> float:
        """How often `steps` steps of every worker go through the data."""
        return steps * self.workers * self.batch / self.samples

    def _permutation(self, epoch: int) -> Integers:
        """The order of one epoch; a few are kept, since workers that run ahead are in another one."""
        if epoch not in self._permutations:
            while len(self._permutations) >= _EPOCHS_KEPT:
                del self._permutations[next(iter(self._permutations))]
            self._permutations[epoch] = stream(self.seed, "data", epoch).permutation(self.samples).astype(np.int64)
        return self._permutations[epoch]

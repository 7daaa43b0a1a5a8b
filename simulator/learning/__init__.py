"""Small real networks and real data, so that an algorithm can learn at its simulated times.

A `Learner` gives loss and gradient at any weights; `LearningData` is what it learns; a `Sampler` says which samples
each worker sees at each step. Update rules belong to `simulator.algorithms.rules`, times to `simulator.execution`.
Everything is float64 and a pure function of its arguments, so a run repeats bit for bit.
"""

from simulator.learning.catalogue import learner_names, load_learner
from simulator.learning.data import LearningData
from simulator.learning.learner import Evaluation, Learner
from simulator.learning.sampler import Sampler
from simulator.learning.sources import load_data
from simulator.learning.threads import one_thread

__all__ = [
    "Evaluation",
    "Learner",
    "LearningData",
    "Sampler",
    "learner_names",
    "load_data",
    "load_learner",
    "one_thread",
]

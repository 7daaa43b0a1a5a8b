"""Processor sharing by its own law, and jobs to try it with."""

from hypothesis import strategies as st

# Halves and whole milliseconds, so that ends and arrivals never miss each other by rounding.
work = st.integers(1, 400).map(lambda steps: steps / 64)
jobs_of = st.lists(st.tuples(st.integers(0, 200).map(lambda steps: steps / 64), work), min_size=1, max_size=7)


def processor_sharing(cores: int, jobs: list[tuple[float, float]]) -> list[float]:
    """The law itself: n jobs present at once each run at min(1, cores / n). Steps from event to event."""
    left = {index: seconds for index, (_, seconds) in enumerate(jobs)}
    ends = [0.0] * len(jobs)
    now = 0.0
    while left:
        present = [index for index in left if jobs[index][0] <= now]
        arrivals = [jobs[index][0] for index in left if jobs[index][0] > now]
        if not present:
            now = min(arrivals)
            continue
        speed = min(1.0, cores / len(present))
        first = min(present, key=left.__getitem__)
        until_end = left[first] / speed
        step = min([until_end, *(arrival - now for arrival in arrivals)])
        for index in present:
            left[index] -= step * speed
        now += step
        if step == until_end:
            ends[first] = now
            del left[first]
    return ends

"""Print the comparison with the paper as Markdown: ``python -m validation.paper > validation/paper/README.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from validation.paper import gpu_box, partition, weak_scaling

INTRODUCTION = """\
# The paper's experiments, simulated

Made by `python -m validation.paper > validation/paper/README.md`. Nothing here was fitted to the paper. Letters behind
printed figures are our confidence in them: A = abstract, T = translation of the body, R = recalled.
"""

GPU_TEXT = """\
## Sync EASGD on four Tesla M40

Speed-ups at an equal number of gradients, and in brackets as the paper counts where that differs (Original 5,000 turns
of one worker, Sync 1,000 steps of four, to equal accuracy; R). Shares of communication are of the critical path.
"""

GPU_REASONS = """\
What agrees: the order on LeNet (each version faster than the one before), the fall of the communication share from
version to version, and its mechanism: Original is bounded by CPU-GPU parameter transfers, Sync EASGD3 by arithmetic.
The step from 1 to 2 is close to the printed one.

What is off, and why:

- *Original to Sync EASGD1* gains less than printed. The printed 41 s (R) for 5,000 turns are 8.2 ms a turn, 7.1 ms of
  them communication, for two transfers of 1.7 MB: about 0.5 GB/s. A copy from pinned memory over PCIe 3 reaches
  12 GB/s and costs 32 us a call, so the simulated turn needs 0.6 ms. The measured code was far slower than the
  hardware's α + nβ, in a way that neither pageable memory nor unpacked layers explain.
- *Sync EASGD2 to 3* gains more than printed: here broadcast and reduction hide completely behind the gradient and
  nothing slows a GPU's arithmetic while it communicates. The printed 14 % of communication left over says that
  something did.
- *AlexNet*: Original, whose transfers hide the whole computation, overtakes the versions 1 and 2, which overlap
  nothing. At P = 4 a tree over the CPU and four GPUs takes 3 rounds where round robin takes 4 turns, so the tree
  saves little, and 250 MB of weights make everything else small.
"""

KNL_TEXT = """\
## Weak scaling on Cori KNL nodes

Seconds an iteration, and the efficiency against one node. The paper does not state the batch: 1,024 images a node for
GoogLeNet and 256 for VGG-19 are the powers of two that come nearest its single-node times at the 2 TFLOP/s that KNL
nodes reach in training. All printed times are R; the abstract's 91.5 % (A) agrees with GoogLeNet at 64 nodes.
"""

KNL_REASONS = """\
What is off, and why: with overlap the simulated broadcast and reduction vanish behind the gradient, and scaling is
perfect, where the paper lost 8 % (GoogLeNet) and 20 % (VGG-19). Not even the variant without overlap explains the loss
on GoogLeNet: twelve messages of 53.5 MB at 8.5 GB/s are 76 ms of a 5 s iteration. What remains are effects that the
α + nβ analysis leaves out: nodes that differ from step to step (the last column shows what 5 % of lognormal jitter do
where every step waits for the slowest), progress of MPI beside arithmetic on the same cores, and the traffic of other
jobs. They are to be calibrated from traces, not guessed. Overlap hides jitter too: a node may be late by all the time
by which its gradient outlasts the communication before anybody waits for it.
"""

PARTITION_TEXT = """\
## Groups of cores inside one KNL chip

AlexNet on CIFAR-10, 64 samples a group and step, `chip-partition` on one KNL 7250. The paper prints 1605, 1025, 823 and
490 s to accuracy 0.625 with 1, 4, 8 and 16 groups (T). That is samples needed times seconds a sample; only the latter
is hardware. Cells: seconds a step, images a second, and in brackets the rate over that of one group in the same mode.
The last column leaves one data set in common instead of a copy for each group (`data_copies = false`).
"""

PARTITION_SPLIT = """\
What hardware explains of the printed speed-up, and what is left. *A core's efficiency*: samples a second and core in
such a group over a core of the whole chip, every core with its share of MCDRAM and nothing exchanged. *Kernels*: the
simulated rate over that of one group, flat mode, the data set in common. *With serial time*: the same, if all that a
measured framework spends outside the simulated kernels were serial in every group, an upper bound. *Left*:
the printed speed-up over the two, which fewer samples to the same accuracy would have to supply. *Implied*: epochs and
steps to 0.625, printed seconds times simulated rate.
"""

PARTITION_EQUAL = """\
At equal work a step (64 samples over all groups, so every row learns the same), data set in common, flat mode:
"""

PARTITION_REASONS = """\
What this says: on this model, dividing the chip does not by itself make it faster, let alone 3.3 times.

- *Smaller groups do compute more efficiently*, by 2 % (4 groups) to 7 % (32). More images for each core give most of
  it, fewer idle cores and serial parts side by side 1 %, shallower barriers nothing to speak of. There is little to
  gain: with the libraries that DeepBench measured, the gradient of 64 images already runs at 586 images a second on the
  undivided chip, that of 4,096 at 678.
- *The division costs more than that.* Each group streams its own 250 MB of weights, updates them, and passes a gradient
  as large up and down a tree through the same memory. 68 cores make 16 groups of 4, and 4 of them get a fifth core
  that only waits. Half of a step at 4 images a group is exchange.
- *MCDRAM is full at 8 groups*: 1.91 GB each, of which weights 250 MB and the data set 737 MB as the paper counts them
  (its 16 copies of these two alone fit), and gradients, kept activations and their gradients 0.9 GB, which it leaves
  out. Beyond, flat mode spills to DDR4 and loses least; cache and hybrid mode lose more, to misses.
- *A framework's own time can hide in groups.* Intel Caffe took 1.04 ms a sample more on a 7250 than the simulated
  kernels. If all of it ran on one core a group, 4 to 8 groups would gain 1.4 times, 16 groups 1.2.
- *The rest is learning, or a slower baseline.* P groups make a batch P times as large, which at best keeps the number
  of samples; the printed times ask for fewer samples, and for a number of steps that falls faster than P grows. Groups
  that apply the *sum* of gradients take steps P times as long, so a learning rate too small for one group would look
  like this; so would a program that used the whole chip at a fifth of its libraries' speed. The paper does not say.

Bounds of the model: a group's share of bandwidth is 1/P also while others wait, pages of the data set take as much
MCDRAM as those of weights, and a group copies its neighbour's gradient before it adds it (5 bytes of traffic for 3).
Each makes 16 and 32 groups slower than they need be; without any exchange or spill 16 groups would reach 1.05 x 64/68.
"""


def main() -> int:
    """Print the report."""
    print(INTRODUCTION)
    print(GPU_TEXT)
    _gpu_table(list(gpu_box.comparisons()))
    print(GPU_REASONS)
    print(KNL_TEXT)
    rows = list(weak_scaling.rows())
    for example in weak_scaling.PRINTED:
        _scaling_table([row for row in rows if row.example == example])
    print(KNL_REASONS)
    _partition_section()
    return 0


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print("| " + " | ".join(headings) + " |")
    print("|---" + "|---:" * (len(headings) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def _gpu_table(found: Sequence[gpu_box.Comparison]) -> None:
    headings = ["", "printed", *(f"{c.case.network}, {c.case.host_memory}" for c in found)]
    rows = []
    pairs = [*zip(gpu_box.METHODS, gpu_box.METHODS[1:], strict=False), ("original-easgd", "sync-easgd3")]
    for (slower, faster), (value, confidence) in zip(pairs, gpu_box.PRINTED_STEPS.values(), strict=True):
        cells = []
        for comparison in found:
            same, counted = comparison.speedup(faster, slower), comparison.speedup_as_counted(faster, slower)
            cells.append(f"{same:.2f}x" + (f" ({counted:.2f}x)" if counted != same else ""))
        rows.append([f"{faster} over {slower}", f"{value}x {confidence}", *cells])
    for method in gpu_box.METHODS:
        printed = gpu_box.PRINTED_RATIO.get(method)
        shown = f"{printed[0]:.0%} {printed[1]}" if printed else ""
        shares = [f"{comparison.results[method].communication_ratio:.0%}" for comparison in found]
        rows.append([f"communication, {method}", shown, *shares])
    for method in gpu_box.METHODS:
        times = [f"{comparison.results[method].time_per_gradient * 1e3:.3g} ms" for comparison in found]
        rows.append([f"time a gradient, {method}", "", *times])
    _table(headings, rows)


def _scaling_table(rows: Sequence[weak_scaling.Row]) -> None:
    network = rows[0].example.removeprefix("cori-")
    first = rows[0]
    headings = [f"{network}, nodes", "printed (R)", *first.simulated]

    def cell(seconds: float, alone: float) -> str:
        return f"{seconds:.2f} s, {alone / seconds:.1%}"

    _table(
        headings,
        (
            [
                str(row.nodes),
                cell(row.printed, first.printed),
                *(cell(row.simulated[name], first.simulated[name]) for name in row.simulated),
            ]
            for row in rows
        ),
    )


def _partition_section() -> None:
    print(PARTITION_TEXT)
    together = list(partition.rows("flat", data_copies=False))
    columns = {mode: list(partition.rows(mode)) for mode in partition.MODES} | {"flat, data in common": together}
    table = [[str(groups), _printed(groups)] for groups in partition.GROUPS]
    for column in columns.values():
        for cells, row in zip(table, column, strict=True):
            gain = row.samples_per_second / column[0].samples_per_second
            cells.append(f"{row.step:.3f} s, {row.samples_per_second:.0f}/s ({gain:.2f}x)")
    _table(["groups", "printed (T)", *columns], table)
    print(PARTITION_SPLIT)
    _table(
        [
            "groups",
            "printed speed-up (T)",
            "working set; of MCDRAM",
            "a core's efficiency",
            "kernels",
            "with serial time",
            "left",
            "implied epochs, steps",
        ],
        _split_rows(together, columns["flat"]),
    )
    print(PARTITION_EQUAL)
    equal = list(partition.rows("flat", data_copies=False, batch=None))
    _table(
        ["groups x samples", "gradient", "tree and update", "step", "speed-up"],
        (
            [
                f"{row.groups} x {row.batch}",
                *(f"{seconds * 1e3:.0f} ms" for seconds in (row.gradient, row.exchange, row.step)),
                f"{equal[0].step / row.step:.2f}x",
            ]
            for row in equal
        ),
    )
    print(PARTITION_REASONS.rstrip())


def _printed(groups: int) -> str:
    return f"{partition.PRINTED[groups]:.0f} s" if groups in partition.PRINTED else ""


def _split_rows(rows: Sequence[partition.Row], with_copies: Sequence[partition.Row]) -> Iterable[Sequence[str]]:
    serial = partition.serial_seconds_per_sample()
    first = rows[0]
    for row, copies in zip(rows, with_copies, strict=True):
        kernels = row.samples_per_second / first.samples_per_second
        bound = row.with_serial_part(serial) / first.with_serial_part(serial)
        printed = partition.PRINTED.get(row.groups)
        speedup = left = implied = ""
        if printed:
            ratio, samples = partition.PRINTED[1] / printed, printed * row.samples_per_second
            speedup, left = f"{ratio:.2f}x", f"{ratio / kernels:.2f}x to {ratio / bound:.2f}x"
            implied = f"{samples / partition.SAMPLES:.1f}, {samples / row.groups / row.batch:,.0f}"
        yield [
            str(row.groups),
            speedup,
            f"{copies.footprint / 1e9:.1f} GB; {copies.footprint / partition.MCDRAM:.0%}",
            f"{partition.core_efficiency(row.groups):.2f}",
            f"{kernels:.2f}x",
            f"{bound:.2f}x",
            left,
            implied,
        ]


if __name__ == "__main__":
    sys.exit(main())

"""What the report on the paper says around its tables, and why figures differ."""

from __future__ import annotations

__all__ = [
    "FIT_REASONS",
    "FIT_TEXT",
    "GPU_REASONS",
    "GPU_TEXT",
    "INTRODUCTION",
    "KNL_REASONS",
    "KNL_TEXT",
    "PARTITION_EQUAL",
    "PARTITION_REASONS",
    "PARTITION_SPLIT",
    "PARTITION_TEXT",
]

INTRODUCTION = """\
Letters behind printed figures are our confidence in them: A = abstract, T = translation of the body, R = recalled.
Nothing was fitted to the paper but the weak scaling that says so, which saw its times on 1, 2 and 4 nodes.
"""

GPU_TEXT = """\
Speed-ups at an equal number of gradients, and in brackets as the paper counts where that differs (Original 5,000
turns of one worker, Sync 1,000 steps of four, to equal accuracy; R). Shares of communication are of the critical
path.
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
- *The seconds* (R) are 5 to 14 times the simulated ones, also where arithmetic bounds the step: 1,000 steps of Sync
  EASGD3 in 7.7 s, 14 % of them communication, leave 6.6 ms for a gradient of 64 images of LeNet, which the kernels
  that DeepBench measured on an M40 do in under 1 ms. What a framework spends on a step beside its kernels is not
  modelled.
- *AlexNet*: Original, whose transfers hide the whole computation, overtakes the versions 1 and 2, which overlap
  nothing. At P = 4 a tree over the CPU and four GPUs takes 3 rounds where round robin takes 4 turns, so the tree
  saves little, and 250 MB of weights make everything else small.
"""

KNL_TEXT = """\
Seconds an iteration, and the efficiency against one node. The paper does not state the batch: 1,024 images a node for
GoogLeNet and 256 for VGG-19 are the powers of two that come nearest its single-node times at the 2 TFLOP/s that KNL
nodes reach in training. All printed times are R; the abstract's 91.5 % (A) agrees with GoogLeNet at 64 nodes.
"""

KNL_REASONS = """\
What is off, and why: with overlap the simulated broadcast and reduction vanish behind the gradient, and scaling is
perfect, where the paper lost 8 % (GoogLeNet) and 20 % (VGG-19). Not even the variant without overlap explains the
loss on GoogLeNet: twelve messages of 53.5 MB at 8.5 GB/s are 76 ms of a 5 s iteration. What remains are effects
that the α + nβ analysis leaves out: nodes that differ from step to step (the last column shows what 5 % of
lognormal jitter do where every step waits for the slowest), progress of MPI beside arithmetic on the same cores,
and the traffic of other jobs. They are to be calibrated, not guessed: see the fit below. Overlap hides jitter too:
a node may be late by all the time by which its gradient outlasts the communication before anybody waits for it.
"""

FIT_TEXT = """\
Fitted to the times on 1, 2 and 4 nodes and to nothing else; 8 to 64 nodes are predicted unseen. One node gives the
`compute.scale` of each network. What 2 and 4 nodes take beyond it gives two parameters that both networks share: the
rate at which the program moved its bytes (`link.aries-injection.bandwidth`, a factor) and how much nodes differ from
step to step (`jitter.compute`). Both ways to run the algorithm are fitted. The one with the smaller residual on the
rows that the fit saw is judged, whichever is nearer on the rest.
"""

FIT_REASONS = """\
What the six fitted figures can say: each network's arithmetic, and that communication costs seven to twelve times
what the links need, which is of a piece with the GPU box. They do not separate a rate from a slow-down of
arithmetic beside messages (with overlap only the product shows, so the slow-down is held at 1), nor latency from
rate, nor overlap from no overlap: the residuals of the two ways are as good as equal, and so are their predictions.
Every mechanism that the fit has makes times grow about as fast as the logarithm of the nodes from 2 on. The printed
times do not: they rise most from one node to two, then little, and twice they fall (GoogLeNet at 16, VGG-19 at 64
nodes). So the prediction is above the printed times, most at 64 nodes. A cost that every run of more than one node
pays once would help: a step from 1 node to 2 and the slope from 2 to 4, read off for each network alone, come
within 5 % of all other rows. Nothing says what that cost is, and it is not one number for both networks.

VGG-19 on 64 nodes is a bare pass. Times are means over as many iterations as the paper ran and over four seeds (two
from 8 nodes on), which leaves chance errors of half to one percent; with 40 iterations and two seeds they were 1.5 %,
and the same fit missed that row by 13 %.
"""

PARTITION_TEXT = """\
AlexNet on CIFAR-10, 64 samples a group and step, `chip-partition` on one KNL 7250. The paper prints 1605, 1025, 823
and 490 s to accuracy 0.625 with 1, 4, 8 and 16 groups (T). That is samples needed times seconds a sample; only the
latter is hardware. Cells: seconds a step, images a second, and in brackets the rate over that of one group in the
same mode. The last column leaves one data set in common instead of a copy for each group (`data_copies = false`).
"""

PARTITION_SPLIT = """\
What hardware explains of the printed speed-up, and what is left. *A core's efficiency*: samples a second and core
in such a group over a core of the whole chip, every core with its share of MCDRAM and nothing exchanged. *Kernels*:
the simulated rate over that of one group, flat mode, the data set in common. *With serial time*: the same, if all
that a measured framework spends outside the simulated kernels were serial in every group, an upper bound. *Left*:
the printed speed-up over the two, which fewer samples to the same accuracy would have to supply. *Implied*: epochs
and steps to 0.625, printed seconds times simulated rate.
"""

PARTITION_EQUAL = """\
At equal work a step (64 samples over all groups, so every row learns the same), data set in common, flat mode:
"""

PARTITION_REASONS = """\
What this says: on this model, dividing the chip does not by itself make it faster, let alone 3.3 times.

- *Smaller groups do compute more efficiently*, by 2 % (4 groups) to 7 % (32). More images for each core give most
  of it, fewer idle cores and serial parts side by side 1 %, shallower barriers nothing to speak of. There is little
  to gain: with the libraries that DeepBench measured, the gradient of 64 images already runs at 586 images a second
  on the undivided chip, that of 4,096 at 678.
- *The division costs more than that.* Each group streams its own 250 MB of weights, updates them, and passes a
  gradient as large up and down a tree through the same memory. 68 cores make 16 groups of 4, and 4 of them get a
  fifth core that only waits. Half of a step at 4 images a group is exchange.
- *MCDRAM is full at 8 groups*: 2.03 GB each, of which weights 250 MB and the data set 737 MB as the paper counts them
  (its 16 copies of these two alone fit), and gradients, kept activations and their gradients 1.0 GB, which it leaves
  out. Beyond, flat mode spills to DDR4 and loses least; cache and hybrid mode lose more, to misses.
- *A framework's own time can hide in groups.* Intel Caffe took 1.04 ms a sample more on a 7250 than the simulated
  kernels. If all of it ran on one core a group, 4 to 8 groups would gain 1.4 times, 16 groups 1.1.
- *The rest is learning, or a slower baseline.* P groups make a batch P times as large, which at best keeps the
  number of samples; the printed times ask for fewer samples, and for a number of steps that falls faster than P
  grows. Groups that apply the *sum* of gradients take steps P times as long, so a learning rate too small for one
  group would look like this; so would a program that used the whole chip at a fifth of its libraries' speed. The
  paper does not say.

Bounds of the model: a group's share of bandwidth is 1/P also while others wait, pages of the data set take as much
MCDRAM as those of weights, and a group copies its neighbour's gradient before it adds it (5 bytes of traffic for
3). Each makes 16 and 32 groups slower than they need be; without any exchange or spill 16 groups would reach 1.05 x
64/68.
"""

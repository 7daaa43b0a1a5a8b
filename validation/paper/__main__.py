"""Print the comparison with the paper as Markdown: ``python -m validation.paper > validation/paper/README.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from validation.paper import gpu_box, partition, text, weak_scaling, weak_scaling_fit


def main() -> int:
    """Print the report."""
    print("# The paper's experiments, simulated\n")
    print(
        "Made by `python -m validation.paper > validation/paper/README.md`. `clustersim validate paper` judges the same"
    )
    print(f"figures, row by row, with the errors that are allowed.\n\n{text.INTRODUCTION}")
    print(f"## Sync EASGD on four Tesla M40\n\n{text.GPU_TEXT}")
    _gpu_table(list(gpu_box.comparisons()))
    print(text.GPU_REASONS)
    print(f"## Weak scaling on Cori KNL nodes\n\n{text.KNL_TEXT}")
    rows = list(weak_scaling.rows())
    for example in weak_scaling.PRINTED:
        _scaling_table([row for row in rows if row.example == example])
    print(text.KNL_REASONS)
    _fit_section()
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


def _fit_section() -> None:
    print(f"### Fitted on 1, 2 and 4 nodes\n\n{text.FIT_TEXT}")
    fits = weak_scaling_fit.fits()
    rows = [
        [
            fit.way.name,
            f"{fit.residual:.1%}",
            *(f"{fit.scales[example]:.3f}" for example in weak_scaling.PRINTED),
            *(f"{value:.3f} ± {fit.errors[name]:.3f}" for name, value in fit.shared.items()),
        ]
        for fit in fits
    ]
    scales = [f"compute.scale.{example.removeprefix('cori-')}" for example in weak_scaling.PRINTED]
    _table(["", "residual on 2 and 4 nodes", *scales, *fits[0].shared], rows)
    for example in weak_scaling.PRINTED:
        headings = [f"{example.removeprefix('cori-')}, nodes", "printed (R)", *(fit.way.name for fit in fits)]
        _table(headings, (_fitted_cells(example, nodes, fits) for nodes in weak_scaling.NODES))
    print(text.FIT_REASONS)


def _fitted_cells(example: str, nodes: int, fits: Sequence[weak_scaling_fit.WeakScalingFit]) -> Sequence[str]:
    printed = weak_scaling_fit.printed_seconds(example, nodes)
    cells = [
        f"{fit.predicted[example, nodes]:.2f} s, {fit.predicted[example, nodes] / printed - 1:+.1%}" for fit in fits
    ]
    seen = " (fitted)" if nodes in weak_scaling_fit.FITTED_ON else ""
    return [f"{nodes}{seen}", f"{printed:.2f} s", *cells]


def _partition_section() -> None:
    print(f"## Groups of cores inside one KNL chip\n\n{text.PARTITION_TEXT}")
    together = list(partition.rows("flat", data_copies=False))
    columns = {mode: list(partition.rows(mode)) for mode in partition.MODES} | {"flat, data in common": together}
    table = [[str(groups), _printed(groups)] for groups in partition.GROUPS]
    for column in columns.values():
        for cells, row in zip(table, column, strict=True):
            gain = row.samples_per_second / column[0].samples_per_second
            cells.append(f"{row.step:.3f} s, {row.samples_per_second:.0f}/s ({gain:.2f}x)")
    _table(["groups", "printed (T)", *columns], table)
    print(text.PARTITION_SPLIT)
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
    print(text.PARTITION_EQUAL)
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
    print(text.PARTITION_REASONS.rstrip())


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

"""How much of the difference is SimGrid's own settings: the same flows under its defaults, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from validation.peers.comparison import compare
from validation.peers.experiment import Case
from validation.peers.simgrid_process import CONFIGURATION, SimGrid

__all__ = ["VARIANTS", "settings_table"]

#: Configurations by name, the one that is compared with first.
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "as compared: full update, times to 1e-15 s": CONFIGURATION,
    "full update, times to 1e-9 s (default)": {**CONFIGURATION, "surf/precision": "1e-9"},
    "lazy update (default), times to 1e-9 s (default)": {
        **CONFIGURATION,
        "network/optim": "Lazy",
        "surf/precision": "1e-9",
    },
    "lazy update (default), times to 1e-15 s": {**CONFIGURATION, "network/optim": "Lazy"},
}


def settings_table(simgrid: SimGrid, cases: Iterable[Case]) -> str:
    """Markdown: the largest difference of a message over the cases, and how many cases pass 1e-6, by configuration."""
    prepared = [case.prepare() for case in cases]
    lines = ["| SimGrid's settings | largest difference | cases within 1e-6 |", "|---|---:|---:|"]
    for name, configuration in VARIANTS.items():
        differences = [
            compare(ours, simgrid.play(experiment, configuration)).difference for experiment, ours in prepared
        ]
        within = sum(difference <= 1e-6 for difference in differences)
        lines.append(f"| {name} | {max(differences):.1e} | {within} of {len(differences)} |")
    return "\n".join(lines)

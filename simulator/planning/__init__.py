"""Many runs: studies, plans, what would help, and how sure it all is.

Each of these begins at one module, which is where to start reading:

=============== ===================================================================================================
`replicates`    seeds of a run, with Student's intervals; `simulator.comparison` builds on it
`sweep`         one scenario at many points; `study` is what comes of it (`metrics`, `scaling`)
`plan`          which configuration does the work in time and budget
`sensitivity`   what each figure of the machine, and each of the job's `choices`, would change
`uncertainty`   the same uncertain worlds for several scenarios: who beats whom in how many of the `draws`
`failures`      a campaign's time against checkpoint intervals and node counts
=============== ===================================================================================================

All of them hand their scenarios to `runner`, which runs each distinct content once and nothing that is in the store.

=============== ===================================================================================================
running         `runner` → `processes` (with `worker` at the other end) or `dask_cluster`; `outcome`, `progress`
keeping         `store`, by the `keys` of scenarios, under a `lock`
points          `axis`, `axis_text` (as typed), `axes` (grids), `hypercube` (samples), `point_scenarios`
a plan          `question` (with `work`) and `candidates` (with `node_counts`) → `admission` (with `bounds`) →
                `evaluation` (with `short_runs`) → `configuration` or `ruled_out` → ranked, `pareto`, `limits`;
                `smallest` by `search`
uncertainty     `uncertain_case`, `model_error`, `draws`
for people      `wording`
=============== ===================================================================================================

Arrows are calls and imports, which go one way: nothing that runs or keeps knows of plans, studies or draws.
"""

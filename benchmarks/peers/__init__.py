"""Other simulators with the benchmarks' workloads: drivers of our own, compiled where the simulator is installed."""

"""How fast the simulator is, beside SimGrid and beside itself earlier: ``python -m benchmarks``, see README.md."""

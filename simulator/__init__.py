"""Which distributed training algorithm, on which cluster, how big: a discrete-event simulator."""

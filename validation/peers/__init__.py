"""The network model against other simulators' on equal work: SimGrid's max-min fluid model, where it is installed."""

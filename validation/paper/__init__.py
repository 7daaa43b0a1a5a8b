"""What the simulator says of the paper's own experiments, beside what the paper printed.

You, Buluç, Demmel: Scaling Deep Learning on GPU and Knights Landing clusters, SC'17. Confidence of a printed figure:
A = read in the abstract, T = read in a published translation of the body, R = recalled, not checked against any text.
No parameter of the simulator was fitted to these figures, but for the weak scaling that says so, to its first three.
``clustersim validate paper`` judges; ``python -m validation.paper`` prints the report.
"""

"""How long messages take when they share links.

`base` has the interface and the models by name, `fluid` and `alpha_beta` are the models, `max_min` is how flows share.
"""

"""How long messages take when they share links.

`base` has the interface and the models by name; `fluid` and `alpha_beta` are the models. Of the fluid one, `flows` is
the state, `max_min` how flows share, and `fair_shares` what keeps their rates up to date, compiled where that is built.
"""

"""Published measurements of other people's training runs: small scales are fitted, large ones predicted."""

"""How long messages take when they share links."""

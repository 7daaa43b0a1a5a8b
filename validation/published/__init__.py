"""Published measurements of other people's training runs: fitted on their small scales, predicted on their large ones."""

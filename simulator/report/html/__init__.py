"""Reports: one HTML page that works without a network, with figures, timelines and what it takes to repeat it."""

"""Running an algorithm in simulated time."""

"""Measuring the machine at hand, and writing what was found as a system profile.

==================  =============================================================================================
`machine`           what the system says of itself: processor, cores, memory, caches
`timing`            how anything is timed: many in turn, medians, disturbed samples left out
`products`          matrix products, as the learners' layers make them
`convolutions`      the three passes of a convolution layer
`elementwise`       everything else that a training step does: activations, pooling, loss, updates, batches
`load`, `cores`     many processes at once: memory bandwidth, and what sharing cores costs
`messages`          from times of messages to latency and bandwidth (they are measured by `validation.training`)
`fits`              kernel models from those times, with errors on times that the fit has not seen
`profile`           all of it as profiles in TOML
`measurement`       the whole, in order
`view`              what a user sees of it
==================  =============================================================================================
"""

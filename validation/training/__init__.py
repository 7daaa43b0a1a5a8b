"""Training for real: the same algorithms over MPI, by real processes that compute real gradients, traced.

The third execution of an algorithm. One process a worker, and one for all threads of a master, drive the very
generators that the simulator drives; what they do is recorded as the same spans. `recording.record` is the way in.

=================  ==============================================================================================
`recording`        what to run, from a scenario; and what is left of it: trace, accuracy, machine
`launch`           starts the processes, watches them, says what became of them
`process`          one process, from its start to its end
`executor`         drives the generators: lanes are threads, started operations run on them
`operations`       what an operation does in this process: gradients, updates, locks
`messages`         what it does between processes: sends, receives, rounds of a collective
`transport`        arrays over MPI
`polling`          waiting without keeping a core busy
`journal`          what happened, on disk as soon as it has, so that nothing is lost when a process dies
`clock`            offsets between the processes' clocks
`merge`            journals to one trace
=================  ==============================================================================================
"""

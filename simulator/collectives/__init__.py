"""Broadcast, reduce, all-reduce and their kin as schedules of messages: pure data, no engine and no clock.

`schedule` says what a schedule means, `registry` builds one by name, `costs` has closed forms, `policy` chooses.
Each further module is one algorithm.
"""

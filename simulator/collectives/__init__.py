"""Broadcast, reduce, all-reduce and their kin as schedules of messages."""

"""Runs the stages of steps: `interpreter` calls them in order, one stretch of steps at a time.

`step_table` holds the scalars of each step, `threads` starts helpers, which wait for each other at
the `barrier`, `autotune` chooses how many there are and how long a stretch is, and `clock` times
the stages.
"""

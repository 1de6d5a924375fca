"""Runs the stages of steps: `interpreter` calls them in order, one stretch of steps at a time.

`step_table` holds the scalars of each step, `midway` tells and takes what an epoch's steps so far
have summed up, `threads` starts helpers, which wait for each other at
the `barrier`, `autotune` chooses how many there are and how long a stretch is, and `clock` times
the stages.
"""

"""A run of epochs, the same for both front ends, with all that hangs on it.

`state` is what a run is at the end of an epoch, with all that a checkpoint keeps of it; `run` is
the loop. `epochs` draws the rows' orders and has the engine take them. `schedules` has the learning
rates; `stopping` finds out when a run gets no better, and `fallback` when it diverges; `callbacks`
are told of each epoch, and `progress` shows it: by a `terminal_bar`, a `notebook_bar` or lines,
with `figures` in words.
"""

"""A training's state in a file, to go on from after its process has ended, however it ended.

`checkpoint` is what a run sees of it: what there was, and when to hand over what there is now.
`file` writes that to one file, and reads it, for one run or for several side by side. `tree` turns
nested values into JSON and arrays, `random_streams` has the states of generators, and
`fingerprint` says what a training is about.
"""

"""What runs a step's stages: `interpreter` calls them one after the other, a stretch at a time.

`step_table` has what each step needs to know, `threads` starts helpers, `barrier` is where they
meet, `autotune` chooses how many there are and how long a stretch is, and `clock` times the stages.
"""

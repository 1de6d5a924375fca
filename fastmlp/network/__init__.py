"""The tutorial's front end: `MLP`, its parameters, its training, its predictions and its file.

`mlp` is the class, on the compiled engine, and `reference_mlp` the same on the reference's. Its
methods are in `training`, `prediction`, `by_hand` (for loops of one's own), `summary` and `files`,
which goes by `model_file`, and `export`, for programs without Python. `weights` draws and checks
parameters, `targets` says what a loss means by y, and `divergence` what is raised when a training
diverges.
"""

"""The tutorial's front end: `MLP`, its parameters, its training, its predictions and its file.

`mlp` is the class on the compiled engine, `reference_mlp` the same on the reference's; both are a
`base.Network`, whose parts are `weights`, `prediction` and `training`. `targets` says what a loss
means by y, `divergence` what is kept of a training that runs away, and `model_file` writes models.
"""

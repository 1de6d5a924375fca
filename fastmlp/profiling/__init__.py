"""Where an epoch's time goes, stage by stage, and how far each stage is from the machine's limits.

    >>> from fastmlp import MLP, profiling
    >>> profile = profiling.profile(network, x, y, batch_size=64)
    >>> profile.to_frame()              # pandas
    >>> rich.print(profile.table())
    >>> profile.figure().savefig("roofline.png")

`work` counts the operations and bytes of each stage, `machine` measures what the machine can do
(with the kernels of `limits`), `training` times a training with stopwatches, that of `estimators`
too, `result` combines these, `advice` draws a conclusion, and `roofline` a picture.
"""

from fastmlp.profiling.machine import Machine, measure_bandwidth, measure_fma_peak
from fastmlp.profiling.result import Profile
from fastmlp.profiling.training import profile

__all__ = ["Machine", "Profile", "measure_bandwidth", "measure_fma_peak", "profile"]

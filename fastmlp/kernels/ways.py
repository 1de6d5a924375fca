"""The ways in which the threads of a training share its steps: a program for each.

There may be a second one, in which threads divide the first layer's inputs; see `by_inputs`.
"""

from __future__ import annotations

import numpy as np

from fastmlp.kernels import program
from fastmlp.kernels.inputs import Inputs
from fastmlp.kernels.layout.by_inputs import ByInputs
from fastmlp.kernels.layout.memory_plan import Plan


class Ways:
    """The programs of a training, of which each stretch of steps runs one.

    Parameters
    ----------
    entries : program.Entries
    plan : Plan
    inputs : Inputs
    with_penalty : bool
        Whether steps add up the squares of weights.
    by_inputs : bool
        Whether threads may divide the first layer's inputs, if zeros are skipped.

    Attributes
    ----------
    stage_names : list of str
        The names of the stages of all programs, in order.
    stages : ndarray
        The STAGE records of the program in use, from `compile` on.
    """

    def __init__(
        self,
        entries: program.Entries,
        plan: Plan,
        inputs: Inputs,
        with_penalty: bool,
        by_inputs: bool,
    ) -> None:
        rows, skipped, self._dtype = inputs.stages, inputs.skipped, plan.dtype
        of_parts, of_batch = program.training(entries, plan, rows, skipped, with_penalty)
        plan.works["part_stages"] = len(of_parts)
        self._programs = [[*of_parts, *of_batch]]
        self._by_inputs: ByInputs | None = None
        if by_inputs and skipped is not None:
            self._programs.append(program.by_inputs(entries, rows, skipped, with_penalty))
            self._by_inputs = ByInputs(plan)
        self.stage_names = program.names([s for stages in self._programs[::-1] for s in stages])

    def compile(self) -> None:
        """Compile all programs, so that no stretch's time includes compiling; choose the first."""
        self._tables = [
            program.table(stages, self._dtype, self.stage_names) for stages in self._programs
        ]
        self.stages: np.ndarray = self._tables[0]

    def choose(self, by_inputs: bool) -> None:
        """Have the next steps run with the first layer's inputs divided, or not."""
        self.stages = self._tables[by_inputs]
        if self._by_inputs is not None:
            self._by_inputs.use(by_inputs)

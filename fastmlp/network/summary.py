"""A network's layers, their sizes and settings, to look at."""

from __future__ import annotations

from fastmlp.network.prediction import Predictions
from fastmlp.notebooks import html_table
from fastmlp.problem import differences
from fastmlp.reference import LOSSES
from fastmlp.words import counted

HEADINGS = ("layer", "shape", "activation", "parameters")


class SummaryMixin(Predictions):
    """A network that can be looked at."""

    def summary(self) -> None:
        """Print each layer's shape, activation and number of parameters, and the totals.

        Raises
        ------
        TypeError, ValueError
            If an attribute has been assigned an invalid value.

        Examples
        --------
        >>> from fastmlp import MLP
        >>> MLP(784, 64, 10, dtype="float32").summary()
        layer      shape  activation  parameters
        1       784 x 64        relu      50,240
        2        64 x 10     softmax         650
        50,890 parameters of float32: 203,560 bytes
        """
        lines = [HEADINGS, *self._rows()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for name, *cells in lines:
            padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
            print("  ".join([name.ljust(widths[0]), *padded]))
        print(self._totals())

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the layers, the totals, and the settings."""
        problem = self.problem
        settings = {"optimizer": problem.optimizer, "loss": problem.loss}
        settings |= {"learning_rate": f"{self.learning_rate:g}"}
        settings |= {
            name: f"{value:g}"
            for name, value in differences(problem).items()
            if isinstance(value, float)
        }
        for name in ("input_scale", "n_threads"):
            if (value := getattr(self, name)) is not None:
                settings[name] = f"{value:g}"
        notes = [self._totals(), ", ".join(f"{name} {text}" for name, text in settings.items())]
        if self.history_.loss:
            notes.append(repr(self.history_)[1:-1])
        return html_table(type(self).__name__, HEADINGS, self._rows(), notes)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        """Return a line for each layer, as `HEADINGS` has them."""
        problem, weights = self.problem, self._check_shapes().weights
        output = LOSSES[problem.loss].out_activation or "identity"
        activations = [*problem.activations(len(weights)), output]
        return [
            (str(layer), f"{len(w)} x {w.shape[1]}", name, f"{w.size + w.shape[1]:,}")
            for layer, (w, name) in enumerate(zip(weights, activations, strict=True), start=1)
        ]

    def _totals(self) -> str:
        parameters = self._check_shapes()
        n = sum(array.size for arrays in parameters for array in arrays)
        n_bytes = n * parameters.dtype.itemsize
        return f"{counted(n, 'parameter')} of {parameters.dtype}: {n_bytes:,} bytes"

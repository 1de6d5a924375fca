"""The methods that write a network to a file, and read it."""

from __future__ import annotations

import os
from typing import Any, Self

from fastmlp import checks
from fastmlp.network.model_file import Model, read_model, write_model
from fastmlp.network.prediction import Predictions
from fastmlp.network.targets import targets_of
from fastmlp.problem import differences
from fastmlp.tensors import reason


class FileMixin(Predictions):
    """A network that can be saved and loaded."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to one file; see `fastmlp.network.model_file.write_model`.

        Parameters
        ----------
        path : str or Path
            Usually ``.safetensors``. A file of that name is replaced, either completely or not at
            all.

        Raises
        ------
        OSError
            If the file can't be written.
        TypeError, ValueError
            If an attribute has been assigned an invalid value.

        Examples
        --------
        >>> from fastmlp import MLP
        >>> MLP(4, 3, 2, random_state=0).save("small.safetensors")
        >>> MLP.load("small.safetensors").layer_sizes
        (4, 3, 2)
        """
        parameters, problem = self._check_parameters(), self.problem
        names = targets_of(problem.loss, self.n_classes, self.class_names).class_names
        settings = differences(problem)
        if self.untrained_classes:
            settings["untrained_classes"] = self.untrained_classes
        rate = checks.as_positive(self.learning_rate, "learning_rate")
        scale = self._check_scale()
        features = checks.as_feature_names(self.feature_names, self.layer_sizes[0])
        write_model(Model(parameters, rate, scale, names, settings, features), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return a network that `save` wrote; see `fastmlp.network.model_file.read_model`.

        Parameters
        ----------
        path : str or Path
            The file, or the folder of a run of ``fastmlp train``.

        Returns
        -------
        MLP

        Raises
        ------
        OSError
            If there is no such file, or it can't be read.
        ValueError
            If it is not a model file, or is damaged.
        """
        model = read_model(path)
        n_inputs, *hidden, n_outputs = model.parameters.layer_sizes
        settings = dict(model.settings)
        untrained = settings.pop("untrained_classes", ())
        try:
            make: Any = cls  # whose arguments only the class itself knows
            network: Self = make(
                n_inputs,
                hidden,
                n_outputs,
                model.learning_rate,
                dtype=model.parameters.dtype,
                input_scale=model.input_scale,
                random_state=0,  # its first weights are thrown away: spare NumPy's global generator
                **settings,
            )
            network.parameters = model.parameters
            network._check_parameters()
            targets_of(network.problem.loss, network.n_classes, model.class_names)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is no model to go on with: {reason(error)}") from None
        network.random_state = None
        network.class_names, network.feature_names = model.class_names, model.feature_names
        network.untrained_classes = untrained
        return network

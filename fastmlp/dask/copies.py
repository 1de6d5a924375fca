"""Copies of estimators that hold a client, which can be neither pickled nor copied."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from sklearn.utils.validation import check_is_fitted

from fastmlp.estimators.base import BaseMLP

COLUMNS = ("n_features_in_", "feature_names_in_")
TARGETS = ("_labels", "classes_", "n_outputs_", "out_activation_", "n_layers_")
NETWORK = ("coefs_", "intercepts_")


class Copies(BaseMLP):
    """The client is shared by copies, and left out of pickles."""

    client: Any
    _local_class: ClassVar[type[BaseMLP]]

    def to_local(self) -> Any:
        """Return the fitted estimator as one of the local class, which needs no cluster.

        Returns
        -------
        MLPClassifier or MLPRegressor
            With the same parameters, as far as that has them, and all that `fit` has found.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        kind = self._local_class
        local = kind(**{name: getattr(self, name) for name in kind().get_params(deep=False)})
        local.__dict__.update(
            copy.deepcopy({name: value for name, (value, _) in self._found().items()})
        )
        return local

    def save(self, path: Any) -> None:
        """Write the estimator that `to_local` returns to one .safetensors file.

        Parameters
        ----------
        path : path-like
            See the local class's method of the same name, as for the errors.
        """
        self.to_local().save(path)

    def _bare(self, names: Sequence[str]) -> Self:
        """Return an estimator for the workers: settings, without what only a run needs, and these.

        It shares its arrays with this one.
        """
        kept = {
            "client": None, "callbacks": None, "monitor": None, "random_state": None,
            "verbose": False,
        }  # fmt: skip
        bare = type(self)(**self.get_params(deep=False) | kept)
        bare.__dict__.update({name: vars(self)[name] for name in names if name in vars(self)})
        return bare

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "client": None}

    def __copy__(self) -> Self:
        copied = type(self).__new__(type(self))
        copied.__dict__.update(vars(self))
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied = type(self).__new__(type(self))
        copied.__dict__.update(copy.deepcopy({**vars(self), "client": None}, memo))
        copied.client = self.client
        return copied

    def __sklearn_clone__(self) -> Self:
        bare = copy.copy(self)
        bare.client = None
        cloned: Self = super(Copies, bare).__sklearn_clone__()
        cloned.client = self.client
        return cloned

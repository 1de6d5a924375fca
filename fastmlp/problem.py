"""What a network is trained on: its settings, each declared once, and what they may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import chain
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from fastmlp import checks, json_text
from fastmlp.words import shown

GRADIENT = "gradient"  # an optimiser for those who take the steps themselves
PLAIN = frozenset((str, float, int))  # types whose values can't change


class Tables(Protocol):
    """The entries that an engine has, by name."""

    @property
    def ACTIVATIONS(self) -> Mapping[str, Any]: ...  # noqa: N802 - as the modules have it

    @property
    def LOSSES(self) -> Mapping[str, Any]: ...  # noqa: N802

    @property
    def OPTIMIZERS(self) -> Mapping[str, Any]: ...  # noqa: N802


class NumberSetting(NamedTuple):
    """A setting that is a number."""

    default: float
    limit: Callable[[object, str], float]  # one of `checks`: returns the number, or raises
    doc: str

    def check(self, value: object, name: str, tables: Tables) -> float:
        """Return the value, or raise an error that names the setting."""
        return self.limit(value, name)

    def from_json(self, value: object) -> float:
        """Return what a file holds, if its type is right; `check` comes later."""
        return json_text.as_number(value)


class NameSetting(NamedTuple):
    """A setting that is the name of an entry in an engine's table."""

    default: str
    table: str
    doc: str
    may_be_several: bool = False  # a tuple of names, one for each hidden layer

    def known(self, tables: Tables) -> list[str]:
        """Return the names there are."""
        return [name for name in getattr(tables, self.table) if name != GRADIENT]

    def check(self, value: object, name: str, tables: Tables) -> str | tuple[str, ...]:
        """Return the value, or raise an error that names the setting, and the names there are."""
        known = self.known(tables)
        if self.may_be_several and isinstance(value, tuple | list):
            return tuple(checks.as_name(one, name, known) for one in value)
        return checks.as_name(value, name, known)

    def from_json(self, value: object) -> str | tuple[str, ...]:
        """Return what a file holds, if its type is right; `check` comes later."""
        if self.may_be_several and not isinstance(value, str):
            return json_text.as_texts(value)
        return json_text.as_text(value)


def _field(setting: NameSetting | NumberSetting) -> Any:
    return field(default=setting.default, metadata={"setting": setting})


@dataclass(frozen=True)
class Problem:
    """What is trained, but for the sizes and the dtype, which the weights have.

    The defaults are the tutorial's: ReLU, softmax with cross-entropy, plain gradient descent.
    The settings of the optimisers are named and preset as scikit-learn's. How a setting is checked,
    documented and read from files stands on its field, see `SETTINGS`.
    """

    activation: str | tuple[str, ...] = _field(
        NameSetting(
            "relu", "ACTIVATIONS", "What follows each hidden layer, one for all or one for each",
            may_be_several=True,
        )
    )  # fmt: skip
    loss: str = _field(
        NameSetting(
            "cross_entropy", "LOSSES", "What is minimised; it names the output's function too"
        )
    )
    optimizer: str = _field(NameSetting("sgd", "OPTIMIZERS", "How a step follows the gradient"))
    momentum: float = _field(
        NumberSetting(
            0.9, checks.as_share, "Share of the last step that momentum and nesterov take again"
        )
    )
    beta_1: float = _field(
        NumberSetting(0.9, checks.as_share, "Decay of the mean of gradients, in adam and adamw")
    )
    beta_2: float = _field(
        NumberSetting(
            0.999, checks.as_share, "Decay of the mean of squared gradients, in adam and adamw"
        )
    )
    epsilon: float = _field(
        NumberSetting(
            1e-8, checks.as_positive, "Added to the root of the mean square, in adam and adamw"
        )
    )
    dropout: float = _field(
        NumberSetting(0.0, checks.as_share, "Share of the hidden units that a step leaves out")
    )

    def activations(self, n_layers: int) -> tuple[str, ...]:
        """Return the names of the ``n_layers - 1`` hidden layers' activations.

        Raises
        ------
        ValueError
            If there is a name for each hidden layer, and another number of those.
        """
        n_hidden = n_layers - 1
        if isinstance(self.activation, str):
            return (self.activation,) * n_hidden
        if len(self.activation) != n_hidden:
            raise ValueError(
                f"activation is {shown(self.activation)}: give one name for all hidden layers, "
                f"or one for each of {n_hidden}"
            )
        return tuple(self.activation)


SETTINGS: Mapping[str, NameSetting | NumberSetting] = {
    field.name: field.metadata["setting"] for field in fields(Problem)
}
"""What each setting may be, by name, in the order of `Problem`'s fields."""

TUTORIAL = Problem()
"""What the tutorial trains, and what is meant where nothing is said."""


def as_problem(problem: Problem, n_layers: int, tables: Tables) -> Problem:
    """Return a problem whose every setting makes sense to an engine.

    Parameters
    ----------
    problem : Problem
        With anything in it.
    n_layers : int
        Layers of weights, one more than there are hidden layers.
    tables : module
        An engine: its ACTIVATIONS, LOSSES and OPTIMIZERS say which names there are.

    Raises
    ------
    TypeError, ValueError
        Where a setting makes no sense; the message names it, and lists the names that do.
    """
    checked = Problem(
        *(
            setting.check(getattr(problem, name), name, tables)  # type: ignore[arg-type]
            for name, setting in SETTINGS.items()
        )
    )
    checked.activations(n_layers)  # raises where there are too many or too few
    return checked


def problem_of(values: tuple[Any, ...], n_layers: int, tables: Tables) -> Problem:
    """Return `as_problem` of the values of SETTINGS, in their order.

    The same plain values are checked once: to check them takes as long as to predict a row.
    """
    activation, *others = values
    names = activation if type(activation) is tuple else (activation,)
    is_plain = PLAIN.issuperset(map(type, chain(names, others)))
    if is_plain and isinstance(tables, ModuleType):
        return _known_problem(values, n_layers, tables)
    return as_problem(Problem(*values), n_layers, tables)


@lru_cache(maxsize=64)
def _known_problem(values: tuple[Any, ...], n_layers: int, tables: Any) -> Problem:
    return as_problem(Problem(*values), n_layers, tables)


def differences(problem: Problem) -> dict[str, Any]:
    """Return the settings, by name, that are not the tutorial's."""
    values = {name: getattr(problem, name) for name in SETTINGS}
    return {name: value for name, value in values.items() if value != getattr(TUTORIAL, name)}

"""The settings of a training, each declared once: default, valid values, description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import chain
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from fastmlp import checks, json_text
from fastmlp.words import shown

GRADIENT = "gradient"  # computes gradients only; its callers take the steps themselves
IMMUTABLE = frozenset((str, float, int))


class Tables(Protocol):
    """An engine's tables of entries, by name."""

    @property
    def ACTIVATIONS(self) -> Mapping[str, Any]: ...  # noqa: N802 - the name in the modules

    @property
    def LOSSES(self) -> Mapping[str, Any]: ...  # noqa: N802

    @property
    def OPTIMIZERS(self) -> Mapping[str, Any]: ...  # noqa: N802


class Quantity(NamedTuple):
    """A setting with a real value."""

    default: float
    limit: Callable[[object, str], float]  # one of `checks`: returns the value, or raises
    doc: str

    def check(self, value: object, name: str, tables: Tables) -> float:
        """Return the value, or raise an error that names the setting."""
        return self.limit(value, name)

    def from_json(self, value: object) -> float:
        """Return a value from a file if its type is right; its range is left to `check`."""
        return json_text.as_number(value)


class Choice(NamedTuple):
    """A setting chosen by name: of an entry in one of the engine's tables."""

    default: str
    table: str
    doc: str
    may_be_several: bool = False  # if a tuple is allowed, a name for each hidden layer

    def known(self, tables: Tables) -> list[str]:
        """Return the names that users may give."""
        return [name for name in getattr(tables, self.table) if name != GRADIENT]

    def check(self, value: object, name: str, tables: Tables) -> str | tuple[str, ...]:
        """Return the value, or raise an error that lists the known names."""
        known = self.known(tables)
        if self.may_be_several and isinstance(value, tuple | list):
            return tuple(checks.as_name(one, name, known) for one in value)
        return checks.as_name(value, name, known)

    def from_json(self, value: object) -> str | tuple[str, ...]:
        """Return a value from a file if its type is right; its range is left to `check`."""
        if self.may_be_several and not isinstance(value, str):
            return json_text.as_texts(value)
        return json_text.as_text(value)


def _field(setting: Choice | Quantity) -> Any:
    return field(default=setting.default, metadata={"setting": setting})


@dataclass(frozen=True)
class Problem:
    """What is trained, except for sizes and dtype, which follow from the weights.

    The defaults are the tutorial's: ReLU, softmax with cross-entropy, plain gradient descent.
    Names and defaults of the optimisers' settings are scikit-learn's. Each field says how its
    setting is checked, documented and read from files, see `SETTINGS`.
    """

    activation: str | tuple[str, ...] = _field(
        Choice(
            "relu", "ACTIVATIONS", "What follows each hidden layer, one for all or one for each",
            may_be_several=True,
        )
    )  # fmt: skip
    loss: str = _field(
        Choice("cross_entropy", "LOSSES", "What is minimised; it names the output's function too")
    )
    optimizer: str = _field(Choice("sgd", "OPTIMIZERS", "How a step follows the gradient"))
    momentum: float = _field(
        Quantity(0.9, checks.as_share, "Share of the last step that momentum and nesterov repeat")
    )
    beta_1: float = _field(
        Quantity(0.9, checks.as_share, "Decay of the mean of gradients, in adam and adamw")
    )
    beta_2: float = _field(
        Quantity(
            0.999, checks.as_share, "Decay of the mean of squared gradients, in adam and adamw"
        )
    )
    epsilon: float = _field(
        Quantity(
            1e-8, checks.as_positive, "Added to the root of the mean square, in adam and adamw"
        )
    )
    dropout: float = _field(
        Quantity(0.0, checks.as_share, "Share of the hidden units that a step leaves out")
    )

    def activations(self, n_layers: int) -> tuple[str, ...]:
        """Return the names of the ``n_layers - 1`` hidden layers' activations.

        Raises
        ------
        ValueError
            If there are several names, but not one for each hidden layer.
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


SETTINGS: Mapping[str, Choice | Quantity] = {
    field.name: field.metadata["setting"] for field in fields(Problem)
}
"""What each setting may be, by name, in the order of `Problem`'s fields."""

TUTORIAL = Problem()
"""What the tutorial trains: all settings have their defaults."""


def as_problem(problem: Problem, n_layers: int, tables: Tables) -> Problem:
    """Return a problem whose settings are all valid for an engine.

    Parameters
    ----------
    problem : Problem
        Its settings may have any values.
    n_layers : int
        Weight matrices, one more than hidden layers.
    tables : module
        An engine: its ACTIVATIONS, LOSSES and OPTIMIZERS say which names there are.

    Raises
    ------
    TypeError, ValueError
        If a setting is invalid; the message names it, and lists the known names of a `Choice`.
    """
    checked = Problem(
        *(
            setting.check(getattr(problem, name), name, tables)  # type: ignore[arg-type]
            for name, setting in SETTINGS.items()
        )
    )
    checked.activations(n_layers)  # raises if there are too many or too few
    return checked


def problem_of(values: tuple[Any, ...], n_layers: int, tables: Tables) -> Problem:
    """Return `as_problem` of a value for each of SETTINGS, in their order.

    Immutable values are checked once and cached: checking takes as long as predicting a row.
    """
    activation, *others = values
    names = activation if type(activation) is tuple else (activation,)
    is_immutable = IMMUTABLE.issuperset(map(type, chain(names, others)))
    if is_immutable and isinstance(tables, ModuleType):
        return _cached_problem(values, n_layers, tables)
    return as_problem(Problem(*values), n_layers, tables)


@lru_cache(maxsize=64)
def _cached_problem(values: tuple[Any, ...], n_layers: int, tables: Any) -> Problem:
    return as_problem(Problem(*values), n_layers, tables)


def differences(problem: Problem) -> dict[str, Any]:
    """Return the settings, by name, that differ from the tutorial's."""
    values = {name: getattr(problem, name) for name in SETTINGS}
    return {name: value for name, value in values.items() if value != getattr(TUTORIAL, name)}

"""How entries are written as ONNX nodes; `fastmlp.estimators.onnx_file` makes the file of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Graph(Protocol):
    """A graph in the making, whose values go by name."""

    def add(self, kind: str, *inputs: str | float, **settings: Any) -> str:
        """Add a node with one output; return the output's name.

        Parameters
        ----------
        kind : str
            One of ONNX's operators.
        *inputs : str or float
            Names of values; a number becomes a constant of float32.
        **settings
            The node's attributes.
        """


Nodes = Callable[[Graph, str], str]
"""Adds a function to a graph, from the name of its argument z; returns the name of the result."""


def operator(kind: str, **settings: Any) -> Nodes:
    """Return the nodes of a function that is one of ONNX's operators."""
    return lambda graph, z: graph.add(kind, z, **settings)

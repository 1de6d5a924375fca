"""Exports entries as ONNX nodes; `fastmlp.export` writes them to a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Graph(Protocol):
    """An ONNX graph that is being built; its values have names."""

    def add(self, kind: str, *inputs: str | float, **settings: Any) -> str:
        """Add a node with one output; return the output's name.

        Parameters
        ----------
        kind : str
            The name of an ONNX operator.
        *inputs : str or float
            Names of values; a float becomes a constant of float32.
        **settings
            The node's attributes.
        """


Nodes = Callable[[Graph, str], str]
"""Adds a function to a graph, from the name of its argument z; returns the name of the result."""


def operator(kind: str, **settings: Any) -> Nodes:
    """Return what adds the node of a function that is an ONNX operator."""
    return lambda graph, z: graph.add(kind, z, **settings)

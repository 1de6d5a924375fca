"""Exports entries as C99; `fastmlp.export` writes it to a file."""

from __future__ import annotations

# Statements that replace the float z[i] of a layer of n units by its function, for all i < n.
SOFTMAX = """\
float largest = z[0], sum = 0;
for (int i = 1; i < n; i++) if (z[i] > largest) largest = z[i];
for (int i = 0; i < n; i++) sum += z[i] = expf(z[i] - largest);
for (int i = 0; i < n; i++) z[i] /= sum;"""


def each(expression: str) -> str:
    """Return the statements of a function whose value, for each unit, is an expression of z[i]."""
    return f"for (int i = 0; i < n; i++) z[i] = {expression};"

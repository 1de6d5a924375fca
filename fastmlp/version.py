"""The version, in the source: a copy that nobody installed knows it too, and so does pyproject."""

__version__ = "0.1.0"

"""The figures that pictures are drawn on: matplotlib's, and they show themselves."""

from __future__ import annotations

import io

import matplotlib.figure

from fastmlp.checks import warn_user
from fastmlp.notebooks import in_notebook


class Figure(matplotlib.figure.Figure):
    """A matplotlib figure apart from pyplot's global state, which notebooks show as a picture."""

    def _repr_png_(self) -> bytes:
        """Return what a notebook shows where a cell ends in the figure."""
        stream = io.BytesIO()
        self.savefig(stream, format="png")
        return stream.getvalue()

    def show(self, warn: bool = True) -> None:
        """Show the figure: in a notebook below the cell, elsewhere in the system's picture viewer.

        Parameters
        ----------
        warn : bool, default True
            Whether to give a UserWarning where there is no viewer.
        """
        if in_notebook():
            from IPython.display import display

            display(self)
            return
        from PIL import Image, ImageShow

        with Image.open(io.BytesIO(self._repr_png_())) as image:
            is_shown = ImageShow.show(image, title="fastmlp")
        if warn and not is_shown:
            warn_user("no viewer of pictures was found: write the figure with savefig")

"""What stands on a page, and the page as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastmlp import palette
from fastmlp.page.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart
from fastmlp.page.confusion import Confusion
from fastmlp.version import __version__
from fastmlp.words import printable, shortened


class Mistakes(NamedTuple):
    """The worst rows.

    Attributes
    ----------
    title : str
    headings : sequence of str
    rows : sequence of sequence of str
        A cell for each heading.
    images : sequence of str
        One for each row, as addresses; empty where rows are no images.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    images: Sequence[str] = ()


class Importance(NamedTuple):
    """How much a column counts.

    Attributes
    ----------
    name : str
    mean, spread : float
        Of how much worse predictions become when it is shuffled.
    """

    name: str
    mean: float
    spread: float


@dataclass(frozen=True)
class Page:
    """What stands on a page; what is empty is left out.

    Attributes
    ----------
    title : str
    facts : mapping of str to str
        What was trained on what, and how good it is.
    charts : sequence of Chart
    confusion : Confusion or None
    mistakes : Mistakes or None
    importances : sequence of Importance
        The most important first.
    importances_of : str
        What becomes worse.
    weights : sequence of str
        Images of the first layer's weights, as addresses.
    n_units : int
        How many units there are with those whose weights aren't shown.
    pad : mapping or None
        The network, as `network_of` returns it.
    classes : sequence of str
        Whose probabilities it shows.
    no_pad : str
        Why there is none.
    """

    title: str
    facts: Mapping[str, str]
    charts: Sequence[Chart] = ()
    confusion: Confusion | None = None
    mistakes: Mistakes | None = None
    importances: Sequence[Importance] = ()
    importances_of: str = ""
    weights: Sequence[str] = ()
    n_units: int = 0
    pad: Mapping[str, Any] | None = None
    classes: Sequence[str] = ()
    no_pad: str = ""

    def html(self) -> str:
        """Return it as one HTML file, which loads nothing from elsewhere.

        Raises
        ------
        ImportError
            Without jinja2.
        """
        import jinja2

        templates = jinja2.Environment(
            loader=jinja2.PackageLoader("fastmlp.page"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
            finalize=_harmless,
        )
        templates.filters["name"] = shortened
        size = {
            "width": WIDTH, "height": HEIGHT,
            "left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM,
        }  # fmt: skip
        return templates.get_template("page.html").render(
            page=self, palette=palette, size=size, version=__version__
        )


def _harmless(value: Any) -> Any:
    """Escape control characters in text, and marks that would reorder the page."""
    return printable(value) if type(value) is str else value  # not in markup, which is the page's

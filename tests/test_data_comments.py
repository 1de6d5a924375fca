"""load: comments at the top of a text table, which CSV doesn't have but people write."""

from __future__ import annotations

from pathlib import Path

import pytest
from numpy.testing import assert_array_equal
from table_tools import PACKINGS, X, Y, error_of, frame, put

from fastmlp.data import load

ABOVE = {
    "# by hand\n": 1,
    "% a\n\n% b, c\n \n%\n": 5,
    "#it's \"so\r\n": 1,
    "% \n\n" * 30: 59,
    "# a," + 15 * "b," + "c\n": 1,  # as many cells as there are columns: names, but not the last
}


@pytest.mark.parametrize("above", ABOVE)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [",", " "])
@pytest.mark.parametrize("packing", ["plain", "gzip"])
def test_comments_at_the_top_are_skipped(
    tmp_path: Path, above: str, encoding: str, separator: str, packing: str
) -> None:
    table = frame().rename(columns={"label": "größe" if encoding == "cp1252" else "label"})
    text = above + table.to_csv(index=False, sep=separator)
    path = put(tmp_path, PACKINGS[packing](text.encode(encoding)))
    data = load(path, label="first")
    assert_array_equal(data.x, X)
    assert_array_equal(data.y, Y)
    n = ABOVE[above]
    assert f", {n} line{'s' * (n > 1)} of comments skipped, labels: " in data.found


def test_lines_are_counted_from_the_file_s_first(tmp_path: Path) -> None:
    for column, name in ((1, "'pixel0'"), (0, "'label'")):
        rows = [row.split(",") for row in frame().to_csv(index=False).splitlines()]
        rows[8][column] = "dark"
        text = "# a\n\n# b\n" + "\n".join(map(",".join, rows))
        assert error_of(put(tmp_path, text)).startswith(f", line 12, column {name}: 'dark'")


@pytest.mark.parametrize("first", ["#", "#pixel", "% fat"])
def test_a_column_s_name_may_begin_so(tmp_path: Path, first: str) -> None:
    for decimal in (".", ","):
        table = frame(None, X / 4).rename(columns={"pixel0": first}).assign(label=Y)
        text = table.to_csv(index=False, sep=";", decimal=decimal)
        data = load(put(tmp_path, text), scale=1)
        assert data.feature_names is not None
        assert data.feature_names[0] == first
        assert_array_equal(data.x, X / 4)


def test_words_may_begin_so(tmp_path: Path) -> None:
    for n_rows in (1, 3, 40):
        words = [f"#{i % 3}" if i < n_rows else "c" for i in range(40)]
        for header in (True, False):
            text = frame(words).to_csv(index=False, header=header)
            data = load(put(tmp_path, text), label="first")
            assert_array_equal(data.x, X)
            assert data.class_names is not None
            assert [data.class_names[i] for i in data.y] == words  # type: ignore[union-attr]


def test_nothing_but_comments(tmp_path: Path) -> None:
    said = error_of(put(tmp_path, b"# a\n# b\n\n"))
    assert said.startswith(", line 2 begins with # and looks like a comment: remove")

"""Copies and checks the structure of sparse matrices before any compiled code trusts it.

SciPy checks few of a matrix's parts, and its conversions write to wherever the indices point. The
caller's matrix is never modified, and its flags are not trusted: SciPy caches whether it has found
duplicates, and anyone may set that flag.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.words import shown

COMPRESSED = ("csr", "csc", "bsr")  # formats with indptr, indices and data


def own_structure(x: Any, name: str) -> Any:
    """Return `x` with a checked structure that nobody else can change; values are shared.

    The structure is checked after it was copied, so changes of `x` meanwhile have no effect.

    Parameters
    ----------
    x : SciPy sparse matrix or array of shape (n_rows, n_columns)
    name : str
        The argument's name, for error messages.

    Returns
    -------
    SciPy sparse matrix or array
        In the same format, except that DOK becomes COO.
    """
    import scipy.sparse

    form, shape = x.format, x.shape
    if len(shape) != 2:
        raise ValueError(
            f"{name} has shape {shape}: give two dimensions, "
            f"as in {name}.toarray().reshape({'1' if len(shape) == 1 else shape[0]}, -1)"
        )
    if form not in (*COMPRESSED, "coo", "dok", "lil", "dia"):
        raise TypeError(f"{name} is sparse in the format {shown(form)}: give {name}.tocsr()")
    kind = "matrix" if scipy.sparse.isspmatrix(x) else "array"
    make = getattr(scipy.sparse, f"{'coo' if form == 'dok' else form}_{kind}")
    if form == "lil":
        own = make(shape, dtype=x.dtype)
        own.rows, own.data = _copy_lists(x.rows), _copy_lists(x.data)
        _check_lists(own.rows, own.data, shape, name)
        return own
    if form in COMPRESSED:
        data, indices, indptr = _view(x.data), _copy(x.indices), _copy(x.indptr)
        _check_compressed(form, data, indices, indptr, shape, name)
        return make((data, indices, indptr), shape)
    if form == "dia":
        data, offsets = _view(x.data), _copy(x.offsets)
        is_sound = _are_indices(offsets) and data.ndim == 2 and len(data) == len(offsets)
        _require(is_sound, name, "data and offsets don't fit together")
        return make((data, offsets), shape)
    try:
        data, rows, columns = _coordinates(x)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} is a broken sparse matrix ({error}): build it anew") from None
    _check_coordinates(data, rows, columns, shape, name)
    return make((data, (rows, columns)), shape)


def _copy(part: Any) -> Any:
    """Return a copy of an array; anything else is left for the checks to refuse."""
    return np.array(part) if isinstance(part, np.ndarray) else part


def _view(data: Any) -> Any:
    """Return a view of an array, so that changes of the original's shape have no effect."""
    return data.view() if isinstance(data, np.ndarray) else np.asarray(data)


def _copy_lists(lists: NDArray[Any]) -> NDArray[Any]:
    """Copy an array of lists, and the lists in it."""
    copies = lists.copy()
    for row, cells in enumerate(lists.flat):
        copies.flat[row] = list(cells) if isinstance(cells, list) else cells
    return copies


def _coordinates(x: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return data of COO or DOK, and copies of their rows and columns."""
    if x.format == "coo":
        return _view(x.data), np.array(x.row), np.array(x.col)
    keys = np.array(list(x.keys()), np.int64).reshape(len(x.keys()), 2)
    rows, columns = np.ascontiguousarray(keys.T)
    return np.array(list(x.values()), x.dtype), rows, columns


def as_csr(x: Any) -> Any:
    """Return a SciPy sparse matrix of any format as a canonical CSR array.

    Parameters
    ----------
    x : SciPy sparse matrix or array of shape (n_rows, n_columns)
        From `own_structure`.

    Returns
    -------
    scipy.sparse.csr_array
        Its indices are in range, sorted and without duplicates, its data contiguous. It shares
        memory with `x` if that is such a matrix already.
    """
    from scipy.sparse import coo_array, csr_array, dia_array

    given = x.dtype
    if x.format == "coo":
        # Widened first: SciPy adds up duplicates in the data's own type.
        x = coo_array((_wide(x.data), (x.row, x.col)), x.shape).tocsr()
    elif x.format == "dia":
        inside = (x.offsets > -x.shape[0]) & (x.offsets < x.shape[1])
        x = dia_array((x.data[inside], x.offsets[inside]), x.shape).tocsr()
    elif x.format != "csr":
        x = x.tocsr()
    parts = (np.ascontiguousarray(part) for part in (x.data, x.indices, x.indptr))
    matrix = csr_array(tuple(parts), x.shape)
    if not matrix.has_canonical_format:
        matrix = csr_array((_wide(matrix.data), matrix.indices, matrix.indptr), x.shape, copy=True)
        matrix.sum_duplicates()
    data = matrix.data[: matrix.nnz]
    if given == np.uint8 and data.dtype != given and (not len(data) or data.max() <= 255):
        return with_data(matrix, data.astype(np.uint8))
    return with_data(matrix, data)


def with_data(matrix: Any, data: NDArray[Any]) -> Any:
    """Return a canonical CSR array with the structure of `matrix` and other values."""
    from scipy.sparse import csr_array

    indices = matrix.indices[: len(data)]
    new = csr_array((data, indices, matrix.indptr), matrix.shape)
    new.has_canonical_format = True
    return new


def refuse_one_based(x: Any, n_columns: int, name: str) -> None:
    """Raise ValueError if `x` has one column too many and its first column is empty."""
    if x.shape[1] == n_columns + 1 and not as_csr(x)[:, [0]].nnz and x.nnz:
        raise ValueError(
            f"{name} has {n_columns + 1} columns, of which the first is empty, and the network "
            f"takes {n_columns}: 1-based? Then give {name}.tocsr()[:, 1:]"
        )


def _check_compressed(
    form: str, data: Any, indices: Any, indptr: Any, shape: tuple[int, int], name: str
) -> None:
    """Check CSR, CSC and BSR: pointers into indices, for each row, column or row of blocks."""
    is_sound = _are_indices(indptr) and _are_indices(indices)
    is_sound = is_sound and data.ndim == (3 if form == "bsr" else 1)
    _require(is_sound, name, "indptr, indices and data must be arrays of the right types")
    height, width = data.shape[1:] or (1, 1)  # of blocks
    n_major, n_minor = shape[0] // height, shape[1] // width
    is_sound = shape == (n_major * height, n_minor * width)
    _require(is_sound, name, "its blocks don't fit the shape")
    if form == "csc":
        n_major, n_minor = n_minor, n_major
    _require(len(indices) == len(data), name, "indices and data differ in length")
    _require(len(indptr) == n_major + 1, name, f"indptr has {len(indptr)} entries, not one more "
             f"than the {n_major} rows or columns")  # fmt: skip
    is_one_based = indptr[0] == 1 and indptr[-1] == len(indices) + 1
    _require(not is_one_based, name, "indptr starts at 1 instead of 0: 1-based?")
    is_sound = indptr[0] == 0 and bool(np.all(indptr[1:] >= indptr[:-1]))
    _require(is_sound, name, "indptr must start at 0 and never fall")
    _require(indptr[-1] <= len(indices), name, "indptr leads beyond the indices")
    kind = {"csr": "column", "csc": "row", "bsr": "block column"}[form]

    def where(place: int) -> str:
        major = int(np.searchsorted(indptr[1:], place, side="right"))
        return f"column {major}" if form == "csc" else f"row {major * height}"

    _check_range(indices[: int(indptr[-1])], n_minor, name, kind, where)


def _check_coordinates(
    data: Any, rows: Any, columns: Any, shape: tuple[int, int], name: str
) -> None:
    """Check COO and DOK: a row and a column for each value."""
    is_sound = _are_indices(rows) and _are_indices(columns) and data.ndim == 1
    _require(is_sound, name, "row, col and data must be arrays of the right types")
    is_sound = len(rows) == len(columns) == len(data)
    _require(is_sound, name, "row, col and data differ in length")
    _check_range(columns, shape[1], name, "column", lambda place: f"row {rows[place]}")
    _check_range(rows, shape[0], name, "row", lambda place: f"column {columns[place]}")


def _check_lists(rows: Any, data: Any, shape: tuple[int, int], name: str) -> None:
    """Check LIL: for each row, a list of columns and one of values."""
    is_sound = rows.shape == data.shape == (shape[0],)
    _require(is_sound, name, f"rows and data must hold a list for each of {shape[0]} rows")
    for row, (columns, values) in enumerate(zip(rows, data, strict=True)):
        is_sound = isinstance(columns, list) and isinstance(values, list)
        is_sound = is_sound and len(columns) == len(values)
        _require(is_sound, name, f"columns and values of row {row} don't fit together")
        if not columns:
            continue
        try:
            indices = np.array(columns)
        except (ValueError, OverflowError):
            indices = np.array(columns, object)
        _require(_are_indices(indices), name, f"columns of row {row} are not whole numbers")
        _check_range(indices, shape[1], name, "column", lambda _, row=row: f"row {row}")


def _check_range(indices: NDArray[Any], n: int, name: str, kind: str, where: Any) -> None:
    """Raise if an index is not in 0..n-1; `where` turns its position into words."""
    # Negative indices viewed as unsigned are large, so one comparison tests both limits.
    if not len(indices) or indices.view(f"u{indices.itemsize}").max() < n:
        return
    low, high = int(indices.min()), int(indices.max())
    bad = low if low < 0 else high
    remedy = "build it anew"
    if low >= 1 and high == n:
        remedy = "1-based? Then subtract 1 from all of them"
    place = int(np.argmax(indices == bad))
    raise ValueError(
        f"{name} holds the {kind} index {bad} in {where(place)}, outside 0..{n - 1}: {remedy}"
    )


def _are_indices(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype.kind in "iu"


def _require(is_sound: bool, name: str, reason: str) -> None:
    if not is_sound:
        raise ValueError(f"{name} is a broken sparse matrix, {reason}: build it anew")


def _wide(data: NDArray[Any]) -> NDArray[Any]:
    """Return narrow integers as int64, so that sums of duplicates do not overflow."""
    return data.astype(np.int64) if data.dtype.kind in "iu" and data.itemsize < 8 else data

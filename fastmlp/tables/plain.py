"""What trees need of an encoded table: no bins, and levels as their places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastmlp.tables.categories import Categories
from fastmlp.tables.encoder import TableEncoder
from fastmlp.tables.encodings import Block
from fastmlp.tables.numbers import Numbers


def plain(encoder: TableEncoder, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what trees need of an encoded table (n_rows, n_inputs).

    Trees don't see how numbers are scaled. Levels are numbered from the commonest to the rarest;
    others are -1.
    """
    return np.hstack(plain_blocks(encoder, x))


def plain_blocks(encoder: TableEncoder, x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the same, each block of the encoded table for itself."""
    ends = np.cumsum([block.n_outputs for block in encoder._blocks])
    parts = np.split(x, ends[:-1], axis=1)
    return [_plain(block, own) for block, own in zip(encoder._blocks, parts, strict=True)]


def _plain(block: Block, x: NDArray[np.float32]) -> NDArray[np.float32]:
    if isinstance(block, Numbers):
        places = [0] if block.scale > 0 else []
        return x[:, [*places, block.n_outputs - 1] if block.has_gaps else places]
    if isinstance(block, Categories) and block.n_outputs > 1:
        levels = np.where(x.any(axis=1), x.argmax(axis=1), -1)
        return levels.astype(np.float32)[:, np.newaxis]
    return x

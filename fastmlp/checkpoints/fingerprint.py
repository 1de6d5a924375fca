"""What a training is about, in words and short sums: its data, sizes and settings by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastmlp.words import shown

Fingerprint = Mapping[str, Any]
DIGITS = 16  # of a sum of 64 bits


def of_data(data: Any) -> str | None:
    """Return dtype, shape and a sum of an array or a CSR matrix; None for None."""
    if data is None:
        return None
    parts = (data,) if isinstance(data, np.ndarray) else (data.indptr, data.indices, data.data)
    found = hashlib.sha256()
    for part in parts:
        found.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    return f"{data.dtype} {data.shape} {found.hexdigest()[:DIGITS]}"


def of_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as JSON holds them; of a value that it can't hold, the type's name."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, dict):
            return {str(plain(key)): plain(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [plain(part) for part in value]
        is_plain = value is None or isinstance(value, str | int | float)
        return value if is_plain else f"<{type(value).__name__}>"

    return {name: plain(value) for name, value in settings.items()}


def first_difference(then: Fingerprint, now: Fingerprint) -> str | None:
    """Return what of `now` differs first, as "NAME was THEN, and is NOW"; None if nothing does."""
    now = json.loads(json.dumps(now))  # as `then` was read
    for name, other in now.items():
        one = then.get(name)
        if one != other:
            return f"{name} was {shown(one)}, and is {shown(other)}"
    return None

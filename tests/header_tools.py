"""The header of a .safetensors file, taken apart and put together again."""

from __future__ import annotations

import json
from typing import Any


def split(content: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """A file's header, the metadata within it, and its arrays."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    return header, header["__metadata__"], content[end:]


def joined(header: Any, arrays: bytes) -> bytes:
    """A file of them, whatever the header is."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + arrays


def changed(content: bytes, key: str, value: Any) -> bytes:
    """A file with one of the metadata, or a value in it (``key/name``), changed."""
    header, metadata, arrays = split(content)
    key, _, name = key.partition("/")
    if name:
        metadata[key] = json.dumps(json.loads(metadata[key]) | {name: value})
    else:
        metadata[key] = value
    return joined(header, arrays)

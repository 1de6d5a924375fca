"""Finds how wide the vector registers of this machine's processor are, and how many it has."""

from __future__ import annotations

import os
import platform

import llvmlite.binding as llvm

from fastmlp.kernels.codegen.cache import key_on
from fastmlp.words import shown


def _is_arm64() -> bool:
    return platform.machine().lower() in ("aarch64", "arm64")  # as Linux, and Apple, call it


def _host_registers() -> tuple[int, int]:
    """Return the width in bytes and how many there are; FASTMLP_LANES overrides the width."""
    forced = os.environ.get("FASTMLP_LANES")
    if forced and forced not in ("4", "8", "16"):
        raise ValueError(f"FASTMLP_LANES={shown(forced)}: set it to 4, 8 or 16, or unset it")
    features = llvm.get_host_cpu_features()
    widest = 16 if features.get("avx512f") else 8 if features.get("avx2") else 4
    are_many = features.get("avx512f") or _is_arm64()
    return 4 * int(forced or widest), 32 if are_many else 16


IS_ARM64 = _is_arm64()
VECTOR_BYTES, N_REGISTERS = _host_registers()
key_on(vector_bytes=VECTOR_BYTES)

"""Which machine this is, where a target depends on it."""

from __future__ import annotations

from functools import cache

from cpuinfo import get_cpu_info

ZEN_5_FAMILY = 26


@cache
def is_zen_5() -> bool:
    """Whether the cores are AMD's Zen 5."""
    cpu = get_cpu_info()
    return cpu.get("vendor_id_raw") == "AuthenticAMD" and cpu.get("family") == ZEN_5_FAMILY


def by_core(zen_5: float, zen_4: float) -> float:
    """The target for this machine: Zen 4's on any other too."""
    return zen_5 if is_zen_5() else zen_4

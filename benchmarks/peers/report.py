"""What a run leaves: a Markdown table of the targets, and JSON that pytest-benchmark can read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest_benchmark
from pytest_benchmark.plugin import pytest_benchmark_generate_machine_info
from pytest_benchmark.stats import Stats
from pytest_benchmark.utils import get_commit_info

from benchmarks.peers.run import Run, Target

PACKAGES = ("fastmlp", "numba", "numpy", "scikit-learn", "torch", "jax")


def markdown(targets: Sequence[Target], run: Run, machine: dict[str, Any]) -> str:
    lines = [
        f"Measured on {describe(machine)}.",
        "",
        "| # | what | target | measured | met | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for t in sorted(targets, key=lambda target: target.number):
        met = {True: "yes", False: "**no**", None: "-"}[t.met]
        lines.append(f"| {t.number} | {t.what} | {t.target} | {t.measured} | {met} | {t.note} |")
    lines += [f"\n{label} takes no part: {why}." for label, why in run.missing.items()]
    return "\n".join(lines) + "\n"


def describe(machine: dict[str, Any]) -> str:
    cpu = machine["cpu"]
    vectors = next((v for v in ("avx512f", "avx2", "asimd") if v in cpu.get("flags", [])), "?")
    packages = ", ".join(f"{name} {found}" for name, found in versions().items())
    return (
        f"{cpu.get('brand_raw', machine['processor'])} ({vectors}), {cpu.get('count', '?')} cores, "
        f"{machine['system']}, Python {machine['python_version']}, {packages}"
    )


def versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write(folder: Path, targets: Sequence[Target], run: Run) -> str:
    """Write peers.md and peers.json into the folder; return the table."""
    machine = pytest_benchmark_generate_machine_info()
    benchmarks = [
        {
            "group": group,
            "name": f"{group}: {name}",
            "fullname": f"{group}: {name}",
            "params": None,
            "param": None,
            "extra_info": {"side": name},
            "options": {},
            "stats": statistics(values),
        }
        for group, sides in run.seconds.items()
        for name, values in sides.items()
    ]
    document = {
        "machine_info": machine,
        "commit_info": get_commit_info(),
        "benchmarks": benchmarks,
        "datetime": datetime.now(UTC).isoformat(),
        "version": pytest_benchmark.__version__,
        "targets": [asdict(target) for target in targets],
        "missing": run.missing,
    }
    table = markdown(targets, run, machine)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.json").write_text(json.dumps(document, indent=1))
    (folder / "peers.md").write_text(table)
    return table


def statistics(values: Sequence[float]) -> dict[str, Any]:
    stats = Stats()
    for value in values:
        stats.update(value)
    return {**stats.as_dict(), "iterations": 1, "data": list(values)}

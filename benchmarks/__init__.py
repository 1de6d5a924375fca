"""Benchmarks of fastmlp; run from the repository's root.

``nox -s bench`` (pytest-benchmark, quick): fastmlp against its own NumPy reference.
``nox -s bench_peers`` (`benchmarks.peers`): every target, against every peer.
"""

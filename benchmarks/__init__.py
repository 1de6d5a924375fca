"""Benchmarks of fastmlp; run from the repository's root.

``nox -s bench`` (pytest-benchmark, quick): fastmlp against its own NumPy reference.
``nox -s bench_peers`` (`benchmarks.peers`): every target, against every peer.
``nox -s bench_tables`` (`benchmarks.tables`): the table classes, against boosted trees and others.
"""

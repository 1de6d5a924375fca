"""Measure networks in C, `to_c` beside emlearn's: ``python -m benchmarks.c_code``.

Needs gcc and ``pip install emlearn scikit-learn``. (m2cgen converts no network.) Each network is
trained here. Of each program: accuracy on held-out rows, the largest difference from Python, the
bytes of its code and constants, those of the memory that its calls share, and the best time a row.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import mnist

Array = NDArray[Any]

ROUNDS = 50
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
void run(const float *x, float *y);
int main(int argc, char **argv)
{
    const int n = atoi(argv[2]), n_in = atoi(argv[3]), n_out = atoi(argv[4]);
    float *x = malloc(sizeof(float) * n * n_in), *y = malloc(sizeof(float) * n * n_out);
    FILE *file = fopen(argv[1], "rb");
    if (argc != 6 || fread(x, sizeof(float), n * n_in, file) != (size_t)n * n_in) return 1;
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (int i = 0; i < n; i++) run(x + i * n_in, y + i * n_out);
        clock_gettime(CLOCK_MONOTONIC, &b);
        const double took = (b.tv_sec - a.tv_sec) + 1e-9 * (b.tv_nsec - a.tv_nsec);
        if (took < best) best = took;
    }
    fwrite(y, sizeof(float), n * n_out, fopen(argv[5], "wb"));
    printf("%g", best / n);
    return 0;
}
"""


class Measured(NamedTuple):
    """What one program does with the rows of one network."""

    accuracy: float
    difference: float
    constant_bytes: int
    shared_bytes: int
    seconds: float


def main() -> None:
    """Train, convert, compile, and print a table of each network."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as name:
        warnings.simplefilter("ignore")  # trainings that end by max_iter
        for title, model, x, y in _networks():
            print(f"\n{title}: {model.score(x, y):.2%} in Python on {len(x)} rows\n")
            print("| program | accuracy | difference | size | shared memory | a row |")
            print("| --- | --- | --- | --- | --- | --- |")
            for program, source in _programs(model, Path(name)):
                found = _measure(source, model, x.astype(np.float32), y)
                print(
                    f"| {program} | {found.accuracy:.2%} | {found.difference:.0e} "
                    f"| {found.constant_bytes / 1000:.1f} kB | {found.shared_bytes} B "
                    f"| {found.seconds * 1e6:.2f} µs |"
                )


def _networks() -> Any:
    """Yield a name, a trained network, and rows that it has not seen with their classes."""
    from sklearn.datasets import load_digits

    from fastmlp import MLPClassifier

    x, y = load_digits(return_X_y=True)
    model = MLPClassifier(32, max_iter=60, random_state=0).fit(x[400:] / 16, y[400:])
    yield "scikit-learn's digits, 64-32-10", model, x[:400] / 16, y[:400]
    if (found := mnist()) is None:
        print("MNIST is not at hand", file=sys.stderr)
        return
    pixels, y = found
    x = pixels / np.float32(255)
    model = MLPClassifier(64, max_iter=10, random_state=0).fit(x[:-8400], y[:-8400])
    yield "MNIST, 784-64-10", model, x[-8400:], y[-8400:]


def _programs(model: Any, folder: Path) -> Any:
    """Yield the name and the C file of each program, all with the function ``run``."""
    import emlearn

    for dtype in ("float32", "int8"):
        path = folder / f"{dtype}.c"
        model.to_c(path, dtype=dtype)
        path.write_text(path.read_text().replace("void predict(", "void run("))
        yield f"fastmlp, `{dtype}`", path
    with contextlib.chdir(folder):  # where it leaves programs of its own, in tmp/
        made = emlearn.convert(model, method="loadable").save(name="net")  # by the class's name
    n_in, n_out = len(model.coefs_[0]), len(model.classes_)
    path = folder / "emlearn.c"
    path.write_text(
        f"#include <math.h>\n{made}\nvoid run(const float *x, float *y)\n"
        f"{{ eml_net_predict_proba(&net, x, {n_in}, y, {n_out}); }}\n"
    )
    yield f"emlearn {emlearn.__version__}", path


def _measure(source: Path, model: Any, x: Array, y: Array) -> Measured:
    import emlearn

    folder = source.parent
    compiled = source.with_suffix(".o")
    program, rows, results = folder / "program", folder / "rows", folder / "results"
    gcc = ["gcc", "-O3", "-w", "-I", emlearn.includedir]
    subprocess.run([*gcc, "-c", source, "-o", compiled], check=True)
    (folder / "main.c").write_text(MAIN.replace("ROUNDS", str(ROUNDS)))
    subprocess.run([*gcc, folder / "main.c", compiled, "-o", program, "-lm"], check=True)
    x.tofile(rows)
    sizes = (str(len(x)), str(x.shape[1]), str(len(model.classes_)))
    took = subprocess.run(
        [program, rows, *sizes, results], check=True, capture_output=True, text=True
    ).stdout
    found = np.fromfile(results, np.float32).reshape(len(x), -1)
    text, data, bss = (
        subprocess.run(["size", compiled], check=True, capture_output=True, text=True)
        .stdout.splitlines()[1]
        .split()[:3]
    )
    return Measured(
        float(np.mean(model.classes_[found.argmax(axis=1)] == y)),
        float(np.abs(found - model.predict_proba(x)).max()),
        int(text),
        int(data) + int(bss),
        float(took),
    )


if __name__ == "__main__":
    main()

"""The rows of the comparison of speed: 100,000 x 20, as columns in a folder."""

import json
import pathlib
import sys

import numpy

ROWS = 100_000


def columns(shift, seed):
    """14 columns of numbers and 6 of strings, some with missing values."""
    r = numpy.random.default_rng(seed)
    n = ROWS
    out = {
        "normal": r.normal(shift, 1, n),
        "wide": r.normal(50, 20, n),
        "offset": 1e9 + r.normal(0, 1, n),
        "uniform": r.random(n),
        "lognormal": r.lognormal(shift, 1, n),
        "pareto": (1 - r.random(n)) ** (-1 / 1.1),
        "exponential": r.exponential(30, n),
        "poisson": r.poisson(5, n).astype(float),
        "whole": r.integers(0, 1000, n).astype(float),
        "bits": r.integers(0, 2, n).astype(float),
        "zeros": numpy.maximum(0, r.normal(0, 1, n)),
        "beta": r.beta(2, 5, n),
        "time": 1.7e9 + numpy.sort(r.random(n)) * 86400,
        "modes": numpy.where(r.random(n) < 0.5, r.normal(-4, 1, n), r.normal(4, 1, n)),
    }
    for name in ("wide", "beta"):
        out[name][r.random(n) < 0.05] = numpy.nan
    for name, kinds in {"yes": 2, "country": 30, "product": 100, "shop": 300, "street": 1000, "agent": 5000}.items():
        out[name] = (numpy.minimum(r.zipf(1.3, n), kinds) - 1).astype(numpy.int32)
    return out


def strings(name, codes):
    """The values of a column of codes: some 15 bytes each."""
    return [f"{name}-value-{i:05d}" for i in range(int(codes.max()) + 1)]


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for part, shift, seed in (("reference", 0.0, 1), ("current", 0.1, 2)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        index = []
        for name, values in columns(shift, seed).items():
            values.tofile(folder / part / name)
            text = values.dtype == numpy.int32
            index.append({"name": name, "values": strings(name, values) if text else None})
        (folder / part / "columns.json").write_text(json.dumps(index))

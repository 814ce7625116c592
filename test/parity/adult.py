"""What Evidently itself says of Adult, column by column: expected/adult.json."""
import warnings

import pandas as pd

from evidently.legacy.core import ColumnType
from evidently.legacy.calculations.stattests import (
    jensenshannon_stat_test, kl_div_stat_test, psi_stat_test, wasserstein_stat_test)
from parity import DATA, versions, write

warnings.simplefilter("ignore")
frame = pd.read_csv(DATA / "adult" / "adults.csv.gz")
old = frame["education"].isin(["Some-college", "HS-grad", "Bachelors"])
reference, current = frame[~old], frame[old]
tests = {"js@evidently": jensenshannon_stat_test, "kl@evidently": kl_div_stat_test, "psi@evidently": psi_stat_test,
         "wasserstein@evidently": wasserstein_stat_test}
out = {}  # missing values are dropped first, as Evidently's own column drift does
for name in frame.columns:
    kind = ColumnType.Numerical if pd.api.types.is_numeric_dtype(frame[name]) else ColumnType.Categorical
    out[name] = {}
    for method, test in tests.items():
        if method == "wasserstein@evidently" and kind == ColumnType.Categorical:
            continue
        out[name][method] = float(test.func(reference[name].dropna(), current[name].dropna(), kind, 0.1)[0])
write("adult", {"versions": versions("evidently", "numpy", "pandas", "scipy"), "columns": out})

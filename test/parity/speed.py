"""How long whylogs and Evidently take for the rows that speed_test.go takes.

    speed.py ROWS LEEWAY

ROWS is the folder that speed_rows.py wrote, LEEWAY the seconds that the Go
benchmarks printed, as JSON. Each tool gets its rows in memory, in the form
that suits it best, runs once to warm up and then until 20 s are over or it ran
five times; the fastest run counts.
"""

import json
import logging
import pathlib
import sys
import time
import warnings

import numpy
import pandas

from parity import versions, write

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)


def frame(folder):
    columns = {}
    for c in json.loads((folder / "columns.json").read_text()):
        if c["values"] is None:
            columns[c["name"]] = numpy.fromfile(folder / c["name"], dtype=float)
        else:
            codes = numpy.fromfile(folder / c["name"], dtype=numpy.int32)
            columns[c["name"]] = numpy.array(c["values"], dtype=object)[codes]
    return pandas.DataFrame(columns)


def fastest(run):
    run()
    best, began = float("inf"), time.perf_counter()
    for _ in range(5):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() - began > 20:
            break
    return best


def whylogs_seconds(current):
    import whylogs

    return fastest(lambda: whylogs.log(pandas=current).view())


def evidently_seconds(current, reference):
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    text = [c for c in current if current[c].dtype == object]
    kinds = DataDefinition(numerical_columns=[c for c in current if c not in text], categorical_columns=text)
    cur = Dataset.from_pandas(current, data_definition=kinds)
    ref = Dataset.from_pandas(reference, data_definition=kinds)
    return fastest(lambda: Report([DataDriftPreset()]).run(cur, ref).dict())


def main(folder, leeway):
    current, reference = frame(folder / "current"), frame(folder / "reference")
    seconds = {
        "whylogs_log": whylogs_seconds(current),
        "evidently_drift": evidently_seconds(current, reference),
        "leeway_profile": leeway["profile"],
        "leeway_drift": leeway["drift"],
    }
    ratios = {
        "profile": seconds["whylogs_log"] / seconds["leeway_profile"],
        "drift": seconds["evidently_drift"] / seconds["leeway_drift"],
        "profile_to_evidently": seconds["evidently_drift"] / seconds["leeway_profile"],
    }
    write(
        "speed",
        {
            "versions": versions("whylogs", "whylogs-sketching", "evidently", "pandas", "numpy") | {"go": leeway["go"]},
            "rows": len(current),
            "columns": len(current.columns),
            "processor": leeway["cpu"],
            "seconds": {k: round(v, 6) for k, v in seconds.items()},
            "times_faster": {k: round(v, 1) for k, v in ratios.items()},
        },
    )
    print(f"| {len(current):,} rows x {len(current.columns)} columns, one core | seconds | Leeway | times faster |")
    print("| --- | --- | --- | --- |")
    print(f"| whylogs: log a data frame | {seconds['whylogs_log']:.2f} | {seconds['leeway_profile']:.4f} profile | {ratios['profile']:.0f} |")
    print(f"| Evidently: data drift against as many rows | {seconds['evidently_drift']:.2f} | {seconds['leeway_drift']:.4f} two profiles and drift | {ratios['drift']:.0f} |")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]))

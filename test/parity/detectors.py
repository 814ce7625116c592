"""Where River's change detectors fire on the streams, and where they warn first."""

from river import drift

import parity

# binary tells that River's class takes 0 and 1 only.
CASES = [
    ("adwin", drift.ADWIN, {}, False),
    ("adwin", drift.ADWIN, {"clock": 1, "delta": 0.05}, False),
    ("page_hinkley@river-0.26", drift.PageHinkley, {"mode": "up"}, False),
    ("page_hinkley@river-0.26", drift.PageHinkley, {"mode": "both", "threshold": 10}, False),
    ("kswin", drift.KSWIN, {"seed": 42}, False),
    ("kswin", drift.KSWIN, {"seed": 42, "alpha": 0.0001, "window_size": 200, "stat_size": 100}, False),
    ("ddm", drift.binary.DDM, {}, True),
    ("ddm", drift.binary.DDM, {"drift_threshold": 2.5, "warm_start": 50}, True),
    ("eddm", drift.binary.EDDM, {}, True),
    ("eddm", drift.binary.EDDM, {"alpha": 0.8, "beta": 0.75}, True),
    ("hddm_a", drift.binary.HDDMA, {}, True),
    ("hddm_a", drift.binary.HDDMA, {"two_sided_test": True}, True),
    ("hddm_w", drift.binary.HDDMW, {}, True),
    ("hddm_w", drift.binary.HDDMW, {"two_sided_test": True, "lambda_val": 0.1}, True),
]

# What Leeway calls River's parameters.
NAMES = {"two_sided_test": "two_sided", "lambda_val": "lambda", "warm_start": "min_instances"}

STREAMS = [
    "river_stream_random12345.csv",
    "river_stream_random42_binary.csv",
    "river_test_stream1.csv",
    "river_test_stream2.csv",
    "river_test_stream3.csv",
    "frouros_stream_drift_seed31.csv",
]


def run(detector, stream):
    drifts, warnings, fresh = [], [], True
    for i, x in enumerate(stream):
        detector.update(x)
        if detector.drift_detected:
            drifts.append(i)
            fresh = True
        elif fresh and getattr(detector, "warning_detected", False):
            warnings.append(i)
            fresh = False
    return drifts, warnings


def params(given):
    out = {}
    for name, value in given.items():
        if name == "mode":
            out["two_sided"] = 1 if value == "both" else 0
        elif name != "seed":
            out[NAMES.get(name, name)] = float(value)
    return out


def main():
    rows = []
    for name in STREAMS:
        text = (parity.DATA / "streams" / name).read_text().split()
        stream = [float(x) for x in text]
        binary = set(stream) <= {0.0, 1.0}
        for detector, make, given, wants_binary in CASES:
            if wants_binary and not binary:
                continue
            drifts, warnings = run(make(**given), [int(x) for x in stream] if binary else stream)
            row = {"stream": name, "detector": detector, "params": params(given), "drifts": drifts}
            if wants_binary:
                row["warnings"] = warnings
            rows.append(row)
    parity.write("detectors", {"versions": parity.versions("river"), "rows": rows})


main()

"""Frames, with pyarrow and without it."""

import contextlib
import datetime
import json
import sys
import unittest
from unittest import mock

from leeway import frames
from test_monitor import Case

try:
    import numpy
    import pandas
except ImportError:
    pandas = None
try:
    import polars
except ImportError:
    polars = None
try:
    import pyarrow
except ImportError:
    pyarrow = None

ROWS = 1200
COLUMNS = {
    "uid": [f"r-{i}" for i in range(ROWS)],
    "ts": [datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=i % 60) for i in range(ROWS)],
    "amount": [None if i % 10 == 0 else i * 1.5 for i in range(ROWS)],
    "stadt": ["Köln" if i % 2 else "漢字" for i in range(ROWS)],
    "y": [i % 2 for i in range(ROWS)],
    "p": [0.9 if i % 2 else 0.1 for i in range(ROWS)],
    "label": [1] * ROWS,
    "channel": ["web" if i % 3 else "app" for i in range(ROWS)],
}
ROLES = {"id": "uid", "time": "ts", "prediction": "y", "score": "p", "segments": ["channel"]}


def without_pyarrow():
    return mock.patch.dict(sys.modules, {"pyarrow": None})


def kinds(frame, roles, **options):
    """What the pieces of a frame are sent as."""
    filled = frames.Roles(*(roles.get(f) for f in frames.Roles._fields))
    return {e.type for e in frames.encode(frame, filled, "predictions", None)}


class FrameTest(Case):
    def check(self, frame, arrow):
        with contextlib.nullcontext() if arrow else without_pyarrow():
            self.assertEqual(kinds(frame, ROLES), {frames.ARROW if arrow else frames.NDJSON})
            monitor = self.monitor(version="v3")
            self.assertEqual(monitor.log_frame(frame, **ROLES), ROWS, self.said.lines)
            self.assertTrue(monitor.flush(60))
        self.assertEqual((monitor.stats().sent, monitor.stats().rejected), (ROWS, 0), self.said.lines)
        self.server.wait_for(self.model, ROWS, ROWS)
        features = self.server.features(self.model)
        self.assertEqual(set(features), {"amount", "stadt"})
        self.assertEqual((features["amount"]["rows"], features["amount"]["missing"] + features["amount"]["nan"], features["amount"]["max"]), (ROWS, 120, 1798.5))
        self.assertEqual({t["name"]: t["count"] for t in features["stadt"]["top"]}, {"Köln": 600, "漢字": 600})
        query = "from=now-1d&to=now%2B1h&step=1M&version=v3"
        window = self.server.get(f"/api/v1/models/{self.model}/quality?{query}")["windows"][0]
        self.assertEqual((window["predictions"], window["metrics"]["accuracy"]["value"]), (ROWS, 0.5))
        window = self.server.get(f"/api/v1/models/{self.model}/quality?{query[:-11]}&segment=channel%3Dapp")["windows"][0]
        self.assertEqual(window["predictions"], 400)

    @unittest.skipIf(pandas is None or pyarrow is None, "pandas or pyarrow is not installed")
    def test_pandas_as_arrow(self):
        self.check(pandas.DataFrame(COLUMNS), arrow=True)

    @unittest.skipIf(pandas is None, "pandas is not installed")
    def test_pandas_as_json(self):
        self.check(pandas.DataFrame(COLUMNS), arrow=False)

    @unittest.skipIf(polars is None or pyarrow is None, "polars or pyarrow is not installed")
    def test_polars_as_arrow(self):
        self.check(polars.DataFrame(COLUMNS), arrow=True)

    @unittest.skipIf(polars is None, "polars is not installed")
    def test_polars_as_json(self):
        self.check(polars.DataFrame(COLUMNS), arrow=False)

    @unittest.skipIf(pyarrow is None, "pyarrow is not installed")
    def test_a_table(self):
        self.check(pyarrow.table(COLUMNS), arrow=True)

    @unittest.skipIf(pyarrow is None, "pyarrow is not installed")
    def test_protocols(self):
        table = pyarrow.table(COLUMNS)

        class Stream:
            def __arrow_c_stream__(self, requested_schema=None):
                return table.__arrow_c_stream__(requested_schema)

        self.check(Stream(), arrow=True)

    @unittest.skipIf(pyarrow is None, "pyarrow is not installed")
    def test_dataframe_protocol(self):
        table = pyarrow.table({"id": ["1", "2"], "x": [1.0, 2.0], "prediction": [1, 0]})

        class Frame:
            def __dataframe__(self, *args, **kwargs):
                return table.__dataframe__(*args, **kwargs)

        monitor = self.monitor()
        self.assertEqual(monitor.log_frame(Frame()), 2, self.said.lines)
        self.assertTrue(monitor.flush(60))
        self.assertEqual(monitor.stats().sent, 2)

    def test_lists(self):
        self.check(COLUMNS, arrow=False)

    @unittest.skipIf(pandas is None or pyarrow is None, "pandas or pyarrow is not installed")
    def test_mixed_columns_go_as_json(self):
        frame = pandas.DataFrame({"x": [1, "a", None], "prediction": [1, 0, 1], "c": pandas.Categorical(["a", "b", None])})
        self.assertEqual(kinds(frame, {}), {frames.NDJSON})
        monitor = self.monitor()
        self.assertEqual(monitor.log_frame(frame), 3)
        self.assertTrue(monitor.flush(60))
        self.assertEqual(monitor.stats().sent, 3)

    @unittest.skipIf(pandas is None or pyarrow is None, "pandas or pyarrow is not installed")
    def test_types_of_columns(self):
        frame = pandas.DataFrame({
            "prediction": [1, 0], "f16": numpy.array([1, 2], "float16"), "f32": numpy.array([1, 2], "float32"), "u8": numpy.array([1, 2], "uint8"),
            "b": [True, False], "cat": pandas.Categorical(["a", None]), "when": pandas.to_datetime(["2026-05-01", None]),
            "int": pandas.array([1, None], dtype="Int64"), "s": pandas.array(["a", None], dtype="string"), 7: [1, 2],
        })
        monitor = self.monitor()
        self.assertEqual(monitor.log_frame(frame), 2, self.said.lines)
        self.assertTrue(monitor.flush(60))
        self.assertEqual(monitor.stats().sent, 2)
        self.server.wait_for(self.model, 2)
        self.assertEqual(set(self.server.features(self.model)), {"f16", "f32", "u8", "b", "cat", "when", "int", "s", "7"})

    def test_labels_and_reference(self):
        monitor = self.monitor()
        self.assertEqual(monitor.log_frame({"id": ["1", "2"], "prediction": ["a", "b"], "x": [1, 2]}), 2)
        self.assertEqual(monitor.log_frame({"key": ["1", "2"], "truth": ["a", "a"], "x": [1, 2]}, kind="labels", id="key", label="truth"), 2)
        self.assertEqual(monitor.set_reference({"x": list(range(500)), "prediction": ["a"] * 500, "label": ["a"] * 500}), 500)
        self.assertTrue(monitor.flush(60))
        self.assertEqual((monitor.stats().sent, monitor.stats().rejected), (504, 0), self.said.lines)
        self.server.wait_for(self.model, 2, 2)
        reference = self.server.get(f"/api/v1/models/{self.model}/data-quality?from=now-1d&to=now%2B1h")["reference"]
        self.assertEqual((reference["source"], reference["rows"]), ("import", 500))

    def test_faults_are_counted(self):
        monitor = self.monitor()
        self.assertEqual(monitor.log_frame({"x": [1, 2]}, prediction="not there"), 0)
        self.assertEqual(monitor.log_frame({"x": [1, 2]}, kind="nonsense"), 0)
        self.assertEqual(monitor.stats().dropped, 2)
        self.assertIn("not there", self.said.lines[0])

    def test_larger_than_memory(self):
        proxy = self.proxy(lambda n: "drop")
        monitor = self.monitor(proxy.url, max_bytes=10_000)
        rows = {"x": list(range(2000)), "prediction": [1] * 2000}
        with mock.patch.object(frames, "MAX_ROWS", 100), without_pyarrow():
            taken = monitor.log_frame(rows)
            self.assertTrue(0 < taken < 2000, taken)
            self.assertEqual(monitor.stats().dropped, 2000 - taken)
            monitor = self.monitor(max_bytes=10_000)  # with the server there: all, given time
            self.assertEqual(monitor.log_frame(rows, wait=60), 2000)
        self.assertTrue(monitor.flush(60))
        self.server.wait_for(self.model, 2000)

    def test_what_is_what(self):
        names = frames.plan(
            frames.Roles("uid", None, None, None, {"a": "pa", "b": "pb"}, None, None, None, {"land": "country"}, ["x", "id"]),
            ["uid", "id", "pa", "pb", "country", "x", "other", "time"], "predictions")
        self.assertEqual(names, {
            "uid": "id", "pa": "score.a", "pb": "score.b", "country": "segment.land", "x": "feature.x", "id": "feature.id", "time": "time"})

    def test_rows_as_json(self):
        roles = frames.Roles(None, None, None, None, None, None, None, None, None, None)
        with without_pyarrow():
            (encoded,) = frames.encode([{"id": 1, "f": float("nan")}, {"id": 2, "score": 0.5}], roles, "predictions", "v1")
        lines = [json.loads(line) for line in encoded.body.splitlines()]
        self.assertEqual(lines, [
            {"version": "v1", "id": 1, "score": None, "features": {"f": None}}, {"version": "v1", "id": 2, "score": 0.5, "features": {"f": None}}])
